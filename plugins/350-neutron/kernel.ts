import { StackwrightError } from '../../src/base/errors.js';
import type { DeployContext, Sequence } from '../../src/deploy/plugin.js';

/** What each kind of agent needs of a kernel. */
const modulesOf: Record<string, string[]> = {
  openvswitch: ['openvswitch', 'vxlan'],
  ovn: ['openvswitch', 'geneve'],
};

/** Steps that see whether the kernels of hosts have what the agent needs; none for bridges of Linux. */
export function kernelSequences(agent: string, hosts: string[]): Sequence[] {
  const modules = modulesOf[agent];
  if (!modules) return [];
  const title = `see whether the kernel has ${modules.join(' and ')}`;
  const steps = hosts.map((host) => ({
    id: `neutron.kernel@${host}`,
    title,
    host,
    work: (context: DeployContext) => requireModules(context, { agent, host, modules }),
  }));
  return [{ title, steps }];
}

/** Prints those that there are not: neither loaded, nor built in, nor to be loaded. A container sees the host's. */
export const lackingScript = `for module in "$@"; do
  [ -d "/sys/module/$module" ] || modprobe --dry-run --quiet "$module" 2> /dev/null || echo "$module"
done
`;

async function requireModules(
  { ssh, reach, facts, logFile }: DeployContext,
  { agent, host, modules }: { agent: string; host: string; modules: string[] },
): Promise<undefined> {
  const { stdout } = await ssh.run(reach(host), ['sh', '-c', lackingScript, 'sh', ...modules], {
    timeout: 60,
    logFile,
  });
  const lacking = stdout.split('\n').filter((name) => modules.includes(name));
  if (lacking.length === 0) return;
  throw new StackwrightError(
    'KernelLacking',
    `the kernel of ${host} lacks ${lacking.join(' and ')}, which ${agent} needs`,
    {
      value: facts(host).kernel,
      hint: 'install a kernel that has it, or set CONFIG_NEUTRON_L2_AGENT=linuxbridge, which needs bridge and vxlan only',
    },
  );
}
