import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localPlugins, readLocalConf, servicesAfter } from './local-conf.js';
import { exportNames, type Phase, phases, phaseWords } from './phases.js';
import { readHookDirectory } from './scripts.js';

/** One script in one phase: every script is called in every phase, so what counts is whether it does something. */
export interface ListedHook {
  phase: Phase;
  /** Its place among the hooks of the phase, from 1. */
  order: number;
  script: string;
  kind: 'shell' | 'typescript' | 'plugin' | 'local.conf';
  /** False where none of the services is enabled that the script asks for. */
  enabled: boolean;
  why: string;
}

export interface HookList {
  hooks: ListedHook[];
  /** Names that are reserved or have no number, files that are left alone. */
  notes: string[];
  /** ENABLED_SERVICES before the hooks. */
  services: string[];
}

/**
 * Which hooks of a site do something in which phase, and why. Scripts are read and not executed.
 * @param services of the answer file
 * @throws StackwrightError `HooksMissing`, `LocalConfInvalid`
 */
export async function listHooks(site: string, services: readonly string[]): Promise<HookList> {
  const confPath = join(site, 'local.conf');
  const conf = existsSync(confPath) ? await readLocalConf(confPath) : undefined;
  const { scripts, ignored } = await readHookDirectory(join(site, 'extras.d'), conf !== undefined);
  const enabled = conf ? servicesAfter(services, conf.localrc) : [...services];
  const sources: Source[] = [];
  for (const { name, path, kind } of scripts) sources.push({ script: name, kind, text: await readFile(path, 'utf8') });
  for (const [name, place] of conf ? pluginsOf(conf.localrc) : []) {
    const local = conf && localPlugins(conf).find((plugin) => plugin.name === name);
    const file = local && join(local.directory, 'devstack', 'plugin.sh');
    const text = file && existsSync(file) ? await readFile(file, 'utf8') : undefined;
    sources.push({ script: `${name} (${place})`, kind: 'plugin', ...(text === undefined ? {} : { text }) });
  }
  const hooks = phases.flatMap((phase) => {
    const merged = conf?.merges.filter(({ group }) => group === phaseWords(phase)[1]).map(({ file }) => file) ?? [];
    const listed = sources.flatMap((source) => describe(source, phase, enabled) ?? []);
    const merges = [...new Set(merged)].map((file) => ({
      script: file,
      kind: 'local.conf' as const,
      enabled: true,
      why: `a section of local.conf is merged into it`,
    }));
    return [...listed, ...merges].map((hook, index) => ({ phase, order: index + 1, ...hook }));
  });
  const notes = [
    ...scripts.flatMap(({ warning }) => warning ?? []),
    ...ignored.map(({ name, reason }) => `${name} is left alone: ${reason}`),
  ];
  return { hooks, notes, services: enabled };
}

interface Source {
  script: string;
  kind: ListedHook['kind'];
  /** Undefined where it is not on this machine. */
  text?: string;
}

function pluginsOf(localrc: string): [string, string][] {
  return [...localrc.matchAll(/^\s*enable_plugin\s+(\S+)\s+(\S+)/gm)].map(([, name = '', place = '']) => [name, place]);
}

function describe(
  { script, kind, text }: Source,
  phase: Phase,
  services: string[],
): Omit<ListedHook, 'phase' | 'order'> | undefined {
  if (text === undefined) return { script, kind, enabled: true, why: 'it is fetched where the hooks run' };
  if (kind === 'typescript') {
    const isExported = new RegExp(`export\\s+(?:async\\s+)?(?:function|const)\\s+${exportNames[phase]}\\b`).test(text);
    return isExported ? { script, kind, enabled: true, why: `it exports ${exportNames[phase]}` } : undefined;
  }
  const named = namedPhases(text);
  if (named.size > 0 && !named.has(phase)) return undefined;
  const reason = named.size > 0 ? 'it names the phase' : 'it names no phase, so it may act in each';
  const asked = [...text.matchAll(/is_service_enabled\s+([^;&|\])\n]+)/g)].flatMap(([, words = '']) =>
    words.trim().split(/\s+/),
  );
  const known = [...new Set(asked.filter((name) => /^[\w-]+$/.test(name)))];
  if (known.length === 0) return { script, kind, enabled: true, why: reason };
  const on = known.filter((name) => services.some((service) => isOf(service, name)));
  return on.length > 0
    ? { script, kind, enabled: true, why: `${reason}; ${on.join(', ')} is enabled` }
    : { script, kind, enabled: false, why: `${known.join(', ')} is not enabled` };
}

const prefixes: Record<string, string[]> = {
  nova: ['n-'],
  glance: ['g-'],
  cinder: ['c-'],
  neutron: ['q-', 'neutron-'],
  heat: ['h-'],
  ironic: ['ir-'],
  trove: ['tr-'],
  swift: ['s-'],
  ceilometer: ['ceilometer-'],
};

function isOf(service: string, asked: string): boolean {
  if (service === asked) return true;
  return (prefixes[asked] ?? []).some((prefix) => service.startsWith(prefix));
}

/** The phases that a shell script compares its arguments with. */
function namedPhases(text: string): Set<Phase> {
  const words = new Set(
    [...text.matchAll(/\$\{?[12]\}?["']?\s*={1,2}\s*["']?([\w-]+)|^\s*["']?([a-z_-]+)["']?\)/gm)].map(
      ([, compared, branch]) => compared ?? branch ?? '',
    ),
  );
  return new Set(phases.filter((phase) => words.has(phaseWords(phase).at(-1) ?? '')));
}
