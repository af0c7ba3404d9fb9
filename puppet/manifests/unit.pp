# A unit of systemd that is ours, running now and after a restart. removal finds it by its first line.
define stackwright::unit (
  String[1] $content,
) {
  $path = "/etc/systemd/system/${name}"

  file { $path:
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => "# Of stackwright.\n${content}",
  }
  ~> exec { "systemctl daemon-reload for ${name}":
    command     => '/bin/systemctl daemon-reload',
    refreshonly => true,
  }
  -> service { $name:
    ensure => running,
    enable => true,
  }
}
