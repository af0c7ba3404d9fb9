# Compute: the hypervisor.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$tls = lookup('CONFIG_ENDPOINTS_SSL') == 'y'
$console_tls = lookup('CONFIG_HORIZON_SSL') == 'y'
$addresses = lookup('HOST_ADDRESSES')
$amqp_url = stackwright::amqp_url(
  lookup('CONFIG_AMQP_HOST'),
  lookup('CONFIG_AMQP_AUTH_USER'),
  lookup('CONFIG_AMQP_AUTH_PASSWORD'),
  $addresses,
  lookup('CONFIG_AMQP_ENABLE_SSL') == 'y'
)
$address = lookup('HOST_ADDRESS')
$controller = stackwright::address_of(lookup('CONFIG_CONTROLLER_HOST'), $addresses)
$wanted = lookup('CONFIG_NOVA_LIBVIRT_VIRT_TYPE')
$has_kvm = find_file('/dev/kvm') =~ String
$virt_type = $wanted ? {
  'auto'  => $has_kvm ? { true => 'kvm', default => 'qemu' },
  default => $wanted,
}

class { 'stackwright::nova::common':
  address            => $address,
  transport_url      => $amqp_url,
  auth_url           => "${stackwright::http_url($controller, 5000, $tls)}/v3",
  controller         => $controller,
  region             => lookup('CONFIG_KEYSTONE_REGION'),
  password           => lookup('CONFIG_NOVA_KS_PW'),
  placement_password => lookup('CONFIG_PLACEMENT_KS_PW'),
  neutron_password   => lookup('CONFIG_NEUTRON_KS_PW'),
  cpu_ratio          => Float(lookup('CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO')),
  ram_ratio          => Float(lookup('CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO')),
  tls                => $tls,
  console_tls        => $console_tls,
  debug              => lookup('CONFIG_DEBUG_MODE') == 'y',
}
class { 'nova::compute':
  vnc_enabled                   => true,
  vncserver_proxyclient_address => $address,
  vncproxy_host                 => $controller,
  vncproxy_protocol             => $console_tls ? { true => 'https', default => 'http' },
  force_config_drive            => true,
  reserved_host_memory          => 512,
}
class { 'nova::compute::libvirt':
  virt_type        => $virt_type,
  vncserver_listen => '0.0.0.0',
}

# A container cannot write to its control groups.
if $facts['virtual'] in ['systemd_nspawn', 'lxc'] {
  file_line { 'no control groups for libvirt':
    path               => '/etc/libvirt/qemu.conf',
    line               => 'cgroup_controllers = [ ]',
    match              => '^cgroup_controllers',
    append_on_no_match => true,
    require            => Package['libvirt'],
    notify             => Service['libvirt'],
  }
}
