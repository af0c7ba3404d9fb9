import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import { readTextIfExists } from '../base/files.js';
import { describeNode, formatPythonLiteral, type PythonNode, PythonTuple } from '../base/python-literal.js';
import { type Cmdb, parseCmdb } from './cmdb.js';
import { scriptLanguageOf } from './configure.js';
import type { Facts } from './facts.js';
import { type LayoutFile, parseLayout } from './layout/index.js';
import { matchSpecs, type NearMiss } from './match.js';
import { parseSpecs, type Spec } from './specs.js';
import { formatYaml, isYaml, parseForm } from './yaml-form.js';

/** A file of a site as it was read. */
export interface SiteFile {
  path: string;
  text: string;
  /** SHA-256, hexadecimal. */
  hash: string;
}

/** One line of `state`. */
export interface StateLine {
  name: string;
  /** How many more may be installed; null is without limit (`'*'`). */
  remaining: number | null;
}

export interface Profile extends StateLine {
  specs: Spec[];
  specsFile: SiteFile;
  /** The script, or the layout as it was written. */
  configure: SiteFile;
  /** Where the profile has a layout instead of a script. */
  layout?: LayoutFile;
  cmdb?: Cmdb & { file: SiteFile };
}

/** An eDeploy configuration directory: the profiles in the order of `state`. Each file but scripts may be YAML. */
export interface Site {
  /** Absolute; also the name of the site in the database. */
  directory: string;
  state: SiteFile;
  profiles: Profile[];
}

/**
 * Reads `state` and every profile's `.specs`, `.configure` or `.layout.yaml`, and `.cmdb`, or what
 * stands for them in YAML. Other files are not looked at.
 * @throws StackwrightError `SiteInvalid` with the first problem's place and a list of all of them
 */
export async function loadSite(directory: string): Promise<Site> {
  const { site, problems } = await checkSite(directory);
  if (site) return site;
  const [first] = problems;
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  throw new StackwrightError('SiteInvalid', `the site ${directory} has ${count}: ${first?.message ?? ''}`, {
    ...first?.details,
    hint:
      problems.length === 1
        ? first?.details.hint
        : problems.map((problem) => [problem.place, problem.message].filter(Boolean).join(': ')).join('\n'),
  });
}

/** All the problems of a site; the site only where there is none. */
export async function checkSite(directory: string): Promise<{ site?: Site; problems: StackwrightError[] }> {
  const root = resolve(directory);
  const problems: StackwrightError[] = [];
  const collect = async <T>(read: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof StackwrightError)) throw error;
      problems.push(error);
      return undefined;
    }
  };
  const state = await collect(() => readForm(join(root, 'state'), "write the profiles, such as [('vm', '*')]"));
  const lines = state && (await collect(() => parseState(state.text, state.path)));
  const profiles: Profile[] = [];
  for (const line of lines ?? []) {
    const base = join(root, line.name);
    const hint = `write it, or take ${line.name} out of ${join(root, 'state')}`;
    const specs = await collect(async () => {
      const specsFile = await readForm(`${base}.specs`, hint);
      return { specsFile, specs: cached(specsFile, () => parseSpecs(specsFile.text, specsFile.path)) };
    });
    const configure = await collect(() => readConfigure(base, hint));
    const cmdb = await collect(() => readCmdb(`${base}.cmdb`));
    if (specs && configure) profiles.push({ ...line, ...specs, ...configure, ...(cmdb ? { cmdb } : {}) });
  }
  if (!state || problems.length > 0) return { problems };
  return { site: { directory: root, state, profiles }, problems };
}

/**
 * The file in its Python form or, beside its name, in YAML; undefined where there is none.
 * @throws StackwrightError `SiteFileTwice`
 */
export async function readFormIfExists(path: string): Promise<SiteFile | undefined> {
  const found: SiteFile[] = [];
  for (const name of [path, `${path}.yaml`]) {
    const text = await readTextIfExists(name);
    if (text !== undefined) found.push({ path: name, text, hash: hashOf(text) });
  }
  const [file, other] = found;
  if (!other) return file;
  throw new StackwrightError('SiteFileTwice', 'a file of the site is there in both forms', {
    file: other.path,
    value: other.path,
    hint: `remove one: ${path} or ${other.path}`,
  });
}

