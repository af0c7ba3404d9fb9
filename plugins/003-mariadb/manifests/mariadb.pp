# The database, with a schema and a user for each service that is installed.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

class { 'mysql::server':
  root_password    => lookup('CONFIG_MARIADB_PW'),
  restart          => true,
  override_options => {
    'mysqld' => {
      'bind-address'           => lookup('HOST_ADDRESS'),
      'max_connections'        => 1024,
      'default_storage_engine' => 'InnoDB',
      'innodb_file_per_table'  => 'ON',
      # Debian's journal has it.
      'log-error'              => undef,
    },
  },
}

$keystone = lookup('CONFIG_KEYSTONE_INSTALL') ? {
  'y'     => { 'keystone' => { 'schemas' => ['keystone'], 'password' => lookup('CONFIG_KEYSTONE_DB_PW') } },
  default => {},
}
$glance = lookup('CONFIG_GLANCE_INSTALL') ? {
  'y'     => { 'glance' => { 'schemas' => ['glance'], 'password' => lookup('CONFIG_GLANCE_DB_PW') } },
  default => {},
}
$nova = lookup('CONFIG_NOVA_INSTALL') ? {
  'y'     => {
    'placement' => { 'schemas' => ['placement'], 'password' => lookup('CONFIG_PLACEMENT_DB_PW') },
    'nova'      => { 'schemas' => ['nova', 'nova_api', 'nova_cell0'], 'password' => lookup('CONFIG_NOVA_DB_PW') },
  },
  default => {},
}
$neutron = lookup('CONFIG_NEUTRON_INSTALL') ? {
  'y'     => { 'neutron' => { 'schemas' => ['neutron'], 'password' => lookup('CONFIG_NEUTRON_DB_PW') } },
  default => {},
}
$cinder = lookup('CONFIG_CINDER_INSTALL') ? {
  'y'     => { 'cinder' => { 'schemas' => ['cinder'], 'password' => lookup('CONFIG_CINDER_DB_PW') } },
  default => {},
}
$heat = lookup('CONFIG_HEAT_INSTALL') ? {
  'y'     => { 'heat' => { 'schemas' => ['heat'], 'password' => lookup('CONFIG_HEAT_DB_PW') } },
  default => {},
}

($keystone + $glance + $nova + $neutron + $cinder + $heat).each |$user, $database| {
  mysql_database { $database['schemas']:
    ensure  => present,
    charset => 'utf8mb3',
    collate => 'utf8mb3_general_ci',
    require => Class['mysql::server'],
  }
  ['localhost', '%'].each |$from| {
    mysql_user { "${user}@${from}":
      password_hash => mysql::password($database['password']),
      require       => Class['mysql::server'],
    }
    $database['schemas'].each |$schema| {
      mysql_grant { "${user}@${from}/${schema}.*":
        user       => "${user}@${from}",
        table      => "${schema}.*",
        privileges => ['ALL'],
        require    => [Mysql_user["${user}@${from}"], Mysql_database[$schema]],
      }
    }
  }
}
