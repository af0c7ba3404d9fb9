import { stringify } from 'yaml';
import type { Json } from '../base/events.js';
import type { Configuration } from './parameter.js';

/** Values that a manifest may look up besides the parameters. */
export interface HostValues {
  /** The host as the answer file names it. */
  HOST_NAME: string;
  /** The address at which other hosts reach this one. */
  HOST_ADDRESS: string;
  /** The same of this host and of every other that the values name, by name. */
  HOST_ADDRESSES: Record<string, string>;
  /** Seconds for one command. */
  EXEC_TIMEOUT: number;
}

/** Names of values that exist for every host. */
export const hostValueNames: (keyof HostValues)[] = ['HOST_NAME', 'HOST_ADDRESS', 'HOST_ADDRESSES', 'EXEC_TIMEOUT'];

/** The names that a manifest looks up. Only these go to its host. */
export function lookedUp(manifest: string): string[] {
  const code = manifest.replaceAll(/^\s*#.*$/gm, '');
  const names = [...code.matchAll(/\blookup\(\s*['"]([A-Za-z0-9_]+)['"]/g)].map((match) => match[1] ?? '');
  return [...new Set(names)].sort();
}

/** Hiera version 5: one file of values, `deployment.yaml` in a directory. */
export function hieraConfiguration(directory: string): string {
  return `---
version: 5
defaults:
  datadir: ${directory}
  data_hash: yaml_data
hierarchy:
  - name: deployment
    path: deployment.yaml
`;
}

/** What a manifest looks up, as hiera's YAML. */
export function hieradataOf(manifest: string, configuration: Configuration, values: HostValues): string {
  const names = new Set(lookedUp(manifest));
  const all = { ...Object.fromEntries(configuration.entries()), ...values };
  return renderHieradata(Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name))));
}

/** The values as hiera's YAML, every text quoted: `y`, `0x10` and `1e3` are texts. */
export function renderHieradata(values: Record<string, Json>): string {
  return `---\n${stringify(escapeInterpolation(values), {
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    lineWidth: 0,
  })}`;
}

/** Hiera would evaluate `%{…}` in a value, for instance in a password. */
function escapeInterpolation(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll('%{', "%{literal('%')}{");
  if (Array.isArray(value)) return value.map(escapeInterpolation);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, escapeInterpolation(entry)]));
  }
  return value;
}
