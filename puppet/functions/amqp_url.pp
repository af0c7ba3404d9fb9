# How a service reaches the message broker. By TLS it takes only certificates of the authority whose certificate the hosts
# have.
function stackwright::amqp_url(
  String $host,
  String $user,
  String $password,
  Hash[String, String] $addresses,
  Boolean $tls
) >> String {
  $way = $tls ? {
    true    => {
      'port'  => '5671',
      'query' => {
        'ssl'         => '1',
        'ssl_ca_file' => '/etc/ssl/stackwright/ca.crt',
      },
    },
    default => { 'port' => '5672' },
  }
  os_transport_url({
    'transport' => 'rabbit',
    'host'      => stackwright::address_of($host, $addresses),
    'username'  => $user,
    'password'  => $password,
  } + $way)
}
