# Object storage: what keystone knows of it. Only the controller has the administrator's login.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$storage = stackwright::address_of(lookup('CONFIG_STORAGE_HOST'), lookup('HOST_ADDRESSES'))
$url = stackwright::http_url($storage, 8080, $tls)

class { 'swift::keystone::auth':
  password              => lookup('CONFIG_SWIFT_KS_PW'),
  region                => lookup('CONFIG_KEYSTONE_REGION'),
  operator_roles        => ['admin', 'SwiftOperator'],
  configure_s3_endpoint => false,
  public_url            => "${url}/v1/AUTH_%(tenant_id)s",
  internal_url          => "${url}/v1/AUTH_%(tenant_id)s",
  admin_url             => $url,
}
