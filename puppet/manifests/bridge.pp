# A bridge that is there after a restart, too. One that is there already, by whatever means, is left as it is.
class stackwright::bridge (
  Pattern[/\A[a-z][a-z0-9-]{0,14}\z/] $bridge,
) {
  stackwright::unit { "stackwright-${bridge}.service":
    content => @("UNIT"),
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
}
