# A file system for objects at /srv/node/NAME, of swift's user, which is there after a restart, too: on a device that has
# one, or made in a file of SIZE.
define stackwright::object_device (
  Enum['ext4', 'xfs'] $fstype,
  Pattern[/\A[1-9]\d*G\z/] $size,
  Optional[Pattern[/\A\/dev\/[A-Za-z0-9_-]+\z/]] $device = undef,
) {
  $path = "/srv/node/${name}"
  # systemd names a mount by its path, and a dash would be a slash.
  $unit = "srv-node-${regsubst($name, '-', '\\x2d', 'G')}.mount"

  if $device {
    $what = $device
    $options = 'noatime,nodiratime'
  } else {
    $what = "/var/lib/stackwright/${name}.objects"
    $options = 'loop,noatime,nodiratime'
    $make = $fstype ? {
      # Swift keeps what it knows of an object in attributes of its file, and there is room for them in such an inode.
      'ext4'  => 'mkfs.ext4 -q -I 1024',
      default => 'mkfs.xfs -q',
    }
    if $fstype == 'xfs' { ensure_packages(['xfsprogs'], { before => Exec["make ${what}"] }) }
    exec { "make ${what}":
      command  => "umask 077; mkdir -p /var/lib/stackwright; truncate --size=${size} ${what}.new && ${make} ${what}.new && mv ${what}.new ${what}",
      provider => 'shell',
      path     => ['/usr/sbin', '/usr/bin', '/sbin', '/bin'],
      creates  => $what,
      before   => Stackwright::Unit[$unit],
    }
  }

  stackwright::unit { $unit:
    content => @("UNIT"),
      [Unit]
      Description=Objects on ${name}

      [Mount]
      What=${what}
      Where=${path}
      Type=${fstype}
      Options=${options}
      # The servers of swift need not have stopped before.
      LazyUnmount=yes

      [Install]
      WantedBy=multi-user.target
      | UNIT
  }
  # Without the device the directory is root's, and swift cannot fill the host's own file system.
  -> exec { "chown swift:swift ${path}":
    path    => ['/usr/bin', '/bin'],
    provider => 'shell',
    unless  => "test \"$(stat --format=%U:%G ${path})\" = swift:swift",
    require => Anchor['swift::install::end'],
    before  => Anchor['swift::config::end'],
  }
}
