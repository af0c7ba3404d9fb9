# A volume group in a file, which is there after a restart, too. One that is there already, by whatever means, is left as
# it is.
class stackwright::volume_group (
  Pattern[/\A[A-Za-z0-9_+.][A-Za-z0-9_+.-]*\z/] $group,
  Pattern[/\A[1-9]\d*G\z/] $size,
) {
  ensure_packages(['lvm2'])
  file { '/usr/local/sbin/stackwright-volume-group':
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    content => @(SCRIPT),
      #!/bin/sh
      # Has the volume group GROUP in a file of SIZE: stackwright-volume-group GROUP SIZE
      set -eu
      ! vgs "$1" > /dev/null 2>&1 || exit 0
      umask 077
      mkdir -p /var/lib/stackwright
      file=/var/lib/stackwright/$1.volumes
      [ -e "$file" ] || truncate --size="$2" "$file"
      device=$(losetup --noheadings --output NAME --associated "$file")
      [ -n "$device" ] || device=$(losetup --find --show "$file")
      udevadm settle || true
      vgs "$1" > /dev/null 2>&1 || vgcreate "$1" "$device"
      | SCRIPT
  }
  -> stackwright::unit { 'stackwright-volume-group.service':
    content => @("UNIT"),
      [Unit]
      Description=Volume group ${group}
      Before=cinder-volume.service tgt.service

      [Service]
      Type=oneshot
      RemainAfterExit=yes
      ExecStart=/usr/local/sbin/stackwright-volume-group ${group} ${size}

      [Install]
      WantedBy=multi-user.target
      | UNIT
    require => Package['lvm2'],
  }
}
