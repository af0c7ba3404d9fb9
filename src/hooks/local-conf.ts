import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { hasCode, StackwrightError } from '../base/errors.js';
import { phases, phaseWords } from './phases.js';

/** Settings of hooks: DevStack's `local.conf`, or a file of shell assignments alone. */
export interface LocalConf {
  path: string;
  /** The section `[[local|localrc]]`, on the lines on which it stands in the file. */
  localrc: string;
  merges: Merge[];
}

/** An option that a section `[[GROUP|FILE]]` sets. */
export interface Merge {
  group: string;
  /** As it is written; may hold variables. */
  file: string;
  section: string;
  option: string;
  /** Several where the option is given several times. */
  values: string[];
  line: number;
}

const groups = ['local', ...phases.flatMap((phase) => phaseWords(phase).slice(1)), 'post-extra'];

/** @throws StackwrightError `LocalConfMissing`, `LocalConfInvalid` with file and line */
export async function readLocalConf(path: string): Promise<LocalConf> {
  try {
    return parseLocalConf(await readFile(path, 'utf8'), resolve(path));
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EISDIR')) throw error;
    throw new StackwrightError('LocalConfMissing', `there is no file of settings ${path}`, { value: path });
  }
}

export function parseLocalConf(text: string, path: string): LocalConf {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const isPlain = !lines.some((line) => header(line));
  const localrc: string[] = [];
  const merges = new Map<string, Merge>();
  let group = isPlain ? 'local' : '';
  let file = '';
  let section = '';
  let last: Merge | undefined;
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    const found = header(raw);
    const isSettings = group === 'local' && !found;
    localrc.push(isSettings ? raw : '');
    if (found) {
      ({ group, file } = found);
      section = '';
      last = undefined;
      if (!groups.includes(group)) throw invalid(`there is no group ${group}`, path, line, raw.trim(), groups);
      if (group === 'local' && file !== 'localrc') {
        throw invalid(`local has no part ${file}`, path, line, raw.trim(), ['[[local|localrc]]']);
      }
      continue;
    }
    const content = raw.trim();
    if (isSettings || content === '' || /^[#;]/.test(content)) continue;
    if (group === '') throw invalid('this stands before the first section', path, line, content, ['[[local|localrc]]']);
    const name = /^\[([^\]]+)\]$/.exec(content)?.[1];
    if (name !== undefined) {
      section = name;
      last = undefined;
    } else if (last && /^\s/.test(raw)) {
      last.values.push(`${last.values.pop()}\n${content}`);
    } else {
      last = addOption(merges, { group, file, section, content, path, line });
    }
  }
  return { path, localrc: localrc.join('\n'), merges: [...merges.values()] };
}

/** Plugins that `enable_plugin` takes from a directory of this machine. A URL is cloned where the hooks run. */
export function localPlugins({ path, localrc }: LocalConf): { name: string; directory: string }[] {
  return [...localrc.matchAll(/^\s*enable_plugin\s+(\S+)\s+["']?(\.{0,2}\/[^\s"']*)/gm)].map(
    ([, name = '', place = '']) => ({ name, directory: resolve(dirname(path), place) }),
  );
}

/**
 * What ENABLED_SERVICES is after the settings, as far as they say so in plain words: assignments, `enable_service`,
 * `disable_service`. Nothing is executed.
 */
export function servicesAfter(services: readonly string[], localrc: string): string[] {
  let enabled = new Set(services);
  const change = (words: string, isEnabled = true) => {
    for (const word of words.split(/[\s,]+/).filter(Boolean)) {
      const name = word.replace(/^-/, '');
      if (isEnabled && !word.startsWith('-')) enabled.add(name);
      else enabled.delete(name);
    }
  };
  for (const line of localrc.split('\n')) {
    const [, sign, list = ''] = /^\s*ENABLED_SERVICES(\+?)=["']?([^"'#]*)/.exec(line) ?? [];
    const [, verb, words = ''] = /^\s*(enable|disable)_service\s+([^#;]*)/.exec(line) ?? [];
    if (sign === '' && !list.includes('$ENABLED_SERVICES')) enabled = new Set();
    if (sign !== undefined) change(list.replace('$ENABLED_SERVICES', ''));
    if (verb !== undefined) change(words, verb === 'enable');
    if (/^\s*disable_all_services\b/.test(line)) enabled = new Set();
  }
  return [...enabled];
}

/** What the shell reads for a merge: a line each option, the last of a section first, as each is put at its top. */
export function renderMerges(merges: Merge[]): string {
  const lines = merges.map(({ file, line, section, option, values }) =>
    [file, String(line), section, option, ...values.map((value) => value.replaceAll('\n', '\x1e'))].join('\x1f'),
  );
  return `${lines.reverse().join('\n')}\n`;
}

function header(line: string): { group: string; file: string } | undefined {
  const [, group, file] = /^\[\[([^|\]]+)\|(.*)\]\]\s*$/.exec(line) ?? [];
  return group === undefined || file === undefined ? undefined : { group, file };
}

function addOption(
  merges: Map<string, Merge>,
  at: { group: string; file: string; section: string; content: string; path: string; line: number },
): Merge {
  const { group, file, section, content, path, line } = at;
  const separator = content.indexOf('=');
  if (separator < 1) throw invalid('this is neither a section nor OPTION = VALUE', path, line, content, []);
  if (section === '') throw invalid('an option stands before the first section', path, line, content, ['[DEFAULT]']);
  const option = content.slice(0, separator).trim();
  const value = content.slice(separator + 1).trim();
  const key = [group, file, section, option].join('\0');
  const merge = merges.get(key) ?? { group, file, section, option, values: [], line };
  merge.values.push(value);
  merges.set(key, merge);
  return merge;
}

function invalid(message: string, file: string, line: number, text: string, allowed: string[]): StackwrightError {
  // What is not understood may hold a password: only its beginning is shown.
  const value = text.length > 20 ? `${text.slice(0, 20)}…` : text;
  const hint = allowed.length === 0 ? {} : { hint: `there are: ${allowed.join(', ')}` };
  return new StackwrightError('LocalConfInvalid', message, { file, line, value, ...hint });
}
