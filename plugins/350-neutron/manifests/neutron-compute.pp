# Networking of a compute host: the agent that connects its instances.
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

class { 'stackwright::neutron::common':
  transport_url => $amqp_url,
  debug         => lookup('CONFIG_DEBUG_MODE') == 'y',
  mtu           => stackwright::mtu_at(lookup('HOST_ADDRESS')),
}
class { 'stackwright::neutron::linuxbridge':
  address            => lookup('HOST_ADDRESS'),
  interface_mappings => stackwright::list(lookup('CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS')),
}
