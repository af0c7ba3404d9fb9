# Images, in files of this host or in swift.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$addresses = lookup('HOST_ADDRESSES')
$address = lookup('HOST_ADDRESS')
$database_url = stackwright::database_url(
  lookup('CONFIG_MARIADB_HOST'),
  'glance',
  lookup('CONFIG_GLANCE_DB_PW'),
  'glance',
  $addresses
)
$url = stackwright::http_url($address, 9292, $tls)
$auth_url = "${stackwright::http_url($address, 5000, $tls)}/v3"
$region = lookup('CONFIG_KEYSTONE_REGION')
$password = lookup('CONFIG_GLANCE_KS_PW')
$memcached = lookup('CONFIG_MEMCACHED_INSTALL') ? {
  'y'     => ["${stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)}:11211"],
  default => undef,
}

$backend = lookup('CONFIG_GLANCE_BACKEND')

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
  # What was uploaded to files is found there also when new images go elsewhere.
  enabled_backends => ['file:file', "${backend}:${backend}"].unique,
  default_backend  => $backend,
  workers          => stackwright::workers(lookup('CONFIG_SERVICE_WORKERS')),
  bind_host        => $tls ? { true => '127.0.0.1', default => undef },
  public_endpoint  => $tls ? { true => $url, default => undef },
}
stackwright::tls_proxy { 'glance':
  tls     => $tls,
  address => $address,
  port    => 9292,
}
glance::backend::multistore::file { 'file':
  filesystem_store_datadir => '/var/lib/glance/images/',
}
if $backend == 'swift' {
  glance::backend::multistore::swift { 'swift':
    swift_store_user                    => 'services:glance',
    swift_store_key                     => $password,
    swift_store_auth_address            => $auth_url,
    swift_store_region                  => $region,
    swift_store_create_container_on_put => true,
  }
}
class { 'glance::keystone::auth':
  password     => $password,
  region       => $region,
  public_url   => $url,
  internal_url => $url,
  admin_url    => $url,
}
