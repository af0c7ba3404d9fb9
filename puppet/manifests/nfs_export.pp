# A directory of this host that others mount by NFS.
class stackwright::nfs_export (
  Pattern[/\A\/[A-Za-z0-9\/._-]+\z/] $directory,
  Array[String[1]] $clients,
) {
  $options = '(rw,sync,no_subtree_check,no_root_squash)'

  package { 'nfs-kernel-server': ensure => present }
  -> file { $directory:
    ensure => directory,
    # Those who mount it are services, each of which has a directory or file of its own.
    mode   => '1777',
  }
  -> file { '/etc/exports.d':
    ensure => directory,
    mode   => '0755',
  }
  -> file { '/etc/exports.d/stackwright.exports':
    mode    => '0644',
    content => "${directory} ${join($clients.map |$client| { "${client}${options}" }, ' ')}\n",
  }
  ~> exec { 'exportfs -ra':
    command     => '/usr/sbin/exportfs -ra',
    refreshonly => true,
  }
  -> service { 'nfs-kernel-server':
    ensure => running,
    enable => true,
  }
}
