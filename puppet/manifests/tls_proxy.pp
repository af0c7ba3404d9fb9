# TLS at the port of a service that does not speak it: haproxy has the port at the host's address, and the service at the
# loopback interface. Without TLS the service has the port alone.
define stackwright::tls_proxy (
  Boolean $tls,
  String $address,
  Integer $port,
) {
  $directory = "/etc/ssl/stackwright/${name}"
  $service = "stackwright-tls-${name}"

  if $tls {
    ensure_packages(['haproxy'])
    file { $directory:
      ensure => directory,
      owner  => 'root',
      group  => 'root',
      mode   => '0755',
    }
    -> stackwright::certificate { $name:
      tls         => true,
      key         => "${directory}/tls.key",
      certificate => "${directory}/tls.crt",
    }
    -> file { "${directory}/haproxy.cfg":
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => @("HAPROXY"),
        # Of stackwright.
        global
            user haproxy
            group haproxy
            ssl-default-bind-options ssl-min-ver TLSv1.2
            # The key of tls.crt is tls.key.
            ssl-load-extra-del-ext

        defaults
            mode http
            timeout connect 10s
            # An upload or a download may pause.
            timeout client 10m
            timeout server 10m

        frontend tls
            bind ${address}:${port} ssl crt ${directory}/tls.crt
            http-request set-header X-Forwarded-Proto https
            default_backend plain

        backend plain
            server service 127.0.0.1:${port}
        | HAPROXY
    }
    -> stackwright::unit { "${service}.service":
      content   => @("UNIT"),
        [Unit]
        Description=TLS in front of ${name}
        After=network-online.target
        Wants=network-online.target

        [Service]
        Type=notify
        ExecStart=/usr/sbin/haproxy -Ws -f ${directory}/haproxy.cfg
        KillMode=mixed
        SuccessExitStatus=143
        Restart=on-failure
        RestartSec=2

        [Install]
        WantedBy=multi-user.target
        | UNIT
      subscribe => [Stackwright::Certificate[$name], File["${directory}/haproxy.cfg"]],
      # It has had the port.
      require   => [Package['haproxy'], Anchor["${name}::service::end"]],
    }
  } else {
    service { $service:
      ensure => stopped,
      enable => false,
      before => Anchor["${name}::service::begin"],
    }
    -> file { ["/etc/systemd/system/${service}.service", $directory]:
      ensure => absent,
      force  => true,
    }
  }
}
