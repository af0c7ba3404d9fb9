import { databasePackages, manifestsOn, secret } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { hosts as hostList } from '../../src/deploy/processors.js';
import { answerSequence } from '../../src/deploy/service-answer.js';
import { each, hostName, matches, notEmpty } from '../../src/deploy/validators.js';

const NEUTRON_PORT = 9696;
const MODULES = ['puppet-module-neutron'];
const SERVER_PACKAGES = ['neutron-common', 'neutron-api', 'neutron-rpc-server', ...databasePackages];
const AGENT_PACKAGES = ['neutron-common', 'neutron-linuxbridge-agent'];
const physicalNetwork = matches(/[A-Za-z0-9_-]+|\*/, 'the name of a physical network, or *');
const range = matches(/\d+:\d+/, 'a range, FIRST:LAST');

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
  parameters: [
    {
      name: 'CONFIG_NEUTRON_L2_AGENT',
      cmdOption: 'os-neutron-l2-agent',
      prompt: 'Enter what connects instances',
      usage: 'What connects instances on a host: bridges of Linux.',
      default: 'linuxbridge',
      options: ['linuxbridge'],
      useDefault: true,
    },
    {
      name: 'CONFIG_NEUTRON_ML2_TYPE_DRIVERS',
      cmdOption: 'os-neutron-ml2-type-drivers',
      prompt: 'Enter list of kinds of networks',
      usage: 'Comma-separated list of the kinds of networks that there may be.',
      default: 'local,flat,vxlan',
      options: ['local', 'flat', 'vlan', 'vxlan'],
      severalOptions: true,
    },
    {
      name: 'CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES',
      cmdOption: 'os-neutron-ml2-tenant-network-types',
      prompt: 'Enter list of kinds of networks for projects',
      usage: 'Comma-separated list of the kinds of networks that projects get, in order. local joins no two hosts.',
      default: 'vxlan',
      options: ['local', 'vlan', 'vxlan'],
      severalOptions: true,
    },
    {
      name: 'CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS',
      cmdOption: 'os-neutron-ml2-mechanism-drivers',
      prompt: 'Enter list of mechanism drivers',
      usage: 'Comma-separated list of the drivers that set networks up.',
      default: 'linuxbridge,l2population',
      options: ['linuxbridge', 'l2population'],
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
  groups: [neutron, ml2],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_NEUTRON_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const networkHosts = configuration.list('CONFIG_NETWORK_HOSTS');
    const computes = configuration.is('CONFIG_NOVA_INSTALL') ? configuration.list('CONFIG_COMPUTE_HOSTS') : [];
    const folder = '350-neutron';
    return {
      manifests: [
        ...manifestsOn([host], { folder, name: 'neutron-server', modules: MODULES, packages: SERVER_PACKAGES }),
        ...manifestsOn(networkHosts, {
          folder,
          name: 'neutron-network',
          marker: 'neutron-agents',
          modules: MODULES,
          packages: [...AGENT_PACKAGES, 'neutron-dhcp-agent', 'neutron-l3-agent', 'neutron-metadata-agent'],
        }),
        // A network host has the agent of compute hosts already.
        ...manifestsOn(
          computes.filter((one) => !networkHosts.includes(one)),
          { folder, name: 'neutron-compute', marker: 'neutron-agents', modules: MODULES, packages: AGENT_PACKAGES },
        ),
      ],
      verify: [answerSequence('neutron answers', [{ service: 'neutron-api', host, port: NEUTRON_PORT, path: '/' }])],
    };
  },
};
