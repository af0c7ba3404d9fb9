import { silentReporter } from '../base/events.js';
import { parseAnswers } from '../base/ini.js';
import { hostsOf, resolveAnswers } from './answers.js';
import { loadPlugins } from './load-plugins.js';
import type { DeployContext, DeployPlugin, HostFacts, ManifestOrder, PluginSequences } from './plugin.js';

/** What answers make a plugin do, beside all others, with the controller `ctl`. */
export async function planOf(plugin: DeployPlugin, ...lines: string[]) {
  const first = ['[general]', 'CONFIG_SSH_KEY=', 'CONFIG_CONTROLLER_HOST=ctl'];
  const plugins = await loadPlugins();
  const resolved = await resolveAnswers(parseAnswers([...first, ...lines, ''].join('\n'), 'answers.txt'), plugins, {
    mayCreate: false,
  });
  const { configuration, findings } = resolved;
  const sequences = plugin.sequences(configuration, hostsOf(plugins, resolved));
  const orders = sequences.manifests ?? [];
  return {
    configuration,
    problems: findings.filter(({ level }) => level === 'error').map(({ message }) => message),
    notes: findings.filter(({ level }) => level === 'warn').map(({ message }) => message),
    prepare: (sequences.prepare ?? []).flatMap(({ steps }) => steps),
    /** As NAME@HOST, in their order. */
    manifests: orders.map(({ name, host }) => `${name}@${host}`),
    /** Those that a manifest installs on a host that is like this. */
    packages: (manifest: string, facts: Partial<HostFacts> = {}) => packagesOf(orders, manifest, facts as HostFacts),
    verify: (sequences.verify ?? []).flatMap(({ steps }) => steps),
    asked: () => asked(sequences),
    messages: sequences.messages ?? [],
  };
}

function packagesOf(orders: ManifestOrder[], manifest: string, facts: HostFacts): string[] {
  const found = orders.find(({ name, host }) => `${name}@${host}` === manifest);
  if (!found) throw new Error(`there is no ${manifest}`);
  const { packages = [] } = found;
  return typeof packages === 'function' ? packages(facts) : packages;
}

/** What is asked at the end: `HOST:PORT/PATH`, with ` tls`, of interfaces, `HOST UNIT…` of what only runs. */
async function asked({ verify = [] }: PluginSequences): Promise<string[]> {
  const seen: string[] = [];
  const context = {
    reach: (name: string) => ({ name }),
    facts: (host: string) => ({ address: host }),
    reporter: silentReporter,
    ssh: {
      run: async ({ name }: { name: string }, [, , , , ...words]: string[]) => {
        const [address, port = '', path = '', ...options] = words;
        const isPort = address === name && /^\d+$/.test(port);
        const tls = options.length > 0 ? ' tls' : '';
        seen.push(isPort ? `${name}:${port}${path}${tls}` : [name, ...words].join(' '));
        return { stdout: '', output: '', status: 0 };
      },
    },
  };
  for (const { work } of verify.flatMap(({ steps }) => steps)) await work(context as unknown as DeployContext);
  return seen;
}
