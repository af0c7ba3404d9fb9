# What cinder is told on every host. It is the same on each, so that a host which is several things has one configuration.
class stackwright::cinder::common (
  String $transport_url,
  String $database_url,
  String $controller,
  String $region,
  String $password,
  Boolean $tls,
  Boolean $debug,
) {
  class { 'cinder::db': database_connection => $database_url }
  class { 'cinder': default_transport_url => $transport_url }
  class { 'cinder::logging': debug => $debug }
  class { 'cinder::glance':
    glance_api_servers => stackwright::http_url($controller, 9292, $tls),
  }
  # Nova is told of what changes beneath an instance: a volume that grows, a snapshot of one that is in use.
  class { 'cinder::nova':
    auth_type   => 'password',
    auth_url    => "${stackwright::http_url($controller, 5000, $tls)}/v3",
    region_name => $region,
    username    => 'cinder',
    password    => $password,
  }
}
