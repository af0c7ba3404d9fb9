# A cache for tokens and sessions, at the address at which the other hosts reach this one.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$verbosity = lookup('CONFIG_DEBUG_MODE') ? {
  'y'     => 'vv',
  default => undef,
}

class { 'memcached':
  listen_ip  => lookup('HOST_ADDRESS'),
  tcp_port   => 11211,
  udp_port   => 0,
  user       => 'memcache',
  pidfile    => '/run/memcached/memcached.pid',
  max_memory => lookup('CONFIG_MEMCACHED_MAX_MEMORY'),
  verbosity  => $verbosity,
}
