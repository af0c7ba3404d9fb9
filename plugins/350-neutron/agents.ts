import { manifestsOn } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { ManifestOrder } from '../../src/deploy/plugin.js';
import type { HostUnits } from '../../src/deploy/service-answer.js';
import { each, matches, port } from '../../src/deploy/validators.js';

const MODULES = ['puppet-module-neutron'];
const LINUXBRIDGE_PACKAGES = ['neutron-common', 'neutron-linuxbridge-agent'];
/** Their units are called as they are. */
const NETWORK_PACKAGES = ['neutron-dhcp-agent', 'neutron-l3-agent', 'neutron-metadata-agent'];
const OVS_PACKAGES = ['neutron-common', 'neutron-openvswitch-agent', 'openvswitch-switch'];

const mapping = matches(/[A-Za-z0-9_-]+:[a-z][a-z0-9-]{0,14}/, 'NETWORK:BRIDGE');
const uplink = matches(/[a-z][a-z0-9-]{0,14}:[A-Za-z0-9_.-]+/, 'BRIDGE:INTERFACE');
const bridge = matches(/[a-z][a-z0-9-]{0,14}/, 'the name of a bridge');

export const agentGroups: ParameterGroup[] = [
  {
    name: 'NEUTRON_OVS_AGENT',
    description: 'Networking by Open vSwitch',
    preCondition: (known) =>
      known.is('CONFIG_NEUTRON_INSTALL') && known.get('CONFIG_NEUTRON_L2_AGENT') === 'openvswitch',
    parameters: [
      {
        name: 'CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS',
        cmdOption: 'os-neutron-ovs-bridge-mappings',
        prompt: 'Enter list of bridges of physical networks',
        usage: 'Comma-separated list of NETWORK:BRIDGE. The bridges are made where there are none.',
        default: (known) => `extnet:${known.get('CONFIG_NEUTRON_L3_EXT_BRIDGE')}`,
        validators: [each(mapping)],
      },
      {
        name: 'CONFIG_NEUTRON_OVS_BRIDGE_IFACES',
        cmdOption: 'os-neutron-ovs-bridge-interfaces',
        prompt: 'Enter list of interfaces of those bridges',
        usage: 'Comma-separated list of BRIDGE:INTERFACE, the interfaces that become ports of those bridges.',
        default: '',
        validators: [each(uplink)],
      },
      {
        name: 'CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE',
        cmdOption: 'os-neutron-ovs-bridges-compute',
        prompt: 'Enter list of those bridges that compute hosts have, too',
        usage: 'Comma-separated list of those bridges that compute hosts have, too. Network hosts have all.',
        default: '',
        validators: [each(bridge)],
      },
      {
        name: 'CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT',
        cmdOption: 'os-neutron-ovs-vxlan-udp-port',
        prompt: 'Enter the UDP port of VXLAN',
        usage: 'UDP port of VXLAN.',
        default: '4789',
        validators: [port],
      },
      {
        name: 'CONFIG_NEUTRON_OVS_DATAPATH_TYPE',
        cmdOption: 'os-neutron-ovs-datapath-type',
        prompt: 'Enter what moves packets',
        usage:
          'What moves packets: system is the kernel, netdev is Open vSwitch itself. netdev needs nothing of the kernel and is slower. With it, instances must not leave checksums to their network cards, and tunnels between hosts need the address of the host on a bridge of its own.',
        default: 'system',
        options: ['system', 'netdev'],
      },
    ],
  },
];

/** The drivers for a way to connect instances; where it is not chosen yet, those for either. */
export const driversOf: Record<string, string> = {
  auto: 'openvswitch,linuxbridge,l2population',
  linuxbridge: 'linuxbridge,l2population',
  openvswitch: 'openvswitch,l2population',
};

/** What goes to network hosts and compute hosts; a host that is both is a network host. */
export function agentManifests(agent: string, networkHosts: string[], computes: string[]): ManifestOrder[] {
  const own = { folder: '350-neutron', marker: 'neutron-agents', modules: MODULES };
  const others = computes.filter((one) => !networkHosts.includes(one));
  if (agent === 'openvswitch') {
    const name = 'neutron-ovs';
    return [
      ...manifestsOn(networkHosts, { ...own, name, packages: [...OVS_PACKAGES, ...NETWORK_PACKAGES] }),
      ...manifestsOn(others, { ...own, name, packages: OVS_PACKAGES }),
    ];
  }
  // Bridges of Open vSwitch are made by its service; those of Linux need none.
  const held = { ...own, startsLast: true };
  return [
    ...manifestsOn(networkHosts, {
      ...held,
      name: 'neutron-network',
      packages: [...LINUXBRIDGE_PACKAGES, ...NETWORK_PACKAGES],
    }),
    ...manifestsOn(others, { ...held, name: 'neutron-compute', packages: LINUXBRIDGE_PACKAGES }),
  ];
}

/** What runs on network hosts and compute hosts. */
export function agentUnits(agent: string, networkHosts: string[], computes: string[]): HostUnits[] {
  const bridges = `neutron-${agent}-agent`;
  const others = computes.filter((one) => !networkHosts.includes(one));
  return [
    ...networkHosts.map((host) => ({ host, units: [...NETWORK_PACKAGES, bridges] })),
    ...others.map((host) => ({ host, units: [bridges] })),
  ];
}
