# Networking of a compute host: the agent that connects its instances.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$addresses = lookup('HOST_ADDRESSES')

class { 'stackwright::neutron::common':
  transport_url => os_transport_url({
    'transport' => 'rabbit',
    'host'      => stackwright::address_of(lookup('CONFIG_AMQP_HOST'), $addresses),
    'port'      => '5672',
    'username'  => lookup('CONFIG_AMQP_AUTH_USER'),
    'password'  => lookup('CONFIG_AMQP_AUTH_PASSWORD'),
  }),
  debug         => lookup('CONFIG_DEBUG_MODE') == 'y',
  mtu           => $facts.get('networking.mtu', 1500),
}
class { 'stackwright::neutron::linuxbridge':
  address            => lookup('HOST_ADDRESS'),
  interface_mappings => stackwright::list(lookup('CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS')),
}
