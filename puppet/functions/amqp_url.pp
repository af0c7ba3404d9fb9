# How a service reaches the message broker.
function stackwright::amqp_url(String $host, String $user, String $password, Hash[String, String] $addresses) >> String {
  os_transport_url({
    'transport' => 'rabbit',
    'host'      => stackwright::address_of($host, $addresses),
    'port'      => '5672',
    'username'  => $user,
    'password'  => $password,
  })
}
