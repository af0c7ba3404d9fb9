# The URL of an address and port.
function stackwright::http_url(String $address, Integer $port) >> String {
  "http://${stackwright::in_url($address)}:${port}"
}
