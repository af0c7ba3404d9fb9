import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Json, Reporter } from '../base/events.js';
import { packageRoot } from '../base/package-root.js';
import type { Ssh, SshHost } from '../base/ssh.js';
import type { Configuration, ParameterGroup } from './parameter.js';

/** What a folder `plugins/NNN-name` exports as `plugin` from its `index.ts`. */
export interface DeployPlugin {
  /** The folder's name without its number. */
  name: string;
  groups: ParameterGroup[];
  /** What is to be done, once all values are known. `hosts` are all hosts of the deployment, excluded ones left out. */
  sequences(configuration: Configuration, hosts: string[]): PluginSequences;
}

/** A deployment goes through these phases; within one, plugins stand in the order of their numbers. */
export interface PluginSequences {
  /** Before puppet: logins, facts, directories. */
  prepare?: Sequence[];
  manifests?: ManifestOrder[];
  /** After all manifests: does the service answer? */
  verify?: Sequence[];
  finish?: Sequence[];
  /** Said at the end of a run that went well. */
  messages?: string[];
}

/** Steps that go side by side over hosts; the next sequence starts when all of them are done. */
export interface Sequence {
  title: string;
  steps: DeployStep[];
}

export interface DeployStep {
  /** Unique over all plugins and stable, e.g. `memcached.answers@ctl1`. */
  id: string;
  title: string;
  host?: string;
  /** May run again after a crash in its middle. What it returns is kept in clear text. */
  work(context: DeployContext): Promise<Json | undefined>;
}

/** A puppet manifest to apply on a host. */
export interface ManifestOrder {
  host: string;
  /** Goes to the host as `HOST_NAME.pp`. */
  name: string;
  /** The static manifest, which reads its values by `lookup('CONFIG_…')`. */
  file: string;
  /** Manifests of one marker go side by side over all hosts; markers stand in the order in which they first appear. */
  marker: string;
  /** Debian packages of the puppet modules that it uses. */
  modules: string[];
  /** Debian packages that it installs: those of all manifests of a host come in one call of apt, before the first. */
  packages?: string[] | ((facts: HostFacts) => string[]);
  /**
   * Nothing of the deployment needs its services before the end: where there are hooks, they are started after those
   * of `stack post-config`, which may change their configuration.
   */
  startsLast?: boolean;
  /** It asks services of other manifests for something, also those that are started last. */
  needsServices?: boolean;
}

/** What a step works with. */
export interface DeployContext {
  configuration: Configuration;
  ssh: Ssh;
  /** How a host of the deployment is reached. */
  reach(host: string): SshHost;
  /** What the discovery found. */
  facts(host: string): HostFacts;
  /** Where the deployment works on every host, mode 0700. */
  workDirectory: string;
  /** Seconds, for one command within a manifest. */
  execTimeout: number;
  logFile: string;
  interrupted: boolean;
  reporter: Reporter;
}

/** What is known of a host after the discovery. A type, as it is kept as a step's result. */
export type HostFacts = {
  /** `PRETTY_NAME` of os-release. */
  system: string;
  codename: string;
  architecture: string;
  hostname: string;
  kernel: string;
  /** The address at which other hosts reach it. */
  address: string;
  processors: number;
  memoryMegabytes: number;
  /** It can run virtual machines by itself: it has /dev/kvm. */
  hasKvm: boolean;
};

/** The step of the prescript whose result is the host's facts. */
export function discoveryStep(host: string): string {
  return `prescript.discover@${host}`;
}

/**
 * Loads every plugin, in the order of their numbers.
 * @throws StackwrightError `PluginBroken` naming the first one that does not load
 */
export async function loadPlugins(directory = pluginDirectory()): Promise<DeployPlugin[]> {
  const plugins: DeployPlugin[] = [];
  for (const folder of readdirSync(directory).sort()) {
    if (/^\d{3}-[a-z0-9-]+$/.test(folder)) plugins.push(await loadPlugin(directory, folder));
  }
  return plugins;
}

/** A file of a plugin's folder, such as a manifest: it is read from the package, also when our code is bundled. */
export function pluginFile(folder: string, ...parts: string[]): string {
  return join(packageRoot(), 'plugins', folder, ...parts);
}

async function loadPlugin(directory: string, folder: string): Promise<DeployPlugin> {
  const file = ['index.js', 'index.ts'].map((name) => join(directory, folder, name)).find(existsSync);
  try {
    if (!file) throw new Error('it has no index.ts');
    const { plugin }: { plugin?: DeployPlugin } = await import(/* @vite-ignore */ pathToFileURL(file).href);
    if (typeof plugin?.sequences !== 'function' || !Array.isArray(plugin.groups)) {
      throw new Error('it exports no plugin with groups and sequences');
    }
    if (plugin.name !== folder.slice(4)) throw new Error(`its name is ${plugin.name}`);
    return plugin;
  } catch (error) {
    throw new StackwrightError('PluginBroken', `the deploy plugin ${folder} does not load: ${messageOf(error)}`, {
      value: folder,
      file: file ?? join(directory, folder),
      hint: 'correct the plugin, or remove its folder',
      cause: error,
    });
  }
}

/** Source runs as source (tests), the bundle runs the bundled plugins. */
function pluginDirectory(): string {
  const bundled = !import.meta.url.endsWith('.ts');
  return bundled ? join(packageRoot(), 'dist', 'plugins') : join(packageRoot(), 'plugins');
}
