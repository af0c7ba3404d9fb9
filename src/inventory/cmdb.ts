import { StackwrightError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import {
  describeNode,
  formatPythonLiteral,
  type PythonNode,
  PythonTuple,
  type PythonValue,
  pythonValue,
} from '../base/python-literal.js';
import { formatYaml, isYaml, parseForm } from './yaml-form.js';

/** One machine's settings: what joins the variables of a configure script. */
export type CmdbEntry = Record<string, Json>;

export interface Cmdb {
  entries: CmdbEntry[];
  /** True where the file was written with `generate`, and the entries are its expansion. */
  generated: boolean;
}

/** Most entries that one file may have, or expand to. */
const MAXIMUM_ENTRIES = 100_000;

/**
 * Reads a `.cmdb` file, a Python list of dicts or `generate({…})`, which is expanded; or a
 * `.cmdb.yaml` file.
 * @throws StackwrightError `PythonLiteralInvalid`, `YamlInvalid`, `CmdbInvalid` with file, line, value
 */
export function parseCmdb(text: string, file: string): Cmdb {
  const node = parseForm(text, file, 'cmdb');
  if (node.kind === 'call') return { entries: generateOf(node, file), generated: true };
  if (node.kind !== 'list' && node.kind !== 'tuple') {
    throw invalid('a CMDB is not a list', node, file, describeNode(node));
  }
  const entries = node.items.flatMap((item) =>
    // A list may mix entries with generate(…), as in [...] of eDeploy's own examples.
    item.kind === 'call' ? generateOf(item, file) : [entryOf(item, file)],
  );
  if (entries.length > MAXIMUM_ENTRIES) throw tooMany(node, file, entries.length);
  return { entries, generated: node.items.some((item) => item.kind === 'call') };
}

/** The entries in the form that the file's name tells, as claims are shown in it. */
export function formatCmdb(entries: readonly CmdbEntry[], file: string): string {
  return isYaml(file) ? formatYaml(entries, 'cmdb') : `${formatPythonLiteral(entries)}\n`;
}

function generateOf(node: PythonNode & { kind: 'call' }, file: string): CmdbEntry[] {
  const [model, ...more] = node.arguments;
  if (node.name !== 'generate' || !model || more.length > 0) {
    throw invalid('only generate({…}) is known here', node, file, describeNode(node));
  }
  const expanded = generate(entryOf(model, file));
  if (expanded === undefined) throw tooMany(node, file, MAXIMUM_ENTRIES + 1);
  return expanded;
}

function entryOf(node: PythonNode, file: string): CmdbEntry {
  if (node.kind !== 'dict') throw invalid('an entry is not a dict', node, file, describeNode(node));
  const value = jsonOf(pythonValue(node, file));
  if (/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value))) {
    throw invalid('an entry holds a character that cannot be stored', node, file, 'NUL or half a character');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('a dict is an object');
  return value;
}

function jsonOf(value: PythonValue): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof PythonTuple) return value.items.map(jsonOf);
  if (isList(value)) return value.map(jsonOf);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item)]));
}

function isList(value: PythonValue): value is readonly PythonValue[] {
  return Array.isArray(value);
}

/**
 * eDeploy's `generate`: the ranges of all values are expanded in step until the shortest ends;
 * `192.168.122.3-7`, `host10-12`, `10-12:20-30`, zero padding, descending ranges, several octets.
 * A value that is a list is taken item by item. Without any range there is one entry.
 * Undefined when there would be more than 100,000 entries.
 */
export function generate(model: CmdbEntry): CmdbEntry[] | undefined {
  const columns = Object.entries(model).map(([key, value]) => [key, expand(value)] as const);
  const ranged = columns.flatMap(([, column]) => (column.kind === 'range' ? [column.length] : []));
  const length = ranged.length === 0 ? 1 : Math.min(...ranged);
  if (length > MAXIMUM_ENTRIES) return undefined;
  return Array.from({ length }, (_, at) =>
    Object.fromEntries(columns.map(([key, column]) => [key, column.kind === 'range' ? column.at(at) : column.value])),
  );
}

/** A value that stays, or a range whose items are made when they are asked for. */
type Column = { kind: 'constant'; value: Json } | { kind: 'range'; length: number; at(index: number): Json };

function expand(value: Json): Column {
  if (Array.isArray(value)) return { kind: 'range', length: value.length, at: (index) => value[index] ?? null };
  if (typeof value !== 'string') return { kind: 'constant', value };
  return expandAddress(value) ?? expandName(value) ?? { kind: 'constant', value };
}

