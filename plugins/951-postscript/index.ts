import { readFile } from 'node:fs/promises';
import { StackwrightError } from '../../src/base/errors.js';
import { hostSequence } from '../../src/deploy/declare.js';
import type { DeployEvent } from '../../src/deploy/events.js';
import {
  type DeployContext,
  type DeployPlugin,
  type PluginSequences,
  pluginFile,
  type Sequence,
} from '../../src/deploy/plugin.js';
import { notePackages } from '../../src/deploy/removal.js';

/** For services that have just been started, and for what works for them to say so. */
const SECONDS = 120;

export const plugin: DeployPlugin = {
  name: 'postscript',
  groups: [],
  sequences(configuration, hosts): PluginSequences {
    const controller = configuration.get('CONFIG_CONTROLLER_HOST');
    const hasLogin = configuration.is('CONFIG_KEYSTONE_INSTALL') && configuration.is('CONFIG_CLIENT_INSTALL');
    return {
      finish: [
        ...(hasLogin ? [smokeSequence(controller, hosts)] : []),
        hostSequence('postscript.reboot', 'see whether a reboot is needed', hosts, noteReboot),
      ],
      messages: [`deployed on ${hosts.join(', ')}`],
    };
  },
};

function smokeSequence(controller: string, hosts: string[]): Sequence {
  return hostSequence('postscript.smoke', 'ask every service as administrator', [controller], (context) =>
    askServices(context, controller, hosts),
  );
}

/** The script and what it prints are no secrets; the password stays in the file on the host. */
async function askServices(context: DeployContext, controller: string, hosts: string[]): Promise<undefined> {
  const { ssh, reach, facts, logFile, reporter } = context;
  const input = await readFile(pluginFile('951-postscript', 'smoke.py'), 'utf8');
  const words = ['sh', '-c', '. /root/keystonerc_admin && exec python3 - "$@"', 'sh'];
  const names = hosts.map((host) => facts(host).hostname);
  const options = { input, timeout: 900, okStatuses: [0, 1], logFile };
  const { stdout, status, output } = await ssh.run(reach(controller), [...words, String(SECONDS), ...names], options);
  if (status !== 0) {
    throw new StackwrightError('SmokeTestFailed', 'not all of the cloud works', {
      value: controller,
      hint: `${output.trim()}\non ${controller}: . /root/keystonerc_admin && openstack catalog list`,
    });
  }
  const detail = stdout.trim().split(' ').join(', ');
  const event: DeployEvent = {
    code: 'deploy.service.answered',
    level: 'info',
    message: `${controller}: the administrator is answered by ${detail}`,
    data: { host: controller, service: 'openstack', detail },
  };
  reporter.report(event);
}

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