async function readForm(path: string, hint: string): Promise<SiteFile> {
  return (await readFormIfExists(path)) ?? missing(path, hint);
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Reads a `state` file, a list of `(profile, count)`, or `state.yaml`; a count is a number or `'*'`.
 * @throws StackwrightError `StateFileInvalid`, `PythonLiteralInvalid`, `YamlInvalid`
 */
export function parseState(text: string, file: string): StateLine[] {
  const node = parseForm(text, file, 'state');
  if (node.kind !== 'list' && node.kind !== 'tuple') throw stateInvalid('state is not a list', node, file);
  const lines = node.items.map((item) => stateLine(item, file));
  const double = lines.findIndex(({ name }, at) => lines.findIndex((other) => other.name === name) !== at);
  const item = node.items[double];
  if (item) throw stateInvalid('a profile is named twice', item, file, lines[double]?.name);
  return lines;
}

/** In the form that the file's name tells. */
export function formatState(lines: readonly StateLine[], file: string): string {
  if (isYaml(file)) {
    return formatYaml(
      lines.map(({ name, remaining }) => ({ profile: name, count: remaining ?? '*' })),
      'state',
    );
  }
  return `${formatPythonLiteral(lines.map(({ name, remaining }) => new PythonTuple([name, remaining ?? '*'])))}\n`;
}

function stateLine(node: PythonNode, file: string): StateLine {
  const [name, count] = node.kind === 'list' || node.kind === 'tuple' ? node.items : [];
  if (!name || !count || (node.kind === 'tuple' && node.items.length !== 2)) {
    throw stateInvalid('an entry is not a pair of profile and count', node, file);
  }
  // The name becomes the name of files.
  if (name.kind !== 'string' || !/^\w[\w.+-]{0,100}$/.test(name.value)) {
    throw stateInvalid('the name of a profile is wrong', name, file);
  }
  return { name: name.value, remaining: countOf(count, file) };
}

function countOf(node: PythonNode, file: string): number | null {
  if (node.kind === 'string' && node.value === '*') return null;
  const count = node.kind === 'number' || node.kind === 'string' ? Number(node.value) : Number.NaN;
  if (Number.isInteger(count) && count >= 0 && count <= 1_000_000 && !(node.kind === 'string' && !node.value.trim())) {
    return count;
  }
  throw stateInvalid("a count is not a number or '*'", node, file);
}

function stateInvalid(message: string, node: PythonNode, file: string, value?: string): StackwrightError {
  const { line, column } = node;
  return new StackwrightError('StateFileInvalid', message, {
    file,
    line,
    column,
    value: value ?? describeNode(node),
    hint: "state is a list such as [('hp', 4), ('vm', '*')]",
  });
}

async function readSiteFile(path: string, hint: string): Promise<SiteFile> {
  const text = await readTextIfExists(path);
  return text === undefined ? missing(path, hint) : { path, text, hash: hashOf(text) };
}

function missing(path: string, hint: string): never {
  throw new StackwrightError('SiteFileMissing', 'a file of the site is missing', { file: path, value: path, hint });
}

async function readCmdb(path: string): Promise<Profile['cmdb']> {
  const file = await readFormIfExists(path);
  return file && { ...cached(file, () => parseCmdb(file.text, file.path)), file };
}

/** @throws StackwrightError `LayoutInvalid`, `ConfigureInvalid` */
async function readConfigure(base: string, hint: string): Promise<Pick<Profile, 'configure' | 'layout'>> {
  const path = `${base}.layout.yaml`;
  const text = await readTextIfExists(path);
  if (text === undefined) return { configure: checkLanguage(await readSiteFile(`${base}.configure`, hint)) };
  const configure = { path, text, hash: hashOf(text) };
  const layout = cached(configure, () => parseLayout(text, path));
  if ((await readTextIfExists(`${base}.configure`)) === undefined) return { configure, layout };
  throw layout.wrong([], 'the profile has a configure script too', `${base}.configure`, 'remove one of the two');
}

/** @throws StackwrightError `ConfigureInvalid` for a script in a language that the ramdisk does not have */
function checkLanguage(file: SiteFile): SiteFile {
  scriptLanguageOf(file.text, file.path);
  return file;
}

/** What was parsed last, by path: a site is read at every registration and seldom changes. */
const parsed = new Map<string, { hash: string; value: unknown }>();

function cached<T>(file: SiteFile, parse: () => T): T {
  const known = parsed.get(file.path);
  // The same path is always parsed by the same parser, so the type is that of last time.
  if (known?.hash === file.hash) return known.value as T;
  const value = parse();
  parsed.set(file.path, { hash: file.hash, value });
  return value;
}

/** Why one profile was passed over. */
export type Explanation =
  | ({ profile: string; reason: 'mismatch' } & NearMiss)
  | { profile: string; reason: 'exhausted' };

export type SiteMatch =
  | { profile: string; variables: Record<string, string>; forced: Record<string, string> }
  | { profile?: undefined; explanations: Explanation[] };

/**
 * The first profile, in the order of `state`, with a count left and specs that match. Changes nothing.
 * @throws StackwrightError `SpecNotApplicable`, `MatchTooDeep`
 */
export function matchSite(profiles: readonly Pick<Profile, 'name' | 'remaining' | 'specs'>[], facts: Facts): SiteMatch {
  const explanations: Explanation[] = [];
  for (const { name, remaining, specs } of profiles) {
    if (remaining === 0) {
      explanations.push({ profile: name, reason: 'exhausted' });
      continue;
    }
    const result = matchSpecs(facts, specs);
    if (result.matched) return { profile: name, variables: result.variables, forced: result.forced };
    explanations.push({ profile: name, reason: 'mismatch', ...result.miss });
  }
  return { explanations };
}

/**
 * The explanations, the profile that came closest first: the one with the greatest share of its
 * specs satisfied. Those without a count left are last.
 */
export function nearestFirst(explanations: readonly Explanation[]): Explanation[] {
  const share = (one: Explanation) => (one.reason === 'exhausted' ? -1 : one.satisfied / one.specs);
  return [...explanations].sort((a, b) => share(b) - share(a));
}

/** The explanations for a person, a few lines for each profile, the closest first. */
export function explainText(explanations: readonly Explanation[]): string {
  if (explanations.length === 0) return 'the state file names no profile';
  return nearestFirst(explanations).map(explainProfile).join('\n');
}

function explainProfile(explanation: Explanation, at: number): string {
  if (explanation.reason === 'exhausted') {
    return `${explanation.profile}: its count in the state file is 0, no more may be installed`;
  }
  const { profile, spec, file, line, why, seen, satisfied, specs } = explanation;
  const saw =
    seen.length === 0 ? ['    the machine has no such line'] : seen.map((text) => `    the machine has ${text}`);
  return [
    `${profile}: ${at === 0 ? 'comes closest, ' : ''}${satisfied} of ${specs} specs match`,
    `  ${file}:${line} ${spec}: ${why}`,
    ...saw,
  ].join('\n');
}
