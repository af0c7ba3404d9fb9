import { invalidConfig, type LocatedMap, type LocatedValue, readLocatedYaml } from './located-yaml.js';

const plugins = ['local_loop', 'partitioning', 'lvm', 'mkfs', 'mount', 'fstab'] as const;
export type Plugin = (typeof plugins)[number];

/** One entry of a configuration; what was nested in it are entries of their own. `settings` has name and base. */
export interface Entry {
  plugin: Plugin;
  settings: LocatedMap;
}

/**
 * Reads a configuration: a list of maps with one key each, the name of a plugin. A plugin nested
 * in another, or in a partition, has that one as its `base`, and comes before it in the result, as
 * in diskimage-builder (`block_device/config.py`). An entry without `name` is `PLUGIN_BASE`.
 * @throws StackwrightError `BlockDeviceConfigInvalid`
 */
export function readEntries(text: string, file: string): Entry[] {
  const list = readLocatedYaml(text, file);
  if (list?.kind !== 'list') {
    throw invalidConfig(file, list?.line ?? 1, 'it is not a list', { hint: 'begin with "- local_loop:"' });
  }
  return list.items.flatMap((item) => {
    const [only, second] = item.kind === 'map' ? item.entries : [];
    if (!only) throw invalidConfig(file, item.line, 'an entry is not a map with the name of a plugin as its key');
    if (second) {
      throw invalidConfig(file, second.line, `an entry has two keys, ${only.key} and ${second.key}`, {
        value: second.key,
        hint: `begin an entry of its own with "- ${second.key}:", or indent it as a setting of ${only.key}`,
      });
    }
    const plugin = plugins.find((known) => known === only.key);
    if (!plugin) throw unknownPlugin(only.key, only.line, file);
    return flatten(plugin, only, file);
  });
}

interface Keyed {
  key: string;
  line: number;
  value: LocatedValue | undefined;
}

function flatten(plugin: Plugin, { line, value }: Keyed, file: string, parent?: string): Entry[] {
  if (value !== undefined && value.kind !== 'map') {
    throw invalidConfig(file, line, `the settings of ${plugin} are not a map`);
  }
  const given = value ?? { kind: 'map', entries: [], line };
  const own: LocatedMap = { kind: 'map', line, entries: [] };
  const nested: Entry[] = [];
  const word = (key: string) => {
    const found = given.entries.find((entry) => entry.key === key)?.value;
    return found?.kind === 'text' ? found.text : undefined;
  };
  const set = (key: string, text: string) => own.entries.push({ key, line, value: { kind: 'text', text, line } });

  if (!given.entries.some(({ key }) => key === 'base') && parent !== undefined) set('base', parent);
  const base = word('base') ?? parent;
  const name = word('name') ?? (base === undefined ? undefined : `${plugin}_${base}`);
  if (!given.entries.some(({ key }) => key === 'name')) {
    if (name === undefined)
      throw invalidConfig(file, line, `${plugin} has neither a name nor a base to be named after`);
    set('name', name);
  }
  for (const entry of given.entries) {
    const inner = plugins.find((known) => known === entry.key);
    if (inner) nested.push(...flatten(inner, entry, file, name));
    else if (entry.key === 'partitions') {
      const { partitions, inside } = flattenPartitions(entry, file, base);
      own.entries.push({ ...entry, value: partitions });
      nested.push(...inside);
    } else own.entries.push(entry);
  }
  return [...nested, { plugin, settings: own }];
}

/** Partitions keep their place in the partitioning; their base is its base, whatever they say. */
function flattenPartitions(
  { line, value }: Keyed,
  file: string,
  base: string | undefined,
): { partitions: LocatedValue; inside: Entry[] } {
  if (value?.kind !== 'list') throw invalidConfig(file, line, 'partitions is not a list');
  const inside: Entry[] = [];
  const items = value.items.map((item): LocatedValue => {
    if (item.kind !== 'map') throw invalidConfig(file, item.line, 'a partition is not a map');
    const name = item.entries.find(({ key }) => key === 'name')?.value;
    const own = item.entries.filter((entry) => {
      const inner = plugins.find((known) => known === entry.key);
      if (!inner) return entry.key !== 'base';
      if (name?.kind !== 'text') throw invalidConfig(file, item.line, 'a partition has no name');
      inside.push(...flatten(inner, entry, file, name.text));
      return false;
    });
    if (base !== undefined) {
      own.push({ key: 'base', line: item.line, value: { kind: 'text', text: base, line: item.line } });
    }
    return { ...item, entries: own };
  });
  return { partitions: { ...value, items }, inside };
}

function unknownPlugin(name: string, line: number, file: string): Error {
  return invalidConfig(file, line, `there is no plugin ${name}`, {
    value: name,
    hint: `known are ${plugins.join(', ')}`,
  });
}
