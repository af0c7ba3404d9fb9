# The time comes from CONFIG_NTP_SERVERS.
File { backup => false }
Exec { timeout => lookup('EXEC_TIMEOUT') }

$servers = lookup('CONFIG_NTP_SERVERS').split(',').map |$server| { strip($server) }

package { 'chrony': ensure => present }
-> file { '/etc/chrony/sources.d/stackwright.sources':
  owner   => 'root',
  group   => 'root',
  mode    => '0644',
  content => $servers.map |$server| { "server ${server} iburst\n" }.join(''),
}
~> service { 'chrony':
  ensure => running,
  enable => true,
}
