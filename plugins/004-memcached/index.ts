import { StackwrightError } from '../../src/base/errors.js';
import { hostSequence } from '../../src/deploy/declare.js';
import type { DeployEvent } from '../../src/deploy/events.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import { type DeployContext, type DeployPlugin, type PluginSequences, pluginFile } from '../../src/deploy/plugin.js';
import { yesOrNo } from '../../src/deploy/processors.js';
import { hostName, memorySize, notEmpty } from '../../src/deploy/validators.js';

const installation: ParameterGroup = {
  name: 'MEMCACHED_INSTALL',
  description: 'Memcached',
  parameters: [
    {
      name: 'CONFIG_MEMCACHED_INSTALL',
      cmdOption: 'memcached-install',
      prompt: 'Should memcached be installed',
      usage: "Set to 'y' to install memcached, which keeps tokens and sessions.",
      default: 'y',
      options: ['y', 'n'],
      processors: [yesOrNo],
    },
  ],
};

const memcached: ParameterGroup = {
  name: 'MEMCACHED',
  description: 'Memcached Config parameters',
  preCondition: (known) => known.is('CONFIG_MEMCACHED_INSTALL'),
  parameters: [
    {
      name: 'CONFIG_MEMCACHED_HOST',
      cmdOption: 'memcached-host',
      prompt: 'Enter the host for memcached',
      usage: 'Server on which to install memcached. It is the controller unless given.',
      default: (known) => known.get('CONFIG_CONTROLLER_HOST'),
      validators: [notEmpty, hostName],
      namesHosts: true,
    },
    {
      name: 'CONFIG_MEMCACHED_MAX_MEMORY',
      cmdOption: 'memcached-max-memory',
      prompt: 'Enter the memory for memcached',
      usage: "Memory that memcached may use: a number of megabytes, or a share of the host's memory such as 5%.",
      default: '64',
      validators: [memorySize],
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'memcached',
  groups: [installation, memcached],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_MEMCACHED_INSTALL')) return {};
    const host = configuration.get('CONFIG_MEMCACHED_HOST');
    return {
      manifests: [
        {
          host,
          name: 'memcached',
          file: pluginFile('004-memcached', 'manifests', 'memcached.pp'),
          marker: 'memcached',
          modules: ['puppet-module-saz-memcached'],
          packages: ['memcached'],
          // Keystone keeps tokens in it from its first request on.
          startsLast: !configuration.is('CONFIG_KEYSTONE_INSTALL'),
        },
      ],
      verify: [hostSequence('memcached.answers', 'see whether memcached answers', [host], verify)],
    };
  },
};

/** Speaks memcached's text protocol from the host itself; bash is on every Debian, a client is not. */
const checkScript = `exec 3<> "/dev/tcp/$1/11211" || exit 1
printf 'version\\r\\nset stackwright.check 0 60 5\\r\\nhello\\r\\nget stackwright.check\\r\\nquit\\r\\n' >&3
timeout 10 cat <&3
`;

async function verify({ ssh, reach, facts, logFile, reporter }: DeployContext, host: string): Promise<undefined> {
  const { address } = facts(host);
  const words = ['bash', '-c', checkScript, 'bash', address];
  const { stdout } = await ssh.run(reach(host), words, { timeout: 60, okStatuses: [0, 1, 124], logFile });
  const version = /^VERSION (\S+)/m.exec(stdout)?.[1];
  if (!version || !/^STORED\r?\nVALUE stackwright\.check 0 5\r?\nhello\r?\nEND/m.test(stdout)) {
    throw new StackwrightError('ServiceSilent', `memcached does not answer at ${address}:11211 on ${host}`, {
      value: host,
      hint: `on ${host}: systemctl status memcached; journalctl -u memcached`,
    });
  }
  const event: DeployEvent = {
    code: 'deploy.service.answered',
    level: 'info',
    message: `${host}: memcached ${version} answers at ${address}:11211`,
    data: { host, service: 'memcached', detail: version },
  };
  reporter.report(event);
}
