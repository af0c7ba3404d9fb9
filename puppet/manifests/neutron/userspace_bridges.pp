# Bridges whose packets Open vSwitch moves itself. Where there is none yet, puppet-vswitch makes one of the kernel.
class stackwright::neutron::userspace_bridges (
  Array[String] $mappings,
) {
  include vswitch::ovs

  $mappings.map |$mapping| { $mapping.split(':')[1] }.each |$bridge| {
    exec { "bridge ${bridge} without the kernel":
      command  => "ovs-vsctl --may-exist add-br ${bridge} -- set bridge ${bridge} datapath_type=netdev && ip link set ${bridge} up",
      unless   => "test \"$(ovs-vsctl --if-exists get bridge ${bridge} datapath_type)\" = netdev",
      path     => ['/usr/bin', '/usr/sbin'],
      provider => shell,
      require  => Service['openvswitch'],
      before   => Vs_bridge[$bridge],
    }
  }
}
