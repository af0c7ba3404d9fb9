# The message broker, at the address at which the other hosts reach this one.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$user = lookup('CONFIG_AMQP_AUTH_USER')

class { 'rabbitmq':
  admin_enable          => false,
  delete_guest_user     => true,
  repos_ensure          => false,
  manage_python         => false,
  port                  => 5672,
  node_ip_address       => lookup('HOST_ADDRESS'),
  config_cluster        => false,
  # The name does not change when the host is called otherwise.
  environment_variables => { 'NODENAME' => 'rabbit@localhost' },
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
