# The message broker, at the address at which the other hosts reach this one.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$user = lookup('CONFIG_AMQP_AUTH_USER')
$tls = lookup('CONFIG_AMQP_ENABLE_SSL') == 'y'
$tls_settings = $tls ? {
  true    => {
    'ssl_only'   => true,
    'ssl_cacert' => '/etc/ssl/stackwright/ca.crt',
    'ssl_cert'   => '/etc/ssl/stackwright/host.crt',
    'ssl_key'    => '/etc/rabbitmq/host.key',
  },
  default => {},
}

class { 'rabbitmq':
  admin_enable          => false,
  delete_guest_user     => true,
  repos_ensure          => false,
  manage_python         => false,
  port                  => 5672,
  node_ip_address       => lookup('HOST_ADDRESS'),
  ssl                   => $tls,
  ssl_interface         => lookup('HOST_ADDRESS'),
  config_cluster        => false,
  # The name does not change when the host is called otherwise.
  environment_variables => { 'NODENAME' => 'rabbit@localhost' },
  *                     => $tls_settings,
}
-> rabbitmq_user { $user:
  admin    => true,
  password => Sensitive(lookup('CONFIG_AMQP_AUTH_PASSWORD')),
  provider => 'rabbitmqctl',
}
-> rabbitmq_user_permissions { "${user}@/":
  configure_permission => '.*',
  read_permission      => '.*',
  write_permission     => '.*',
  provider             => 'rabbitmqctl',
}

if $tls {
  # The host's key is root's alone.
  file { '/etc/rabbitmq/host.key':
    source    => '/etc/ssl/stackwright/host.key',
    owner     => 'rabbitmq',
    group     => 'rabbitmq',
    mode      => '0400',
    show_diff => false,
    require   => Class['rabbitmq::install'],
    notify    => Class['rabbitmq::service'],
  }
}
