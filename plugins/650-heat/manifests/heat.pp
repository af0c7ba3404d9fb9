# Orchestration: the interfaces and the engine.
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
  'heat',
  lookup('CONFIG_HEAT_DB_PW'),
  'heat',
  $addresses
)
$url = "${stackwright::http_url($address, 8004, $tls)}/v1/%(tenant_id)s"
$cloudformation = stackwright::http_url($address, 8000, $tls)
$auth_url = "${stackwright::http_url($address, 5000, $tls)}/v3"
$region = lookup('CONFIG_KEYSTONE_REGION')
$password = lookup('CONFIG_HEAT_KS_PW')
$memcached = lookup('CONFIG_MEMCACHED_INSTALL') ? {
  'y'     => ["${stackwright::address_of(lookup('CONFIG_MEMCACHED_HOST'), $addresses)}:11211"],
  default => undef,
}
$workers = stackwright::workers(lookup('CONFIG_SERVICE_WORKERS'))

class { 'heat::db':
  database_connection => $database_url,
}
class { 'heat::keystone::authtoken':
  password             => $password,
  auth_url             => $auth_url,
  www_authenticate_uri => $auth_url,
  memcached_servers    => $memcached,
  region_name          => $region,
}
class { 'heat::trustee':
  password         => $password,
  auth_type        => 'password',
  auth_url         => $auth_url,
  username         => 'heat',
  user_domain_name => 'Default',
}
class { 'heat::logging': debug => lookup('CONFIG_DEBUG_MODE') == 'y' }
class { 'heat': default_transport_url => $amqp_url }
class { 'heat::clients::keystone': auth_uri => $auth_url }
class { 'heat::engine':
  auth_encryption_key           => lookup('CONFIG_HEAT_AUTH_ENC_KEY'),
  num_engine_workers            => $workers,
  heat_metadata_server_url      => $cloudformation,
  heat_waitcondition_server_url => "${cloudformation}/v1/waitcondition",
}
class { 'heat::keystone::domain':
  domain_name     => lookup('CONFIG_HEAT_DOMAIN'),
  domain_admin    => lookup('CONFIG_HEAT_DOMAIN_ADMIN'),
  domain_password => lookup('CONFIG_HEAT_DOMAIN_PASSWORD'),
}
class { 'heat::api': }
class { 'heat::keystone::auth':
  password     => $password,
  region       => $region,
  public_url   => $url,
  internal_url => $url,
  admin_url    => $url,
}

stackwright::uwsgi_tls { 'heat': tls => $tls }
# uwsgi closes each connection. Debian has it say so for other services; a client that is not told asks once more in vain.
heat_api_uwsgi_config {
  'uwsgi/processes':  value => $workers;
  'uwsgi/threads':    value => 1;
  'uwsgi/add-header': value => 'Connection: close';
}

if lookup('CONFIG_HEAT_CFN_INSTALL') == 'y' {
  class { 'heat::api_cfn': }
  class { 'heat::keystone::auth_cfn':
    password     => $password,
    region       => $region,
    public_url   => "${cloudformation}/v1",
    internal_url => "${cloudformation}/v1",
    admin_url    => "${cloudformation}/v1",
  }
  heat_api_cfn_uwsgi_config {
    'uwsgi/processes':  value => 1;
    'uwsgi/threads':    value => 1;
    'uwsgi/add-header': value => 'Connection: close';
  }
}
