# The BRIDGE:INTERFACE of those bridges that the host has.
function stackwright::own_uplinks(Array[String] $uplinks, Array[String] $mappings) >> Array[String] {
  $bridges = $mappings.map |$mapping| { $mapping.split(':')[1] }
  $uplinks.filter |$uplink| { $uplink.split(':')[0] in $bridges }
}
