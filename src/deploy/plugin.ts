import { join } from 'node:path';
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
  /** Its steps need nothing of this machine but the run's directory, so workers on other machines share them. */
  anywhere?: true;
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
  /** Debian packages that it installs: they come in one call of apt, while manifests before it are applied. */
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
  /** The addresses of all hosts that were discovered, by name: also of excluded ones that manifests name. */
  addresses(): Record<string, string>;
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

/** The step of the prescript whose result is a host's facts. */
export const DISCOVERY = 'prescript.discover';

export function discoveryStep(host: string): string {
  return `${DISCOVERY}@${host}`;
}

/** A file of a plugin's folder, such as a manifest: it is read from the package, also when our code is bundled. */
export function pluginFile(folder: string, ...parts: string[]): string {
  return join(packageRoot(), 'plugins', folder, ...parts);
}
