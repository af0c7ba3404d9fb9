# What neutron is told on every host.
class stackwright::neutron::common (
  String $transport_url,
  Boolean $debug,
  Integer $mtu,
) {
  class { 'neutron':
    default_transport_url   => $transport_url,
    core_plugin             => 'ml2',
    service_plugins         => ['router'],
    dhcp_agents_per_network => 1,
    global_physnet_mtu      => $mtu,
    root_helper_daemon      => 'sudo neutron-rootwrap-daemon /etc/neutron/rootwrap.conf',
  }
  class { 'neutron::logging': debug => $debug }
  # In this release the driver works, and must be asked for.
  neutron_config { 'experimental/linuxbridge': value => true }
}
