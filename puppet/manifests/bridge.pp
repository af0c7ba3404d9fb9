# A bridge that is there after a restart, too. One that is there already, by whatever means, is left as it is.
class stackwright::bridge (
  Pattern[/\A[a-z][a-z0-9-]{0,14}\z/] $bridge,
) {
  file { "/etc/systemd/system/stackwright-${bridge}.service":
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => @("UNIT"),
      # Of stackwright.
      [Unit]
      Description=Bridge ${bridge}
      Before=neutron-linuxbridge-agent.service neutron-l3-agent.service

      [Service]
      Type=oneshot
      RemainAfterExit=yes
      ExecStart=/bin/sh -c 'ip link show ${bridge} || ip link add ${bridge} type bridge'
      ExecStart=/bin/ip link set ${bridge} up

      [Install]
      WantedBy=multi-user.target
      | UNIT
  }
  ~> exec { 'systemctl daemon-reload for the bridge':
    command     => '/bin/systemctl daemon-reload',
    refreshonly => true,
  }
  -> service { "stackwright-${bridge}":
    ensure => running,
    enable => true,
  }
}
