import pLimit from 'p-limit';
import type { CommandOptions } from '../base/command.js';
import { openSsh, type Ssh, type SshHost, waitForSsh } from '../base/ssh.js';
import type { StateDirectory } from '../base/state.js';
import type { LackingModules } from './parameter.js';

/** How many hosts are asked at once. */
const SIDE_BY_SIDE = 20;

/** Prints those that there are not: neither loaded, nor built in, nor to be loaded. A container sees the host's. */
export const lackingScript = `is_built_in() {
  zcat /proc/config.gz 2> /dev/null | grep -qx "CONFIG_$(echo "$1" | tr a-z A-Z)=y"
}
for module in "$@"; do
  [ -d "/sys/module/$module" ] || modprobe --dry-run --quiet "$module" 2> /dev/null || is_built_in "$module" || echo "$module"
done
`;

/**
 * Those of the modules that the kernel of a host lacks.
 * @throws StackwrightError those of ssh
 */
export async function lackingModules(
  ssh: Ssh,
  host: SshHost,
  modules: string[],
  options: Pick<CommandOptions, 'logFile'> = {},
): Promise<string[]> {
  const words = ['sh', '-c', lackingScript, 'sh', ...modules];
  const { stdout } = await ssh.run(host, words, { ...options, timeout: 60 });
  return stdout.split('\n').filter((name) => modules.includes(name));
}

/** Asks kernels over ssh, of many hosts at once. */
export function askKernels(state: StateDirectory, reach: (name: string) => SshHost): LackingModules {
  return async (hosts, modules) => {
    await using ssh = openSsh(state);
    const limit = pLimit(SIDE_BY_SIDE);
    const ask = async (name: string) => {
      // A machine that has just been installed may still be starting.
      await waitForSsh(ssh, reach(name), 60);
      return await lackingModules(ssh, reach(name), modules);
    };
    return new Map(
      await Promise.all(hosts.map(async (name): Promise<[string, string[]]> => [name, await limit(ask, name)])),
    );
  };
}
