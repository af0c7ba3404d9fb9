# Networking by OVN: what carries its flows out on a host. Network hosts are gateways; compute hosts serve metadata.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$addresses = lookup('HOST_ADDRESSES')
$address = lookup('HOST_ADDRESS')
$controller = stackwright::address_of(lookup('CONFIG_CONTROLLER_HOST'), $addresses)
$host = lookup('HOST_NAME')
$is_network = $host in stackwright::list(lookup('CONFIG_NETWORK_HOSTS'))
$is_compute = $host in stackwright::list(lookup('CONFIG_COMPUTE_HOSTS'))
$southbound = "tcp:${stackwright::in_url($controller)}:6642"
$datapath = lookup('CONFIG_NEUTRON_OVS_DATAPATH_TYPE')
$mappings = stackwright::own_mappings(
  stackwright::list(lookup('CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS')),
  stackwright::list(lookup('CONFIG_NEUTRON_OVN_BRIDGES_COMPUTE')),
  $is_network
)

class { 'ovn::controller':
  ovn_remote                => $southbound,
  ovn_encap_type            => 'geneve',
  ovn_encap_ip              => $address,
  ovn_bridge_mappings       => $mappings,
  bridge_interface_mappings => stackwright::own_uplinks(stackwright::list(lookup('CONFIG_NEUTRON_OVN_BRIDGE_IFACES')), $mappings),
  ovn_cms_options           => $is_network ? { true => 'enable-chassis-as-gw', default => undef },
  # The name by which nova and neutron know the host.
  hostname                  => $facts['networking']['fqdn'],
  datapath_type             => $datapath,
}
if $datapath == 'netdev' {
  class { 'stackwright::neutron::userspace_bridges': mappings => $mappings }
}

if $is_compute {
  class { 'stackwright::neutron::common':
    transport_url   => stackwright::amqp_url(
      lookup('CONFIG_AMQP_HOST'),
      lookup('CONFIG_AMQP_AUTH_USER'),
      lookup('CONFIG_AMQP_AUTH_PASSWORD'),
      $addresses,
      lookup('CONFIG_AMQP_ENABLE_SSL') == 'y'
    ),
    debug           => lookup('CONFIG_DEBUG_MODE') == 'y',
    mtu             => stackwright::mtu_at($address),
    service_plugins => ['ovn-router'],
  }
  class { 'neutron::agents::ovn_metadata':
    shared_secret     => lookup('CONFIG_NEUTRON_METADATA_PW'),
    metadata_host     => $controller,
    metadata_protocol => lookup('CONFIG_ENDPOINTS_SSL') ? { 'y' => 'https', default => 'http' },
    metadata_workers  => 1,
    ovn_sb_connection => $southbound,
  }
}
