import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

const hosts = ['CONFIG_NETWORK_HOSTS=net', 'CONFIG_COMPUTE_HOSTS=c1,net'];
const agents = 'neutron-dhcp-agent neutron-l3-agent neutron-metadata-agent';

it('has routers and addresses on network hosts, and bridges where instances are', async () => {
  const { manifests, asked } = await planOf(plugin, ...hosts, 'CONFIG_NEUTRON_L2_AGENT=linuxbridge');

  // A host that is both has what network hosts have.
  expect(manifests).toEqual(['neutron-server@ctl', 'neutron-network@net', 'neutron-compute@c1']);
  expect(await asked()).toEqual([
    'ctl:9696/',
    `net ${agents} neutron-linuxbridge-agent`,
    'c1 neutron-linuxbridge-agent',
  ]);
  expect((await planOf(plugin, 'CONFIG_NEUTRON_INSTALL=n')).manifests).toEqual([]);
});

it('uses Open vSwitch where it is asked for, and sees to the kernel first', async () => {
  const { problems, prepare, manifests, packages, asked } = await planOf(
    plugin,
    ...hosts,
    'CONFIG_NEUTRON_L2_AGENT=openvswitch',
  );

  expect(problems).toEqual([]);
  expect(prepare.map(({ host }) => host)).toEqual(['net', 'c1']);
  expect(manifests).toEqual(['neutron-server@ctl', 'neutron-ovs@net', 'neutron-ovs@c1']);
  expect(packages('neutron-ovs@net')).toEqual(expect.arrayContaining(['openvswitch-switch', 'neutron-l3-agent']));
  expect(packages('neutron-ovs@c1')).not.toContain('neutron-l3-agent');
  expect((await asked()).slice(1)).toEqual([`net ${agents} neutron-openvswitch-agent`, 'c1 neutron-openvswitch-agent']);
});

it('makes the networks of a file of packstack, which has OVN, otherwise', async () => {
  const { configuration, problems, notes } = await planOf(
    plugin,
    'CONFIG_NEUTRON_L2_AGENT=ovn',
    'CONFIG_NEUTRON_ML2_TYPE_DRIVERS=geneve,flat',
    'CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=geneve,vxlan',
    'CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS=ovn',
    'CONFIG_NEUTRON_OVN_BRIDGE_IFACES=',
  );

  expect(problems).toEqual([]);
  expect(configuration.get('CONFIG_NEUTRON_L2_AGENT')).toBe('auto');
  expect(configuration.get('CONFIG_NEUTRON_ML2_TYPE_DRIVERS')).toBe('vxlan,flat');
  expect(configuration.get('CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES')).toBe('vxlan');
  expect(configuration.get('CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS')).toBe('openvswitch,linuxbridge,l2population');
  expect(notes).toContainEqual(expect.stringContaining('do not work together: auto instead of ovn'));
  expect(notes).toContainEqual(expect.stringContaining('do not work together: vxlan instead of geneve'));
});

it('leaves the way to connect instances to the kernels, with drivers for either', async () => {
  const { configuration, problems } = await planOf(plugin);

  expect(problems).toEqual([]);
  expect(configuration.get('CONFIG_NEUTRON_L2_AGENT')).toBe('auto');
  expect(configuration.list('CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS')).toEqual(
    expect.arrayContaining(['linuxbridge', 'openvswitch']),
  );
});

it.each([
  [
    'drivers without that of the agent',
    ['CONFIG_NEUTRON_L2_AGENT=linuxbridge', 'CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS=openvswitch'],
    'among the mechanism drivers',
  ],
  ['half a range', ['CONFIG_NEUTRON_ML2_VNI_RANGES=10'], 'CONFIG_NEUTRON_ML2_VNI_RANGES'],
])('refuses %s', async (_what, lines, problem) => {
  expect((await planOf(plugin, ...lines)).problems.join('\n')).toContain(problem);
});
