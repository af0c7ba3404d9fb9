# Networking: the interface, and what it does for agents and for nova.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$addresses = lookup('HOST_ADDRESSES')
$amqp_url = stackwright::amqp_url(
  lookup('CONFIG_AMQP_HOST'),
  lookup('CONFIG_AMQP_AUTH_USER'),
  lookup('CONFIG_AMQP_AUTH_PASSWORD'),
  $addresses,
  lookup('CONFIG_AMQP_ENABLE_SSL') == 'y'
)
$address = lookup('HOST_ADDRESS')
$database_url = stackwright::database_url(
  lookup('CONFIG_MARIADB_HOST'),
  'neutron',
  lookup('CONFIG_NEUTRON_DB_PW'),
  'neutron',
  $addresses
)
$url = stackwright::http_url($address, 9696, $tls)
$auth_url = "${stackwright::http_url($address, 5000, $tls)}/v3"
$region = lookup('CONFIG_KEYSTONE_REGION')
$password = lookup('CONFIG_NEUTRON_KS_PW')
$memcached = lookup('CONFIG_MEMCACHED_INSTALL') ? {
  'y'     => ["${stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)}:11211"],
  default => undef,
}
$workers = stackwright::workers(lookup('CONFIG_SERVICE_WORKERS'))

class { 'stackwright::neutron::common':
  transport_url => $amqp_url,
  debug         => lookup('CONFIG_DEBUG_MODE') == 'y',
  mtu           => stackwright::mtu_at($address),
}
class { 'neutron::db':
  database_connection => $database_url,
}
class { 'neutron::keystone::authtoken':
  password             => $password,
  auth_url             => $auth_url,
  www_authenticate_uri => $auth_url,
  memcached_servers    => $memcached,
  region_name          => $region,
}
class { 'neutron::server':
  sync_db     => true,
  api_workers => $workers,
  rpc_workers => $workers,
}
if lookup('CONFIG_NOVA_INSTALL') == 'y' {
  class { 'neutron::server::notifications::nova':
    password    => lookup('CONFIG_NOVA_KS_PW'),
    auth_url    => $auth_url,
    region_name => $region,
  }
  class { 'neutron::server::notifications': }
}
class { 'neutron::plugins::ml2':
  type_drivers         => stackwright::list(lookup('CONFIG_NEUTRON_ML2_TYPE_DRIVERS')),
  tenant_network_types => stackwright::list(lookup('CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES')),
  mechanism_drivers    => stackwright::list(lookup('CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS')),
  extension_drivers    => ['port_security'],
  flat_networks        => stackwright::list(lookup('CONFIG_NEUTRON_ML2_FLAT_NETWORKS')),
  network_vlan_ranges  => stackwright::list(lookup('CONFIG_NEUTRON_ML2_VLAN_RANGES')),
  path_mtu             => stackwright::mtu_at($address),
  vni_ranges           => stackwright::list(lookup('CONFIG_NEUTRON_ML2_VNI_RANGES')),
}
class { 'neutron::keystone::auth':
  password     => $password,
  region       => $region,
  public_url   => $url,
  internal_url => $url,
  admin_url    => $url,
}

stackwright::uwsgi_tls { 'neutron': tls => $tls }
neutron_api_uwsgi_config {
  'uwsgi/processes': value => $workers;
  'uwsgi/threads':   value => 1;
}
