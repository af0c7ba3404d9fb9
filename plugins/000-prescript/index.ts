import { readFile } from 'node:fs/promises';
import { StackwrightError } from '../../src/base/errors.js';
import { localAddress } from '../../src/base/local-address.js';
import { waitForSsh } from '../../src/base/ssh.js';
import { hostSequence, serviceHost } from '../../src/deploy/declare.js';
import type { DeployEvent } from '../../src/deploy/events.js';
import type { Configuration, ParameterGroup } from '../../src/deploy/parameter.js';
import {
  type DeployContext,
  type DeployPlugin,
  DISCOVERY,
  type HostFacts,
  type PluginSequences,
  pluginFile,
  type Sequence,
} from '../../src/deploy/plugin.js';
import { host, hosts as hostList, sshKey, yesOrNo } from '../../src/deploy/processors.js';
import { notePackages } from '../../src/deploy/removal.js';
import { each, hostName, matches, notEmpty, publicKeys, sshPublicKey } from '../../src/deploy/validators.js';
import { discoverScript, parseDiscovery } from './discovery.js';
import { services } from './services.js';

const APT_KEY = '/etc/apt/keyrings/stackwright.asc';

const hasStorage = (known: Configuration) => known.is('CONFIG_CINDER_INSTALL') || known.is('CONFIG_SWIFT_INSTALL');

