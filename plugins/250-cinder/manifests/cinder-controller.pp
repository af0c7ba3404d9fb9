# Block storage: the interface and the scheduler.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$addresses = lookup('HOST_ADDRESSES')
$address = lookup('HOST_ADDRESS')
$amqp_url = stackwright::amqp_url(
  lookup('CONFIG_AMQP_HOST'),
  lookup('CONFIG_AMQP_AUTH_USER'),
  lookup('CONFIG_AMQP_AUTH_PASSWORD'),
  $addresses,
  lookup('CONFIG_AMQP_ENABLE_SSL') == 'y'
)
$database_url = stackwright::database_url(
  lookup('CONFIG_MARIADB_HOST'),
  'cinder',
  lookup('CONFIG_CINDER_DB_PW'),
  'cinder',
  $addresses
)
$url = "${stackwright::http_url($address, 8776, $tls)}/v3/%(tenant_id)s"
$auth_url = "${stackwright::http_url($address, 5000, $tls)}/v3"
$region = lookup('CONFIG_KEYSTONE_REGION')
$password = lookup('CONFIG_CINDER_KS_PW')
$memcached = lookup('CONFIG_MEMCACHED_INSTALL') ? {
  'y'     => ["${stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)}:11211"],
  default => undef,
}
$workers = stackwright::workers(lookup('CONFIG_SERVICE_WORKERS'))

class { 'stackwright::cinder::common':
  transport_url => $amqp_url,
  database_url  => $database_url,
  controller    => $address,
  region        => $region,
  password      => $password,
  tls           => $tls,
  debug         => lookup('CONFIG_DEBUG_MODE') == 'y',
}
class { 'cinder::keystone::authtoken':
  password             => $password,
  auth_url             => $auth_url,
  www_authenticate_uri => $auth_url,
  memcached_servers    => $memcached,
  region_name          => $region,
}
class { 'cinder::api': service_workers => $workers }
class { 'cinder::scheduler': }
class { 'cinder::keystone::auth':
  password        => $password,
  region          => $region,
  public_url_v3   => $url,
  internal_url_v3 => $url,
  admin_url_v3    => $url,
}
if lookup('CONFIG_CINDER_DB_PURGE_ENABLE') == 'y' {
  # Debian's smallest installation has no cron.
  package { 'cron': ensure => present }
  -> class { 'cinder::cron::db_purge': }
}

stackwright::uwsgi_tls { 'cinder': tls => $tls }
cinder_api_uwsgi_config {
  'uwsgi/processes': value => $workers;
  'uwsgi/threads':   value => 1;
}
