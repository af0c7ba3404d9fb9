# The NETWORK:BRIDGE of a host: all of them on a network host, on others those whose bridges are named for them.
function stackwright::own_mappings(
  Array[String] $mappings,
  Array[String] $bridges,
  Boolean $is_network
) >> Array[String] {
  $mappings.filter |$mapping| { $is_network or $mapping.split(':')[1] in $bridges }
}
