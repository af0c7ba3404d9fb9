# What nova is told on every host. It is the same on each, so that a host which is several things has one configuration.
class stackwright::nova::common (
  String $address,
  String $transport_url,
  String $auth_url,
  String $controller,
  String $region,
  String $password,
  String $placement_password,
  String $neutron_password,
  Float $cpu_ratio,
  Float $ram_ratio,
  Boolean $tls,
  Boolean $console_tls,
  Boolean $debug,
) {
  class { 'nova':
    default_transport_url => $transport_url,
    my_ip                 => $address,
    cpu_allocation_ratio  => $cpu_ratio,
    ram_allocation_ratio  => $ram_ratio,
    # Of the console proxy.
    ssl_only              => $console_tls,
    cert                  => $console_tls ? { true => '/etc/nova/stackwright-console.crt', default => undef },
    key                   => $console_tls ? { true => '/etc/nova/stackwright-console.key', default => undef },
  }
  class { 'nova::logging': debug => $debug }
  class { 'nova::keystone::service_user':
    password                => $password,
    auth_url                => $auth_url,
    send_service_user_token => true,
    region_name             => $region,
  }
  class { 'nova::placement':
    password    => $placement_password,
    auth_url    => $auth_url,
    region_name => $region,
  }
  class { 'nova::glance':
    endpoint_override => stackwright::http_url($controller, 9292, $tls),
  }
  # Debian's file names a region that no catalog has, and then no volume is attached.
  class { 'nova::cinder':
    username       => 'nova',
    password       => $password,
    auth_url       => $auth_url,
    os_region_name => $region,
  }
  class { 'nova::network::neutron':
    password              => $neutron_password,
    auth_url              => $auth_url,
    region_name           => $region,
    # An agent that is late must not make a server fail.
    vif_plugging_is_fatal => false,
    vif_plugging_timeout  => 30,
  }
}
