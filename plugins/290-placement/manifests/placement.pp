# Placement: which compute host has room.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$addresses = lookup('HOST_ADDRESSES')
$address = lookup('HOST_ADDRESS')
$database_url = stackwright::database_url(
  lookup('CONFIG_MARIADB_HOST'),
  'placement',
  lookup('CONFIG_PLACEMENT_DB_PW'),
  'placement',
  $addresses
)
$url = stackwright::http_url($address, 8778, $tls)
$auth_url = "${stackwright::http_url($address, 5000, $tls)}/v3"
$region = lookup('CONFIG_KEYSTONE_REGION')
$password = lookup('CONFIG_PLACEMENT_KS_PW')
$memcached = lookup('CONFIG_MEMCACHED_INSTALL') ? {
  'y'     => ["${stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)}:11211"],
  default => undef,
}

class { 'placement::db':
  database_connection => $database_url,
}
class { 'placement::logging': debug => lookup('CONFIG_DEBUG_MODE') == 'y' }
class { 'placement': sync_db => true }
class { 'placement::keystone::authtoken':
  password             => $password,
  auth_url             => $auth_url,
  www_authenticate_uri => $auth_url,
  memcached_servers    => $memcached,
  region_name          => $region,
}
class { 'placement::api': sync_db => false }
class { 'placement::keystone::auth':
  password     => $password,
  region       => $region,
  public_url   => $url,
  internal_url => $url,
  admin_url    => $url,
}

stackwright::uwsgi_tls { 'placement': tls => $tls }
placement_api_uwsgi_config {
  'uwsgi/processes': value => stackwright::workers(lookup('CONFIG_SERVICE_WORKERS'));
  'uwsgi/threads':   value => 1;
}