const global: ParameterGroup = {
  name: 'GLOBAL',
  description: 'Global Options',
  parameters: [
    {
      name: 'CONFIG_SSH_KEY',
      cmdOption: 'ssh-public-key',
      prompt: 'Enter the path to your ssh public key to install on servers',
      usage:
        'Path to a public key to install on servers. Left empty, it is the default key of the user who deploys; where there is none, one is made.',
      default: '',
      processors: [sshKey],
      // Empty only where answers are looked at and no key is made.
      validators: [(value, known) => (value === '' ? undefined : sshPublicKey(value, known))],
    },
    {
      name: 'CONFIG_DEFAULT_PASSWORD',
      cmdOption: 'default-password',
      prompt: 'Enter a default password to be used. Leave blank for a randomly generated one',
      usage:
        'Default password to be used everywhere (overridden by passwords set for individual services or users). Left empty, every password is random.',
      default: '',
      mask: true,
      needConfirm: true,
    },
    {
      name: 'CONFIG_CONTROLLER_HOST',
      cmdOption: 'os-controller-host',
      prompt: 'Enter the controller host',
      usage: 'Server on which to install the services of the controller role (for example, API servers or dashboard).',
      suggest: localAddress,
      processors: [host],
      validators: [notEmpty, hostName],
      namesHosts: true,
      deprecates: [
        'CONFIG_KEYSTONE_HOST',
        'CONFIG_GLANCE_HOST',
        'CONFIG_CINDER_HOST',
        'CONFIG_HORIZON_HOST',
        'CONFIG_HEAT_HOST',
        'CONFIG_IRONIC_HOST',
        'CONFIG_NAGIOS_HOST',
        'CONFIG_CEILOMETER_HOST',
        'CONFIG_SWIFT_PROXY_HOSTS',
        'CONFIG_NEUTRON_LBAAS_HOSTS',
        'CONFIG_QUANTUM_SERVER_HOST',
        'CONFIG_NEUTRON_SERVER_HOST',
        'CONFIG_NOVA_API_HOST',
        'CONFIG_NOVA_CERT_HOST',
        'CONFIG_NOVA_VNCPROXY_HOST',
        'CONFIG_NOVA_SCHED_HOST',
        'CONFIG_NOVA_CONDUCTOR_HOST',
        'CONFIG_OSCLIENT_HOST',
      ],
    },
    {
      name: 'CONFIG_COMPUTE_HOSTS',
      cmdOption: 'os-compute-hosts',
      prompt: 'Enter list of compute hosts',
      usage:
        'Comma-separated list of the servers on which to install the Compute service. Where it is installed, the controller unless given.',
      default: (known) => (known.is('CONFIG_NOVA_INSTALL') ? known.get('CONFIG_CONTROLLER_HOST') : ''),
      processors: [hostList],
      validators: [each(hostName)],
      namesHosts: true,
      deprecates: ['CONFIG_NOVA_COMPUTE_HOSTS'],
    },
    serviceHost({
      name: 'CONFIG_STORAGE_HOST',
      cmdOption: 'os-storage-host',
      prompt: 'Enter the storage host',
      usage: 'Server on which volumes and objects are kept. It is the controller unless given.',
      condition: hasStorage,
      namesHosts: hasStorage,
    }),
    {
      name: 'CONFIG_NTP_SERVERS',
      cmdOption: 'ntp-servers',
      prompt: 'Enter list of NTP server(s). Leave plain if NTP is not to be configured',
      usage: 'Comma-separated list of NTP servers. Leave empty where the hosts have the right time by other means.',
      default: '',
      validators: [each(hostName)],
    },
    {
      name: 'CONFIG_APT_SOURCES',
      cmdOption: 'apt-sources',
      prompt: 'Enter list of package sources to add on every host',
      usage:
        'Comma-separated list of package sources to add on every host, each a line of sources.list, such as deb [signed-by=/etc/apt/keyrings/stackwright.asc] http://mirror.example/debian bookworm main. They stay until the deployment is removed.',
      default: '',
      validators: [
        each(matches(/deb (\[[^\]]+\] )?\S+ \S+( \S+)*/, 'a line of sources.list, deb URL SUITE COMPONENT')),
      ],
    },
    {
      name: 'CONFIG_APT_KEY',
      cmdOption: 'apt-key',
      prompt: 'Enter the file of keys that sign these sources',
      usage: `File of this machine with the keys that sign these sources, OpenPGP as text; it becomes ${APT_KEY} on every host. Leave empty where the hosts know the keys.`,
      default: '',
      validators: [(value, known) => (value === '' ? undefined : publicKeys(value, known))],
      condition: (known) => known.get('CONFIG_APT_SOURCES') !== '',
    },
    {
      name: 'EXCLUDE_SERVERS',
      cmdOption: 'exclude-servers',
      prompt: 'Enter list of servers to be excluded from the installation',
      usage:
        'Comma-separated list of servers to be excluded from the installation, for instance when it is run a second time with the same answers. Leave empty to exclude none.',
      default: '',
      processors: [hostList],
      validators: [each(hostName)],
    },
    {
      name: 'CONFIG_DEBUG_MODE',
      cmdOption: 'os-debug-mode',
      prompt: 'Do you want to run services in debug mode',
      usage: "Set to 'y' if services are to write debug logs.",
      default: 'n',
      options: ['y', 'n'],
      processors: [yesOrNo],
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'prescript',
  groups: [services, global],
  sequences(configuration, hosts): PluginSequences {
    // They are asked for no more than their address, and only those that a manifest names.
    const excluded = configuration.list('EXCLUDE_SERVERS').filter((host) => !hosts.includes(host));
    return {
      prepare: [
        hostSequence('prescript.key', 'install the SSH key', hosts, installKey),
        hostSequence(DISCOVERY, 'discover the host', [...hosts, ...excluded], discover),
        ...(hosts.length > 1 ? [namesSequence(hosts)] : []),
        hostSequence('prescript.directory', 'make the work directory', hosts, makeWorkDirectory),
        ...(configuration.get('CONFIG_APT_SOURCES') === ''
          ? []
          : [hostSequence('prescript.sources', 'add package sources', hosts, addSources)]),
      ],
      manifests: timeManifests(configuration, hosts),
    };
  },
};

function timeManifests(configuration: Configuration, hosts: string[]) {
  if (configuration.list('CONFIG_NTP_SERVERS').length === 0) return [];
  return hosts.map((host) => ({
    host,
    name: 'prescript',
    file: pluginFile('000-prescript', 'manifests', 'prescript.pp'),
    marker: 'prescript',
    modules: ['puppet-module-puppetlabs-stdlib'],
  }));
}

/** The key is appended once; a file without a newline at its end is not spoilt. */
const keyScript = `set -eu
umask 077
read -r key
mkdir -p ~/.ssh
chmod 0700 ~/.ssh
touch ~/.ssh/authorized_keys
chmod 0600 ~/.ssh/authorized_keys
grep -qxF -- "$key" ~/.ssh/authorized_keys && exit 0
[ -z "$(tail -c 1 ~/.ssh/authorized_keys)" ] || echo >> ~/.ssh/authorized_keys
printf '%s\\n' "$key" >> ~/.ssh/authorized_keys
`;

async function installKey({ configuration, ssh, reach, logFile }: DeployContext, host: string): Promise<undefined> {
  const key = (await readFile(configuration.get('CONFIG_SSH_KEY'), 'utf8')).trim().split('\n')[0] ?? '';
  // A machine that has just been installed may still be starting.
  await waitForSsh(ssh, reach(host), 60);
  await ssh.run(reach(host), ['sh', '-c', keyScript], { input: `${key}\n`, timeout: 60, logFile });
}

async function discover({ ssh, reach, logFile, reporter }: DeployContext, host: string): Promise<HostFacts> {
  const { stdout } = await ssh.run(reach(host), ['sh', '-c', discoverScript], { timeout: 120, logFile });
  const found = parseDiscovery(stdout, host);
  if (found.uid !== 0) {
    throw new StackwrightError('HostNotRoot', `the login on ${host} is not root`, {
      value: host,
      hint: 'set User root for the host in the SSH configuration',
    });
  }
  if (found.distribution !== 'debian') {
    throw new StackwrightError('HostNotDebian', `${host} runs ${found.facts.system}, and Debian is needed`, {
      value: host,
      hint: 'install Debian 12 on the host, or leave it out with EXCLUDE_SERVERS',
    });
  }
  const { system, address, processors, memoryMegabytes } = found.facts;
  const event: DeployEvent = {
    code: 'deploy.host.found',
    level: 'info',
    message: `${host}: ${system} at ${address}, ${processors} processors, ${memoryMegabytes} MB`,
    data: { host, system, address },
  };
  reporter.report(event);
  return found.facts;
}

/** Services tell hosts apart by their own names: of two with the same, one would take the other's place without a word. */
function namesSequence(hosts: string[]): Sequence {
  const title = 'see whether the host names differ';
  return { title, steps: [{ id: 'prescript.names', title, work: async (context) => seeNames(context, hosts) }] };
}

function seeNames({ facts }: DeployContext, hosts: string[]): undefined {
  const names = new Map<string, string>();
  for (const host of hosts) {
    const { hostname } = facts(host);
    const other = names.get(hostname);
    if (other !== undefined) {
      throw new StackwrightError('HostNamesEqual', `${other} and ${host} have the same host name ${hostname}`, {
        value: hostname,
        hint: `name them otherwise, on each: hostnamectl set-hostname NAME; then go on with the run`,
      });
    }
    names.set(hostname, host);
  }
}

/** Apt fetches lists when something is to be installed, and sees that sources have come since. */
const sourcesScript = `set -eu
umask 022
key=${APT_KEY} list=/etc/apt/sources.list.d/stackwright.list
put() { cmp --silent "$1.new" "$1" && rm "$1.new" || mv "$1.new" "$1"; }
mkdir -p "\${key%/*}"
cat > "$key.new"
[ -s "$key.new" ] && put "$key" || rm "$key.new"
printf '%s\\n' "$@" > "$list.new"
put "$list"
`;

async function addSources(context: DeployContext, host: string): Promise<undefined> {
  const { configuration, ssh, reach, logFile } = context;
  const key = configuration.get('CONFIG_APT_KEY');
  const input = key === '' ? '' : await readFile(key, 'utf8');
  const words = ['sh', '-c', sourcesScript, 'sh', ...configuration.list('CONFIG_APT_SOURCES')];
  await ssh.run(reach(host), words, { input, timeout: 60, logFile });
}

/** /var/tmp is everybody's: a directory or link that somebody else has put there is not used. */
const directoryScript = `set -eu
umask 077
base=/var/tmp/stackwright
mkdir -m 0700 "$base" 2>/dev/null || true
[ -d "$base" ] && [ ! -L "$base" ] && [ -O "$base" ] || { echo "$base is not a directory of root" >&2; exit 1; }
chmod 0700 "$base"
for name in '' manifests resources modules; do mkdir -p -m 0700 "$1/$name"; done
[ -e "$1/packages-before" ] || { ${notePackages}; } > "$1/packages-before.new"
[ -e "$1/packages-before" ] || mv "$1/packages-before.new" "$1/packages-before"
`;

async function makeWorkDirectory(context: DeployContext, host: string): Promise<undefined> {
  const { ssh, reach, workDirectory, logFile } = context;
  await ssh.run(reach(host), ['sh', '-c', directoryScript, 'sh', workDirectory], { timeout: 60, logFile });
}
