# The URL of an address and port; an IPv6 address stands in brackets.
function stackwright::http_url(String $address, Integer $port) >> String {
  $host = $address ? {
    /:/     => "[${address}]",
    default => $address,
  }
  "http://${host}:${port}"
}
