import { computeHosts, databasePackages, manifestsOn, secret } from '../../src/deploy/declare.js';
import type { Configuration, ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { hosts as hostList } from '../../src/deploy/processors.js';
import { answerSequence, runningSequence } from '../../src/deploy/service-answer.js';
import { each, hostName, matches, notEmpty } from '../../src/deploy/validators.js';
import { agentGroups, agentManifests, agentUnits, driversOf } from './agents.js';
import { agentByKernels, kernelSequences } from './kernel.js';
import { agentWithoutOvn, withoutOvn } from './ovn.js';

const NEUTRON_PORT = 9696;
const MODULES = ['puppet-module-neutron'];
const SERVER_PACKAGES = ['neutron-common', 'neutron-api', 'neutron-rpc-server', ...databasePackages];
const DRIVERS = ['linuxbridge', 'openvswitch', 'l2population'];
const physicalNetwork = matches(/[A-Za-z0-9_-]+|\*/, 'the name of a physical network, or *');
const range = matches(/\d+:\d+/, 'a range, FIRST:LAST');

/** An agent that there is not has been found wrong already. */
const driversByAgent = (known: Configuration) => driversOf[known.get('CONFIG_NEUTRON_L2_AGENT')] ?? '';

const neutron: ParameterGroup = {
  name: 'NEUTRON',
  description: 'OpenStack Networking',
  preCondition: (known) => known.is('CONFIG_NEUTRON_INSTALL'),
  parameters: [
    {
      name: 'CONFIG_NETWORK_HOSTS',
      cmdOption: 'os-network-hosts',
      prompt: 'Enter list of network hosts',
      usage:
        'Comma-separated list of the servers that route, and hand out addresses and metadata. The controller unless given.',
      default: (known) => known.get('CONFIG_CONTROLLER_HOST'),
      processors: [hostList],
      validators: [notEmpty, each(hostName)],
      namesHosts: true,
      deprecates: [
        'CONFIG_NEUTRON_L3_HOSTS',
        'CONFIG_NEUTRON_DHCP_HOSTS',
        'CONFIG_NEUTRON_METADATA_HOSTS',
        'CONFIG_NOVA_NETWORK_HOSTS',
      ],
    },
    secret('CONFIG_NEUTRON_KS_PW', 'os-neutron-ks-password', 'neutron for keystone'),
    secret('CONFIG_NEUTRON_DB_PW', 'os-neutron-db-password', 'neutron for the database'),
    secret('CONFIG_NEUTRON_METADATA_PW', 'os-neutron-metadata-pw', 'the metadata agent'),
    {
      name: 'CONFIG_NEUTRON_L3_EXT_BRIDGE',
      cmdOption: 'os-neutron-l3-ext-bridge',
      prompt: 'Enter the bridge to the outside',
      usage: 'Bridge of the network hosts to the outside. It is made where there is none, without a port.',
      default: 'br-ex',
      validators: [matches(/[a-z][a-z0-9-]{0,14}/, 'the name of a bridge')],
    },
  ],
};

const ml2: ParameterGroup = {
  name: 'NEUTRON_ML2_PLUGIN',
  description: 'Networks of OpenStack Networking',
  preCondition: (known) => known.is('CONFIG_NEUTRON_INSTALL'),
  postCondition: (known) => {
    const agent = known.get('CONFIG_NEUTRON_L2_AGENT');
    const drivers = known.list('CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS');
    if (agent === 'auto' || drivers.includes(agent)) return undefined;
    return `CONFIG_NEUTRON_L2_AGENT=${agent} needs ${agent} among the mechanism drivers`;
  },
  parameters: [
    {
      name: 'CONFIG_NEUTRON_L2_AGENT',
      cmdOption: 'os-neutron-l2-agent',
      prompt: 'Enter what connects instances',
      usage:
        'What connects instances on a host: bridges of Linux, or Open vSwitch, which needs openvswitch in the kernel of every network and compute host; that is seen to before anything is installed. auto is openvswitch where all of these kernels have it, else linuxbridge; the first deployment finds out, says so and writes it into this file.',
      default: 'auto',
      options: ['auto', 'linuxbridge', 'openvswitch'],
      processors: [agentWithoutOvn, agentByKernels],
    },
    {
      name: 'CONFIG_NEUTRON_ML2_TYPE_DRIVERS',
      cmdOption: 'os-neutron-ml2-type-drivers',
      prompt: 'Enter list of kinds of networks',
      usage: 'Comma-separated list of the kinds of networks that there may be.',
      default: 'local,flat,vxlan',
      options: ['local', 'flat', 'vlan', 'vxlan'],
      processors: [withoutOvn('geneve', () => 'vxlan')],
      severalOptions: true,
    },
    {
      name: 'CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES',
      cmdOption: 'os-neutron-ml2-tenant-network-types',
      prompt: 'Enter list of kinds of networks for projects',
      usage: 'Comma-separated list of the kinds of networks that projects get, in order. local joins no two hosts.',
      default: 'vxlan',
      options: ['local', 'vlan', 'vxlan'],
      processors: [withoutOvn('geneve', () => 'vxlan')],
      severalOptions: true,
    },
    {
      name: 'CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS',
      cmdOption: 'os-neutron-ml2-mechanism-drivers',
      prompt: 'Enter list of mechanism drivers',
      usage: 'Comma-separated list of the drivers that set networks up.',
      default: driversByAgent,
      options: DRIVERS,
      processors: [withoutOvn('ovn', driversByAgent)],
      severalOptions: true,
    },
    {
      name: 'CONFIG_NEUTRON_ML2_FLAT_NETWORKS',
      cmdOption: 'os-neutron-ml2-flat-networks',
      prompt: 'Enter list of physical networks that may be used flat',
      usage: 'Comma-separated list of physical networks that may be used flat; * is all.',
      default: '*',
      validators: [each(physicalNetwork)],
    },
    {
      name: 'CONFIG_NEUTRON_ML2_VLAN_RANGES',
      cmdOption: 'os-neutron-ml2-vlan-ranges',
      prompt: 'Enter list of VLANs',
      usage: 'Comma-separated list of NETWORK:FIRST:LAST, the VLANs that projects may get on a physical network.',
      default: '',
      validators: [each(matches(/[A-Za-z0-9_-]+(:\d+:\d+)?/, 'NETWORK:FIRST:LAST'))],
    },
    {
      name: 'CONFIG_NEUTRON_ML2_VNI_RANGES',
      cmdOption: 'os-neutron-ml2-vni-ranges',
      prompt: 'Enter list of ranges of VXLAN identifiers',
      usage: 'Comma-separated list of FIRST:LAST, the VXLAN identifiers that projects may get.',
      default: '10:1000',
      validators: [notEmpty, each(range)],
    },
    {
      name: 'CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS',
      cmdOption: 'os-neutron-lb-interface-mappings',
      prompt: 'Enter list of interfaces of physical networks',
      usage: 'Comma-separated list of NETWORK:INTERFACE. The bridge to the outside is extnet without being named here.',
      default: '',
      validators: [each(matches(/[A-Za-z0-9_-]+:[A-Za-z0-9_.-]+/, 'NETWORK:INTERFACE'))],
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'neutron',
  groups: [neutron, ml2, ...agentGroups],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_NEUTRON_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const tls = configuration.is('CONFIG_ENDPOINTS_SSL');
    const networkHosts = configuration.list('CONFIG_NETWORK_HOSTS');
    const computes = computeHosts(configuration);
    const agent = configuration.get('CONFIG_NEUTRON_L2_AGENT');
    const server = {
      folder: '350-neutron',
      name: 'neutron-server',
      modules: MODULES,
      startsLast: true,
      packages: SERVER_PACKAGES,
    };
    return {
      prepare: kernelSequences(configuration),
      manifests: [...manifestsOn([host], server), ...agentManifests(agent, networkHosts, computes)],
      verify: [
        answerSequence('neutron answers', [{ service: 'neutron-api', host, port: NEUTRON_PORT, path: '/', tls }]),
        runningSequence('neutron-agents', agentUnits(agent, networkHosts, computes)),
      ],
    };
  },
};
