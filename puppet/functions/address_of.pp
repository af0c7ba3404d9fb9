# The address of a host of the deployment; another host, such as a database of somebody else, is taken as it is named.
function stackwright::address_of(String $host, Hash[String, String] $addresses) >> String {
  $address = $addresses[$host]
  $address ? {
    undef   => $host,
    default => $address,
  }
}
