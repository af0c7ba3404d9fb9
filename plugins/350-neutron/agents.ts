import { manifestsOn } from '../../src/deploy/declare.js';
import type { Configuration, Parameter, ParameterGroup } from '../../src/deploy/parameter.js';
import type { ManifestOrder } from '../../src/deploy/plugin.js';
import type { HostUnits } from '../../src/deploy/service-answer.js';
import { each, matches, port } from '../../src/deploy/validators.js';

const MODULES = ['puppet-module-neutron'];
const OVN_MODULES = [...MODULES, 'puppet-module-ovn', 'puppet-module-puppetlabs-augeas-core'];
const LINUXBRIDGE_PACKAGES = ['neutron-common', 'neutron-linuxbridge-agent'];
/** Their units are called as they are. */
const NETWORK_PACKAGES = ['neutron-dhcp-agent', 'neutron-l3-agent', 'neutron-metadata-agent'];
const OVS_PACKAGES = ['neutron-common', 'neutron-openvswitch-agent', 'openvswitch-switch'];
const OVN_PACKAGES = ['openvswitch-switch', 'ovn-host'];

const uses = (agent: string) => (known: Configuration) =>
  known.is('CONFIG_NEUTRON_INSTALL') && known.get('CONFIG_NEUTRON_L2_AGENT') === agent;

const mapping = matches(/[A-Za-z0-9_-]+:[a-z][a-z0-9-]{0,14}/, 'NETWORK:BRIDGE');
const uplink = matches(/[a-z][a-z0-9-]{0,14}:[A-Za-z0-9_.-]+/, 'BRIDGE:INTERFACE');
const bridge = matches(/[a-z][a-z0-9-]{0,14}/, 'the name of a bridge');

/** The bridges of Open vSwitch, which its own agent and OVN's have alike. */
function bridges(kind: 'OVS' | 'OVN'): Parameter[] {
  const option = `os-neutron-${kind.toLowerCase()}`;
  return [
    {
      name: `CONFIG_NEUTRON_${kind}_BRIDGE_MAPPINGS`,
      cmdOption: `${option}-bridge-mappings`,
      prompt: 'Enter list of bridges of physical networks',
      usage: 'Comma-separated list of NETWORK:BRIDGE. The bridges are made where there are none.',
      default: (known) => `extnet:${known.get('CONFIG_NEUTRON_L3_EXT_BRIDGE')}`,
      validators: [each(mapping)],
    },
    {
      name: `CONFIG_NEUTRON_${kind}_BRIDGE_IFACES`,
      cmdOption: `${option}-bridge-interfaces`,
      prompt: 'Enter list of interfaces of those bridges',
      usage: 'Comma-separated list of BRIDGE:INTERFACE, the interfaces that become ports of those bridges.',
      default: '',
      validators: [each(uplink)],
    },
    {
      name: `CONFIG_NEUTRON_${kind}_BRIDGES_COMPUTE`,
      cmdOption: `${option}-bridges-compute`,
      prompt: 'Enter list of those bridges that compute hosts have, too',
      usage: 'Comma-separated list of those bridges that compute hosts have, too. Network hosts have all.',
      default: '',
      validators: [each(bridge)],
    },
  ];
}

export const agentGroups: ParameterGroup[] = [
  {
    name: 'NEUTRON_OVS_AGENT',
    description: 'Networking by Open vSwitch',
    preCondition: uses('openvswitch'),
    parameters: [
      ...bridges('OVS'),
      {
        name: 'CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT',
        cmdOption: 'os-neutron-ovs-vxlan-udp-port',
        prompt: 'Enter the UDP port of VXLAN',
        usage: 'UDP port of VXLAN.',
        default: '4789',
        validators: [port],
      },
    ],
  },
  {
    name: 'NEUTRON_OVN_AGENT',
    description: 'Networking by OVN',
    preCondition: uses('ovn'),
    parameters: bridges('OVN'),
  },
];

/** What the answers say of kinds of networks where they say nothing: it follows from the agent. */
export const agentDefaults: Record<string, { types: string; tenantTypes: string; drivers: string }> = {
  auto: { types: 'local,flat,vxlan', tenantTypes: 'vxlan', drivers: 'openvswitch,linuxbridge,l2population' },
  linuxbridge: { types: 'local,flat,vxlan', tenantTypes: 'vxlan', drivers: 'linuxbridge,l2population' },
  openvswitch: { types: 'local,flat,vxlan', tenantTypes: 'vxlan', drivers: 'openvswitch,l2population' },
  ovn: { types: 'local,flat,geneve', tenantTypes: 'geneve', drivers: 'ovn' },
};

export function computeHosts(configuration: Configuration): string[] {
  return configuration.is('CONFIG_NOVA_INSTALL') ? configuration.list('CONFIG_COMPUTE_HOSTS') : [];
}

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
  if (agent === 'ovn') {
    return [...new Set([...networkHosts, ...computes])].flatMap((host) => {
      const metadata = computes.includes(host) ? ['neutron-common', 'neutron-ovn-metadata-agent'] : [];
      const packages = [...OVN_PACKAGES, ...metadata];
      return manifestsOn([host], { ...own, name: 'neutron-ovn', modules: OVN_MODULES, packages });
    });
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

/** What runs on network hosts and compute hosts; of OVN that is seen by neutron alone. */
export function agentUnits(agent: string, networkHosts: string[], computes: string[]): HostUnits[] {
  if (agent === 'ovn') return [];
  const bridges = `neutron-${agent}-agent`;
  const others = computes.filter((one) => !networkHosts.includes(one));
  return [
    ...networkHosts.map((host) => ({ host, units: [...NETWORK_PACKAGES, bridges] })),
    ...others.map((host) => ({ host, units: [bridges] })),
  ];
}

/** What the controller has before neutron: OVN's databases. */
export function centralManifests(agent: string, host: string): ManifestOrder[] {
  if (agent !== 'ovn') return [];
  const packages = ['openvswitch-switch', 'ovn-central'];
  return manifestsOn([host], { folder: '350-neutron', name: 'neutron-ovn-central', modules: OVN_MODULES, packages });
}
