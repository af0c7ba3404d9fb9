# The agent that connects instances by bridges of Linux, over VXLAN between hosts.
class stackwright::neutron::linuxbridge (
  String $address,
  Array[String] $interface_mappings,
  Array[String] $bridge_mappings = [],
) {
  class { 'neutron::agents::ml2::linuxbridge':
    tunnel_types                => ['vxlan'],
    local_ip                    => $address,
    l2_population               => true,
    physical_interface_mappings => $interface_mappings,
    bridge_mappings             => $bridge_mappings,
  }
}
