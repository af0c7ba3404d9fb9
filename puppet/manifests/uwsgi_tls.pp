# TLS at the ports of those services of a project that Debian starts by uwsgi: its scripts speak TLS where they find a key
# and a certificate.
define stackwright::uwsgi_tls (Boolean $tls) {
  $directory = "/etc/${name}/ssl"

  if $tls {
    file { [$directory, "${directory}/private", "${directory}/public"]:
      ensure  => directory,
      owner   => 'root',
      group   => $name,
      mode    => '0750',
      require => Anchor["${name}::install::end"],
    }
  }
  stackwright::certificate { $name:
    tls         => $tls,
    key         => "${directory}/private/stackwright.pem",
    certificate => "${directory}/public/stackwright.crt",
    group       => $name,
    require     => Anchor["${name}::install::end"],
    notify      => Anchor["${name}::service::begin"],
  }
}
