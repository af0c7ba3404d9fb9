# Networking: routers, addresses and metadata, and the bridge to the outside.
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
$controller = stackwright::address_of(lookup('CONFIG_CONTROLLER_HOST'), $addresses)
$bridge = lookup('CONFIG_NEUTRON_L3_EXT_BRIDGE')

class { 'stackwright::neutron::common':
  transport_url => $amqp_url,
  debug         => lookup('CONFIG_DEBUG_MODE') == 'y',
  mtu           => stackwright::mtu_at($address),
}
class { 'stackwright::bridge': bridge => $bridge }
-> class { 'stackwright::neutron::linuxbridge':
  address            => $address,
  interface_mappings => stackwright::list(lookup('CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS')),
  bridge_mappings    => ["extnet:${bridge}"],
}
class { 'neutron::agents::dhcp':
  interface_driver         => 'linuxbridge',
  enable_isolated_metadata => true,
}
class { 'neutron::agents::l3': interface_driver => 'linuxbridge' }
class { 'neutron::agents::metadata':
  shared_secret     => lookup('CONFIG_NEUTRON_METADATA_PW'),
  metadata_host     => $controller,
  metadata_protocol => lookup('CONFIG_ENDPOINTS_SSL') ? { 'y' => 'https', default => 'http' },
  metadata_workers  => 1,
}
