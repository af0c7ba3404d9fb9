import { StackwrightError } from '../../src/base/errors.js';
import { computeHosts } from '../../src/deploy/declare.js';
import { lackingModules } from '../../src/deploy/kernel-modules.js';
import type { Configuration, Processor } from '../../src/deploy/parameter.js';
import type { DeployContext, Sequence } from '../../src/deploy/plugin.js';

/** What Open vSwitch needs of a kernel. What bridges of Linux need, every kernel of Debian has. */
const MODULES = ['openvswitch', 'vxlan'];

/** The hosts that carry networks: a network host may be a compute host, too. */
function carriersOf(known: Configuration): string[] {
  return [...new Set([...known.list('CONFIG_NETWORK_HOSTS'), ...computeHosts(known)])];
}

/**
 * `auto` becomes Open vSwitch where all kernels have what it needs, else bridges of Linux. It is found once and kept: a
 * cloud that works does not get other networks because a host has booted another kernel.
 */
export const agentByKernels: Processor = async (given, { known, mayCreate, lackingModules }) => {
  if (given !== 'auto' || !mayCreate) return { value: given };
  const excluded = known.list('EXCLUDE_SERVERS');
  const hosts = carriersOf(known).filter((host) => !excluded.includes(host));
  if (!lackingModules || hosts.length === 0) {
    return { value: 'linuxbridge', message: 'auto is linuxbridge here, where no kernel was asked' };
  }
  const lacking = [...(await lackingModules(hosts, MODULES))].filter(([, names]) => names.length > 0);
  const those = lacking.map(([host, names]) => `the kernel of ${host} lacks ${names.join(' and ')}`);
  const all = `${hosts.length === 1 ? `the kernel of ${hosts[0]} has` : 'all kernels have'} ${MODULES.join(' and ')}`;
  const [value, why] = lacking.length === 0 ? ['openvswitch', all] : ['linuxbridge', those.join(', ')];
  return { value, generated: true, message: `auto is ${value}: ${why}` };
};

/** Steps that see whether the kernels of hosts have what is needed; none where that is what all kernels have. */
export function kernelSequences(known: Configuration): Sequence[] {
  if (known.get('CONFIG_NEUTRON_L2_AGENT') !== 'openvswitch') return [];
  if (known.get('CONFIG_NEUTRON_OVS_DATAPATH_TYPE') === 'netdev') return [];
  const title = `see whether the kernel has ${MODULES.join(' and ')}`;
  const steps = carriersOf(known).map((host) => ({
    id: `neutron.kernel@${host}`,
    title,
    host,
    work: (context: DeployContext) => requireModules(context, host),
  }));
  return [{ title, steps }];
}

async function requireModules({ ssh, reach, facts, logFile }: DeployContext, host: string): Promise<undefined> {
  const lacking = await lackingModules(ssh, reach(host), MODULES, { logFile });
  if (lacking.length === 0) return;
  throw new StackwrightError(
    'KernelLacking',
    `the kernel of ${host} lacks ${lacking.join(' and ')}, which Open vSwitch needs`,
    {
      value: facts(host).kernel,
      hint: 'install a kernel that has it, or set CONFIG_NEUTRON_L2_AGENT=linuxbridge, which needs bridge and vxlan only',
    },
  );
}
