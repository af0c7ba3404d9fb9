# Compute: the interface, the scheduler, the conductor and the console proxy.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$console_tls = lookup('CONFIG_HORIZON_SSL') == 'y'
$addresses = lookup('HOST_ADDRESSES')
$amqp_url = stackwright::amqp_url(
  lookup('CONFIG_AMQP_HOST'),
  lookup('CONFIG_AMQP_AUTH_USER'),
  lookup('CONFIG_AMQP_AUTH_PASSWORD'),
  $addresses,
  lookup('CONFIG_AMQP_ENABLE_SSL') == 'y'
)
$address = lookup('HOST_ADDRESS')
$url = "${stackwright::http_url($address, 8774, $tls)}/v2.1"
$auth_url = "${stackwright::http_url($address, 5000, $tls)}/v3"
$region = lookup('CONFIG_KEYSTONE_REGION')
$password = lookup('CONFIG_NOVA_KS_PW')
$memcached = lookup('CONFIG_MEMCACHED_INSTALL') ? {
  'y'     => ["${stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)}:11211"],
  default => undef,
}
$workers = stackwright::workers(lookup('CONFIG_SERVICE_WORKERS'))
$database_host = lookup('CONFIG_MARIADB_HOST')
$database_password = lookup('CONFIG_NOVA_DB_PW')

class { 'stackwright::nova::common':
  address            => $address,
  transport_url      => $amqp_url,
  auth_url           => $auth_url,
  controller         => $address,
  region             => $region,
  password           => $password,
  placement_password => lookup('CONFIG_PLACEMENT_KS_PW'),
  neutron_password   => lookup('CONFIG_NEUTRON_KS_PW'),
  cpu_ratio          => Float(lookup('CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO')),
  ram_ratio          => Float(lookup('CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO')),
  tls                => $tls,
  console_tls        => $console_tls,
  debug              => lookup('CONFIG_DEBUG_MODE') == 'y',
}
class { 'nova::db':
  database_connection     => stackwright::database_url($database_host, 'nova', $database_password, 'nova', $addresses),
  api_database_connection => stackwright::database_url($database_host, 'nova', $database_password, 'nova_api', $addresses),
}
class { 'nova::keystone::authtoken':
  password             => $password,
  auth_url             => $auth_url,
  www_authenticate_uri => $auth_url,
  memcached_servers    => $memcached,
  region_name          => $region,
}
class { 'nova::db::sync_api': cellv2_setup => true }
class { 'nova::api':
  sync_db                    => true,
  sync_db_api                => true,
  nova_metadata_wsgi_enabled => true,
}
class { 'nova::metadata': neutron_metadata_proxy_shared_secret => lookup('CONFIG_NEUTRON_METADATA_PW') }
class { 'nova::conductor': workers => $workers }
class { 'nova::scheduler':
  workers                          => 1,
  discover_hosts_in_cells_interval => 30,
}
class { 'nova::vncproxy': host => $address }
stackwright::certificate { 'console':
  tls         => $console_tls,
  key         => '/etc/nova/stackwright-console.key',
  certificate => '/etc/nova/stackwright-console.crt',
  group       => 'nova',
  pair        => lookup('CONFIG_VNC_SSL_CERT') ? { '' => 'host', default => 'console' },
  require     => Anchor['nova::install::end'],
  notify      => Anchor['nova::service::begin'],
}
class { 'nova::keystone::auth':
  password     => $password,
  region       => $region,
  public_url   => $url,
  internal_url => $url,
  admin_url    => $url,
  # Cinder lets go of a volume only for a service.
  roles        => ['admin', 'service'],
}

stackwright::uwsgi_tls { 'nova': tls => $tls }
# uwsgi closes each connection. Debian has it say so for other services; a client that is not told asks once more in vain.
nova_api_uwsgi_config {
  'uwsgi/processes':  value => $workers;
  'uwsgi/threads':    value => 1;
  'uwsgi/add-header': value => 'Connection: close';
}
nova_api_metadata_uwsgi_config {
  'uwsgi/processes':  value => 1;
  'uwsgi/threads':    value => 4;
  'uwsgi/add-header': value => 'Connection: close';
}
