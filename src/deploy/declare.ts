import { join } from 'node:path';
import type { Json } from '../base/events.js';
import type { Configuration, Parameter } from './parameter.js';
import { type DeployContext, type ManifestOrder, pluginFile, type Sequence } from './plugin.js';
import { host, PASSWORD_PLACEHOLDER, password, yesOrNo } from './processors.js';
import { hostName, notEmpty } from './validators.js';

type Declared = Pick<Parameter, 'name' | 'cmdOption' | 'prompt' | 'usage'> & Partial<Parameter>;

/** A parameter that is `y` or `n`. */
export function yesNo(declared: Declared & Required<Pick<Parameter, 'default'>>): Parameter {
  return { options: ['y', 'n'], processors: [yesOrNo], ...declared };
}

/** The password of `what`, random unless it is given. */
export function secret(name: string, cmdOption: string, what: string, more: Partial<Parameter> = {}): Parameter {
  return {
    name,
    cmdOption,
    prompt: `Enter the password of ${what}`,
    usage: `Password of ${what}.`,
    default: PASSWORD_PLACEHOLDER,
    processors: [password],
    validators: [notEmpty],
    mask: true,
    needConfirm: true,
    ...more,
  };
}

/** A host of its own for a service; the controller unless it is given. */
export function serviceHost(declared: Declared): Parameter {
  return {
    default: (known) => known.get('CONFIG_CONTROLLER_HOST'),
    processors: [host],
    validators: [notEmpty, hostName],
    namesHosts: true,
    ...declared,
  };
}

/** The same step on several hosts, side by side; its ids are NAME@HOST. */
export function hostSequence(name: string, title: string, hosts: string[], work: HostWork): Sequence {
  const steps = hosts.map((one) => ({
    id: `${name}@${one}`,
    title,
    host: one,
    work: (context: DeployContext) => work(context, one),
  }));
  return { title, steps };
}

type HostWork = (context: DeployContext, host: string) => Promise<Json | undefined>;

/** The hosts on which instances run; none without nova. */
export function computeHosts(configuration: Configuration): string[] {
  return configuration.is('CONFIG_NOVA_INSTALL') ? configuration.list('CONFIG_COMPUTE_HOSTS') : [];
}

/** Where a host has the authority's certificate, `ca.crt`, and its own, `host.crt` with `host.key`. */
export const HOST_CERTIFICATES = '/etc/ssl/stackwright';

/** What every service of OpenStack needs to reach MariaDB. */
export const databasePackages = ['python3-mysqldb', 'python3-pymysql'];

/** A manifest of a plugin's folder, `manifests/NAME.pp`. Its marker is its name, unless something else is said. */
export type PluginManifest = Omit<ManifestOrder, 'host' | 'file' | 'marker'> & { marker?: string };

/** The orders for one manifest of a shipped plugin's folder on several hosts. */
export function manifestsOn(
  hosts: string[],
  { folder, ...manifest }: PluginManifest & { folder: string },
): ManifestOrder[] {
  return manifestsIn(pluginFile(folder), hosts, manifest);
}

/** The same for a folder by its path. */
export function manifestsIn(folder: string, hosts: string[], manifest: PluginManifest): ManifestOrder[] {
  const { name, marker = name, ...more } = manifest;
  const file = join(folder, 'manifests', `${name}.pp`);
  return [...new Set(hosts)].map((host) => ({ host, name, file, marker, ...more }));
}
