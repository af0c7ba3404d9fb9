import { hostSequence } from '../../src/deploy/declare.js';
import type { DeployEvent } from '../../src/deploy/events.js';
import type { DeployContext, DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { notePackages } from '../../src/deploy/removal.js';

export const plugin: DeployPlugin = {
  name: 'postscript',
  groups: [],
  sequences(_configuration, hosts): PluginSequences {
    return {
      finish: [hostSequence('postscript.reboot', 'see whether a reboot is needed', hosts, noteReboot)],
      messages: [`deployed on ${hosts.join(', ')}`],
    };
  },
};

/** Debian's kernel packages leave this file; the running kernel stays until then. */
async function noteReboot(
  { ssh, reach, workDirectory, logFile, reporter }: DeployContext,
  host: string,
): Promise<undefined> {
  const script = `{ ${notePackages}; } > "$1/packages-after"; test -e /run/reboot-required`;
  const words = ['sh', '-c', script, 'sh', workDirectory];
  const { status } = await ssh.run(reach(host), words, { timeout: 60, okStatuses: [0, 1], logFile });
  if (status !== 0) return;
  const text = `${host} has a new kernel or library that needs a reboot`;
  const event: DeployEvent = { code: 'deploy.message', level: 'warn', message: text, data: { text } };
  reporter.report(event);
}
