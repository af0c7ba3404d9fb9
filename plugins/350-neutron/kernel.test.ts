import { expect, it } from 'vitest';
import { silentReporter } from '../../src/base/events.js';
import type { Ssh } from '../../src/base/ssh.js';
import { type Configuration, configurationOf, type Processed } from '../../src/deploy/parameter.js';
import type { DeployContext, HostFacts } from '../../src/deploy/plugin.js';
import { agentByKernels, kernelSequences } from './kernel.js';

const answers = new Map([
  ['CONFIG_NOVA_INSTALL', 'y'],
  ['CONFIG_NETWORK_HOSTS', 'net'],
  ['CONFIG_COMPUTE_HOSTS', 'c1,net,c2'],
  ['EXCLUDE_SERVERS', 'c2'],
  ['CONFIG_NEUTRON_OVS_DATAPATH_TYPE', 'system'],
]);

function known(...more: [string, string][]): Configuration {
  return configurationOf(new Map([...answers, ...more]));
}

/** A host that prints this. */
function hostThatSays(stdout: string): DeployContext {
  const ssh: Pick<Ssh, 'run'> = { run: async () => ({ stdout, output: stdout, status: 0 }) };
  return {
    configuration: configurationOf(new Map()),
    ssh: ssh as Ssh,
    reach: (name) => ({ name }),
    facts: () => ({ kernel: '6.1.0-test' }) as HostFacts,
    addresses: () => ({}),
    workDirectory: '/nowhere',
    execTimeout: 300,
    logFile: '/dev/null',
    interrupted: false,
    reporter: silentReporter,
  };
}

const stepOf = (agent: string) => kernelSequences(known(['CONFIG_NEUTRON_L2_AGENT', agent]))[0]?.steps[0];

/** What `auto` becomes by hosts that lack these, and the hosts that were asked. */
async function chosenBy(lacking: Record<string, string[]>, configuration = known()) {
  const asked: string[] = [];
  const chosen: Processed = await agentByKernels('auto', {
    known: configuration,
    mayCreate: true,
    lackingModules: async (hosts, modules) => {
      asked.push(`${hosts.join(',')}: ${modules.join(',')}`);
      return new Map(hosts.map((host) => [host, lacking[host] ?? []]));
    },
  });
  return { asked, ...chosen };
}

it('takes Open vSwitch where the kernels of all hosts that carry networks have it, and says so', async () => {
  const chosen = await chosenBy({});

  // A host that is left out is not asked.
  expect(chosen.asked).toEqual(['net,c1: openvswitch,vxlan']);
  expect(chosen).toMatchObject({ value: 'openvswitch', generated: true });
  expect(chosen.message).toBe('auto is openvswitch: all kernels have openvswitch and vxlan');
  const one = await chosenBy({}, known(['CONFIG_COMPUTE_HOSTS', 'net']));
  expect(one.message).toContain('the kernel of net has openvswitch and vxlan');
});

it('takes bridges of Linux where a kernel lacks it, and says which', async () => {
  const chosen = await chosenBy({ c1: ['openvswitch'], c2: ['vxlan'] });

  expect(chosen).toMatchObject({ value: 'linuxbridge', generated: true });
  expect(chosen.message).toBe('auto is linuxbridge: the kernel of c1 lacks openvswitch');
});

it('asks nobody where answers are only looked at, or something was chosen', async () => {
  const lackingModules = () => Promise.reject(new Error('asked'));

  expect(await agentByKernels('auto', { known: known(), mayCreate: false, lackingModules })).toEqual({ value: 'auto' });
  const given = await agentByKernels('openvswitch', { known: known(), mayCreate: true, lackingModules });
  expect(given).toEqual({ value: 'openvswitch' });
  // A plan: what it shows is not kept.
  const planned = await agentByKernels('auto', { known: known(), mayCreate: true });
  expect(planned).toEqual({ value: 'linuxbridge', message: 'auto is linuxbridge here, where no kernel was asked' });
  const none = await chosenBy({}, known(['EXCLUDE_SERVERS', 'net,c1,c2']));
  expect(none).toMatchObject({ asked: [], value: 'linuxbridge' });
  expect(none.generated).toBeUndefined();
});

it('asks nothing of the kernel for what every kernel has', () => {
  expect(stepOf('linuxbridge')).toBeUndefined();
  const userspace: [string, string][] = [
    ['CONFIG_NEUTRON_L2_AGENT', 'openvswitch'],
    ['CONFIG_NEUTRON_OVS_DATAPATH_TYPE', 'netdev'],
  ];
  expect(kernelSequences(known(...userspace))).toEqual([]);
});

it('names what a kernel lacks, and what needs less', async () => {
  await expect(stepOf('openvswitch')?.work(hostThatSays(''))).resolves.toBeUndefined();

  await expect(stepOf('openvswitch')?.work(hostThatSays('openvswitch\nnoise\n'))).rejects.toMatchObject({
    code: 'KernelLacking',
    message: 'the kernel of net lacks openvswitch, which Open vSwitch needs',
    details: { value: '6.1.0-test', hint: expect.stringContaining('CONFIG_NEUTRON_L2_AGENT=linuxbridge') },
  });
});
