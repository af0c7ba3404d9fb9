# Images, in files of this host.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$addresses = lookup('HOST_ADDRESSES')
$address = lookup('HOST_ADDRESS')
$database_url = stackwright::database_url(
  lookup('CONFIG_MARIADB_HOST'),
  'glance',
  lookup('CONFIG_GLANCE_DB_PW'),
  'glance',
  $addresses
)
$url = stackwright::http_url($address, 9292)
$auth_url = "${stackwright::http_url($address, 5000)}/v3"
$region = lookup('CONFIG_KEYSTONE_REGION')
$password = lookup('CONFIG_GLANCE_KS_PW')
$memcached = lookup('CONFIG_MEMCACHED_INSTALL') ? {
  'y'     => ["${stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)}:11211"],
  default => undef,
}

class { 'glance::api::db':
  database_connection => $database_url,
}
class { 'glance::api::logging': debug => lookup('CONFIG_DEBUG_MODE') == 'y' }
class { 'glance::api::authtoken':
  password             => $password,
  auth_url             => $auth_url,
  www_authenticate_uri => $auth_url,
  memcached_servers    => $memcached,
  region_name          => $region,
}
class { 'glance::api':
  enabled_backends => ['file:file'],
  default_backend  => 'file',
  workers          => stackwright::workers(lookup('CONFIG_SERVICE_WORKERS')),
}
glance::backend::multistore::file { 'file':
  filesystem_store_datadir => '/var/lib/glance/images/',
}
class { 'glance::keystone::auth':
  password     => $password,
  region       => $region,
  public_url   => $url,
  internal_url => $url,
  admin_url    => $url,
}
