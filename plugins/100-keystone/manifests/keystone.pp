# Identity, with the administrator and the endpoints of its own.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$addresses = lookup('HOST_ADDRESSES')
$address = lookup('HOST_ADDRESS')
$database_url = stackwright::database_url(
  lookup('CONFIG_MARIADB_HOST'),
  'keystone',
  lookup('CONFIG_KEYSTONE_DB_PW'),
  'keystone',
  $addresses
)
$url = stackwright::http_url($address, 5000, $tls)

class { 'keystone::db':
  database_connection => $database_url,
}
class { 'keystone::logging': debug => lookup('CONFIG_DEBUG_MODE') == 'y' }

if lookup('CONFIG_MEMCACHED_INSTALL') == 'y' {
  $memcached = stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)
  class { 'keystone::cache':
    backend                => 'dogpile.cache.memcached',
    backend_argument       => ["url:${memcached}:11211"],
    enabled                => true,
    manage_backend_package => false,
  }
}

class { 'keystone':
  # Debian's unit runs uwsgi; there is no web server.
  service_name => 'keystone',
  sync_db      => true,
}
class { 'keystone::bootstrap':
  password     => lookup('CONFIG_KEYSTONE_ADMIN_PW'),
  username     => lookup('CONFIG_KEYSTONE_ADMIN_USERNAME'),
  email        => lookup('CONFIG_KEYSTONE_ADMIN_EMAIL'),
  region       => lookup('CONFIG_KEYSTONE_REGION'),
  public_url   => $url,
  internal_url => $url,
  admin_url    => $url,
}

$endpoint = "/usr/bin/python3 ${find_file('stackwright/identity-endpoint.py')}"
exec { 'the endpoint of keystone':
  command => $endpoint,
  unless  => "${endpoint} --check",
  require => [Service['keystone'], Openstacklib::Clouds['/etc/openstack/puppet/admin-clouds.yaml']],
  before  => Anchor['keystone::service::end'],
}

# Nova's user has it. There it would be left out where services are held for hooks: puppet tags a resource with its title.
keystone_role { 'service': ensure => present }

stackwright::uwsgi_tls { 'keystone': tls => $tls }
# uwsgi closes each connection. Debian has it say so for other services; a client that is not told asks once more in vain.
keystone_uwsgi_config {
  'uwsgi/processes':  value => stackwright::workers(lookup('CONFIG_SERVICE_WORKERS'));
  'uwsgi/threads':    value => 4;
  'uwsgi/add-header': value => 'Connection: close';
}
