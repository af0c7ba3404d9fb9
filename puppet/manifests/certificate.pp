# A key and a certificate where a service reads them: copies of PAIR.key and PAIR.crt, which the host was given before
# puppet. Without TLS there are none.
define stackwright::certificate (
  Boolean $tls,
  String $key,
  String $certificate,
  String $group = 'root',
  String $pair = 'host',
) {
  if $tls {
    file {
      default:
        ensure => file,
        owner  => 'root',
        group  => $group;
      $key:
        source    => "/etc/ssl/stackwright/${pair}.key",
        mode      => '0640',
        show_diff => false;
      $certificate:
        source => "/etc/ssl/stackwright/${pair}.crt",
        mode   => '0644';
    }
  } else {
    # Puppet would look for a source, which is not there either.
    file { [$key, $certificate]: ensure => absent }
  }
}
