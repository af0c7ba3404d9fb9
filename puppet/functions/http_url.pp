# The URL of an interface at an address and port, by TLS or without.
function stackwright::http_url(String $address, Integer $port, Boolean $tls) >> String {
  $scheme = $tls ? {
    true    => 'https',
    default => 'http',
  }
  "${scheme}://${stackwright::in_url($address)}:${port}"
}
