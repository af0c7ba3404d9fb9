# An address as it stands in a URL: an IPv6 address in brackets.
function stackwright::in_url(String $address) >> String {
  $address ? {
    /:/     => "[${address}]",
    default => $address,
  }
}
