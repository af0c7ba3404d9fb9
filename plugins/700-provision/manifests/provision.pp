# Something to try the cloud with: a project, its user, networks, a router, a flavour, an image.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$auth_url = "${stackwright::http_url(lookup('HOST_ADDRESS'), 5000, $tls)}/v3"
$region = lookup('CONFIG_KEYSTONE_REGION')
$password = lookup('CONFIG_KEYSTONE_DEMO_PW')
$outside = lookup('CONFIG_PROVISION_DEMO_FLOATRANGE')
$listed = regsubst(lookup('CONFIG_PROVISION_DEMO_ALLOCATION_POOLS'), '[\[\]" ]', '', 'G')
$pools = $listed ? {
  ''      => undef,
  default => split($listed, ',(?=start=)'),
}
$image = lookup('CONFIG_PROVISION_IMAGE_URL')

keystone_tenant { 'demo':
  ensure      => present,
  enabled     => true,
  description => 'To try the cloud',
}
-> keystone_user { 'demo':
  ensure   => present,
  enabled  => true,
  password => $password,
}
-> keystone_user_role { 'demo@demo':
  ensure => present,
  roles  => ['member'],
}

nova_flavor { 'm1.demo':
  ensure    => present,
  ram       => 512,
  disk      => 3,
  vcpus     => 1,
  is_public => true,
}

neutron_network { 'public':
  ensure                    => present,
  router_external           => true,
  provider_network_type     => 'flat',
  provider_physical_network => 'extnet',
}
-> neutron_subnet { 'public_subnet':
  ensure           => present,
  cidr             => $outside,
  ip_version       => $outside ? { /:/ => 6, default => 4 },
  network_name     => 'public',
  enable_dhcp      => false,
  allocation_pools => $pools,
}
-> neutron_network { 'private':
  ensure      => present,
  tenant_name => 'demo',
  require     => Keystone_tenant['demo'],
}
-> neutron_subnet { 'private_subnet':
  ensure       => present,
  cidr         => '10.0.0.0/24',
  ip_version   => 4,
  network_name => 'private',
  tenant_name  => 'demo',
}
-> neutron_router { 'router1':
  ensure               => present,
  tenant_name          => 'demo',
  gateway_network_name => 'public',
}
-> neutron_router_interface { 'router1:private_subnet':
  ensure => present,
}

if $image != '' {
  $source = $image ? {
    /\Ahttps?:/ => $image,
    default     => "/var/lib/stackwright/images/${basename($image)}",
  }
  $given = lookup('CONFIG_PROVISION_IMAGE_PROPERTIES')
  $properties = $given ? {
    ''      => undef,
    default => Hash($given.split(';').map |$property| { $property.split('=') }),
  }
  glance_image { lookup('CONFIG_PROVISION_IMAGE_NAME'):
    ensure           => present,
    is_public        => 'yes',
    container_format => 'bare',
    disk_format      => lookup('CONFIG_PROVISION_IMAGE_FORMAT'),
    source           => $source,
    properties       => $properties,
  }
}

if lookup('CONFIG_CLIENT_INSTALL') == 'y' {
  file { '/root/keystonerc_demo':
    owner   => 'root',
    group   => 'root',
    mode    => '0600',
    content => Sensitive(stackwright::rc_file('demo', $password, 'demo', $auth_url, $region)),
  }
}
