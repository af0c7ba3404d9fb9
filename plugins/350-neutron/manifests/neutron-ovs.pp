# Networking by Open vSwitch: the agent that connects instances; on network hosts also routers, addresses and metadata.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$addresses = lookup('HOST_ADDRESSES')
$amqp_url = stackwright::amqp_url(
  lookup('CONFIG_AMQP_HOST'),
  lookup('CONFIG_AMQP_AUTH_USER'),
  lookup('CONFIG_AMQP_AUTH_PASSWORD'),
  $addresses,
  lookup('CONFIG_AMQP_ENABLE_SSL') == 'y'
)
$address = lookup('HOST_ADDRESS')
$is_network = lookup('HOST_NAME') in stackwright::list(lookup('CONFIG_NETWORK_HOSTS'))
$datapath = lookup('CONFIG_NEUTRON_OVS_DATAPATH_TYPE')
$mappings = stackwright::own_mappings(
  stackwright::list(lookup('CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS')),
  stackwright::list(lookup('CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE')),
  $is_network
)

class { 'stackwright::neutron::common':
  transport_url => $amqp_url,
  debug         => lookup('CONFIG_DEBUG_MODE') == 'y',
  mtu           => stackwright::mtu_at($address),
}
class { 'neutron::agents::ml2::ovs':
  tunnel_types    => stackwright::list(lookup('CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES')).filter |$type| { $type == 'vxlan' },
  local_ip        => $address,
  l2_population   => true,
  arp_responder   => true,
  firewall_driver => 'openvswitch',
  bridge_mappings => $mappings,
  bridge_uplinks  => stackwright::own_uplinks(stackwright::list(lookup('CONFIG_NEUTRON_OVS_BRIDGE_IFACES')), $mappings),
  vxlan_udp_port  => lookup('CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT'),
  datapath_type   => $datapath,
}
if $datapath == 'netdev' {
  class { 'stackwright::neutron::userspace_bridges': mappings => $mappings }
}

if $is_network {
  class { 'neutron::agents::dhcp':
    interface_driver         => 'openvswitch',
    enable_isolated_metadata => true,
  }
  class { 'neutron::agents::l3': interface_driver => 'openvswitch' }
  class { 'neutron::agents::metadata':
    shared_secret     => lookup('CONFIG_NEUTRON_METADATA_PW'),
    metadata_host     => stackwright::address_of(lookup('CONFIG_CONTROLLER_HOST'), $addresses),
    metadata_protocol => lookup('CONFIG_ENDPOINTS_SSL') ? { 'y' => 'https', default => 'http' },
    metadata_workers  => 1,
  }
}