/** Ranges in any octet; the last octet runs fastest. */
function expandAddress(text: string): Column | undefined {
  const octets = text.split('.');
  if (octets.length !== 4 || !/^[0-9:.-]+$/.test(text) || !/[:-]/.test(text)) return undefined;
  const ranges = octets.map((octet) => parseRanges(octet));
  if (!ranges.every((range) => range !== undefined)) return undefined;
  const length = ranges.reduce((product, range) => product * range.length, 1);
  const at = (index: number) => {
    let rest = index;
    const words: string[] = [];
    for (const range of [...ranges].reverse()) {
      words.unshift(range.at(rest % range.length));
      rest = Math.floor(rest / range.length);
    }
    return words.join('.');
  };
  return { kind: 'range', length, at };
}

/** The first range in a name; what stands before and after it is repeated. */
function expandName(text: string): Column | undefined {
  const [, head = '', middle = '', foot = ''] = /^([\s\S]*?)(\d+-\d+(?::\d+-\d+)*)([\s\S]*)$/.exec(text) ?? [];
  const range = middle === '' ? undefined : parseRanges(middle);
  return range && { kind: 'range', length: range.length, at: (index) => head + range.at(index) + foot };
}

interface NumberRange {
  length: number;
  at(index: number): string;
}

/** `10-12:20-30`: one range after the other. A number alone is a range of one. */
function parseRanges(text: string): NumberRange | undefined {
  const parts: NumberRange[] = [];
  for (const part of text.split(':')) {
    const [, first, last = first] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part) ?? [];
    if (first === undefined || last === undefined) return undefined;
    const from = Number(first);
    const step = Number(last) < from ? -1 : 1;
    const width = first.startsWith('0') ? first.length : 0;
    const length = Math.abs(Number(last) - from) + 1;
    parts.push({ length, at: (index) => String(from + step * index).padStart(width, '0') });
  }
  const at = (index: number): string => {
    let rest = index;
    for (const part of parts) {
      if (rest < part.length) return part.at(rest);
      rest -= part.length;
    }
    throw new Error(`no item ${index}`);
  };
  return { length: parts.reduce((sum, part) => sum + part.length, 0), at };
}

/** True where the entry has every one of the variables with the same value. */
function includes(entry: CmdbEntry, variables: Record<string, Json>): boolean {
  return Object.entries(variables).every(([key, value]) => Object.hasOwn(entry, key) && entry[key] === value);
}

/**
 * Which entry a machine gets: the one that has all its variables (all `$$` ones, where there are
 * any), else the first without `used`; with `$$` variables no free entry is taken.
 * Undefined when the profile is out of entries. `mayUse` excludes entries of other machines.
 */
export function chooseEntry(
  entries: readonly CmdbEntry[],
  variables: Record<string, string>,
  forced: Record<string, string>,
  mayUse: (index: number) => boolean = () => true,
): number | undefined {
  const isForced = Object.keys(forced).length > 0;
  const wanted = isForced ? forced : variables;
  // Without any variable every entry would include them all, and all machines would share the first.
  const hasWanted = Object.keys(wanted).length > 0;
  const reused = entries.findIndex((entry, index) => hasWanted && mayUse(index) && includes(entry, wanted));
  if (reused !== -1) return reused;
  const free = isForced ? -1 : entries.findIndex((entry, index) => mayUse(index) && !('used' in entry));
  return free === -1 ? undefined : free;
}

/** The entry as it is stored after a claim; its own values come before the matched ones. */
export function mergeEntry(entry: CmdbEntry, variables: Record<string, string>): { entry: CmdbEntry; added: string[] } {
  const added = Object.keys(variables).filter((key) => !Object.hasOwn(entry, key));
  return { entry: { ...variables, ...entry, used: 1 }, added };
}

/** The entry as it was before the claim. */
export function unmergeEntry(entry: CmdbEntry, added: readonly string[]): CmdbEntry {
  return Object.fromEntries(Object.entries(entry).filter(([key]) => key !== 'used' && !added.includes(key)));
}

function tooMany(node: PythonNode, file: string, count: number): StackwrightError {
  return invalid(`there are more than ${MAXIMUM_ENTRIES} entries`, node, file, String(count));
}

function invalid(message: string, node: PythonNode, file: string, value: string): StackwrightError {
  const { line, column } = node;
  const hint = "a CMDB is a list of dicts, or generate({'ip': '192.168.122.3-7'})";
  return new StackwrightError('CmdbInvalid', message, { file, line, column, value, hint });
}
