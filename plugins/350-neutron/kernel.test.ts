import { expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { silentReporter } from '../../src/base/events.js';
import type { Ssh } from '../../src/base/ssh.js';
import { configurationOf } from '../../src/deploy/parameter.js';
import type { DeployContext, HostFacts } from '../../src/deploy/plugin.js';
import { kernelSequences, lackingScript } from './kernel.js';

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

const stepOf = (agent: string) => kernelSequences(agent, ['c1'])[0]?.steps[0];

it('finds the modules that a kernel lacks', async () => {
  const { stdout } = await run('sh', ['-c', lackingScript, 'sh', 'printk', 'no_such_module']);

  expect(stdout).toBe('no_such_module\n');
});

it('asks nothing of the kernel for bridges of Linux', () => {
  expect(kernelSequences('linuxbridge', ['c1'])).toEqual([]);
});

it('names what a kernel lacks, and the agent that needs less', async () => {
  await expect(stepOf('ovn')?.work(hostThatSays(''))).resolves.toBeUndefined();

  await expect(stepOf('openvswitch')?.work(hostThatSays('openvswitch\nnoise\n'))).rejects.toMatchObject({
    code: 'KernelLacking',
    message: 'the kernel of c1 lacks openvswitch, which openvswitch needs',
    details: { value: '6.1.0-test', hint: expect.stringContaining('CONFIG_NEUTRON_L2_AGENT=linuxbridge') },
  });
});
