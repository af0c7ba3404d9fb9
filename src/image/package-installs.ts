import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { StackwrightError } from '../base/errors.js';
import type { Element } from './elements.js';
import type { PackageNames } from './package-names.js';

const packagePhases = ['pre-install.d', 'install.d', 'post-install.d'] as const;
type PackagePhase = (typeof packagePhases)[number];

/** A package as an element names it, with that element: names are mapped for each element. */
type PackageRequest = [name: string, element: string];

interface PhasePackages {
  install: PackageRequest[];
  uninstall: PackageRequest[];
}

/** What all elements want, as diskimage-builder writes it to `/tmp/package-installs.json`. */
export type PackageInstalls = Record<PackagePhase, PhasePackages>;

/** The scripts that install and remove the packages of a phase: their numbers are a contract. */
const slots: Record<PackagePhase, { install: string; uninstall: string }> = {
  'pre-install.d': { install: '10-package-installs', uninstall: '99-package-uninstalls' },
  'install.d': { install: '01-package-installs', uninstall: '99-package-uninstalls' },
  'post-install.d': { install: '00-package-installs', uninstall: '95-package-uninstalls' },
};

/** One entry of a package-installs file with where it stands. */
interface Entry {
  name: string;
  element: string;
  file: string;
  line: number;
  settings: Map<string, Setting>;
}

interface Setting {
  value: string | boolean | string[];
  line: number;
}

const knownSettings = [
  'phase',
  'uninstall',
  'build-only',
  'installtype',
  'arch',
  'not-arch',
  'dib_python_version',
  'when',
];

/**
 * Reads the package-installs files of all elements and keeps what applies in this environment
 * (`ARCH`, `DIB_DEFAULT_INSTALLTYPE`, `DIB_INSTALLTYPE_element`, `DIB_PYTHON_VERSION`, and the
 * variables of `when`). An explicit install beats an uninstall of the same phase.
 * @throws StackwrightError `PackageInstallsInvalid` with file and line
 */
export function squashPackageInstalls(elements: Element[], environment: Record<string, string>): PackageInstalls {
  const result = emptyInstalls();
  const explicit = new Set<string>();
  for (const entry of elements.flatMap(readElement)) {
    if (!applies(entry, environment)) continue;
    const phase = phaseOf(entry);
    const request: PackageRequest = [entry.name, entry.element];
    const buildOnly = isOn(entry, 'build-only');
    const uninstall = isOn(entry, 'uninstall');
    if (uninstall || buildOnly) result[phase].uninstall.push(request);
    // With both it is there for the phase, as upstream has it.
    if (!uninstall || buildOnly) result[phase].install.push(request);
    if (!uninstall && !buildOnly) explicit.add(`${phase} ${entry.name}`);
  }
  for (const phase of packagePhases) {
    const { install, uninstall } = result[phase];
    result[phase] = {
      install: sortRequests(install),
      uninstall: sortRequests(uninstall.filter(([name]) => !explicit.has(`${phase} ${name}`))),
    };
  }
  return result;
}

/**
 * The hook scripts that install and remove the squashed packages, by `PHASE/NAME`.
 * Names are mapped here, on the build host, so that the image needs no interpreter for it.
 */
export function packageScripts(installs: PackageInstalls, names: PackageNames): Map<string, string> {
  const scripts = new Map<string, string>();
  for (const phase of packagePhases) {
    const install = mapRequests(installs[phase].install, names);
    const remove = mapRequests(installs[phase].uninstall, names);
    if (install.length > 0) scripts.set(`${phase}/${slots[phase].install}`, packageScript([], install));
    if (remove.length > 0) scripts.set(`${phase}/${slots[phase].uninstall}`, packageScript(['-e'], remove));
  }
  return scripts;
}

function packageScript(options: string[], packages: string[]): string {
  const words = ['install-packages', ...options, ...packages];
  return `#!/bin/bash\n# Generated from the elements' package-installs files.\nset -eu -o pipefail\n\n${words.join(' \\\n    ')}\n`;
}

function mapRequests(requests: PackageRequest[], names: PackageNames): string[] {
  return [...new Set(requests.flatMap(([name, element]) => names.map(element, name)))].sort();
}

function emptyInstalls(): PackageInstalls {
  const empty = (): PhasePackages => ({ install: [], uninstall: [] });
  return { 'pre-install.d': empty(), 'install.d': empty(), 'post-install.d': empty() };
}

function sortRequests(requests: PackageRequest[]): PackageRequest[] {
  const unique = new Map(requests.map((request) => [request.join('\0'), request]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, request]) => request);
}

function readElement(element: Element): Entry[] {
  const files = ['package-installs.yaml', 'package-installs.json'].map((name) => join(element.path, name));
  const entries = files.filter((file) => existsSync(file)).flatMap((file) => readEntries(element.name, file));
  return [...entries, ...packagePhases.flatMap((phase) => readLegacyList(element, phase))];
}

/** `PHASE/package-installs-ELEMENT`: a package a line, `-package` removes it. */
function readLegacyList(element: Element, phase: PackagePhase): Entry[] {
  const file = join(element.path, phase, `package-installs-${element.name}`);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((text, index) => {
    const word = text.replace(/#.*/, '').trim();
    if (!word) return [];
    const line = index + 1;
    const settings = new Map<string, Setting>([['phase', { value: phase, line }]]);
    if (word.startsWith('-')) settings.set('uninstall', { value: true, line });
    return [{ name: word.replace(/^-/, ''), element: element.name, file, line, settings }];
  });
}

function readEntries(element: string, file: string): Entry[] {
  const counter = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: counter });
  const lineOf = (node: unknown) => counter.linePos((node as Node | undefined)?.range?.[0] ?? 0).line;
  const problem = document.errors[0];
  if (problem) throw invalid(file, counter.linePos(problem.pos[0]).line, problem.message.split('\n')[0] ?? '');
  if (document.contents === null) return [];
  if (!isMap(document.contents)) throw invalid(file, 1, 'is not a map of package names');
  return document.contents.items.flatMap((pair) => {
    const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
    const line = lineOf(pair.key);
    const variants = isSeq(pair.value) ? pair.value.items : [pair.value];
    return variants.map((variant) => {
      const settings = readSettings(variant, file, line, lineOf);
      return { name, element, file, line, settings };
    });
  });
}

function readSettings(
  node: unknown,
  file: string,
  line: number,
  lineOf: (node: unknown) => number,
): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  // `package:` with nothing after it, and JSON's `"package": null`.
  if (node === null || (isScalar(node) && (node.value === null || node.value === ''))) return settings;
  if (!isMap(node)) throw invalid(file, line, 'the settings of a package are not a map');
  for (const pair of node.items) {
    const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
    const at = lineOf(pair.key);
    if (!knownSettings.includes(key)) {
      throw invalid(file, at, `unknown setting ${key}`, `known are ${knownSettings.join(', ')}`);
    }
    settings.set(key, { value: readValue(pair.value, key, file, at), line: at });
  }
  return settings;
}

function readValue(node: unknown, key: string, file: string, line: number): Setting['value'] {
  if (isScalar(node)) return typeof node.value === 'boolean' ? node.value : String(node.value ?? '');
  if (key === 'when' && isSeq(node)) return node.items.map((item) => String(isScalar(item) ? item.value : ''));
  throw invalid(file, line, `the value of ${key} is neither a word nor a list of conditions`);
}

function applies(entry: Entry, environment: Record<string, string>): boolean {
  const installType = text(entry, 'installtype');
  if (installType !== undefined && installType !== installTypeOf(entry.element, environment)) return false;
  const arch = entry.settings.get('arch');
  const notArch = entry.settings.get('not-arch');
  if (arch && notArch) throw invalid(entry.file, notArch.line, `${entry.name} has both arch and not-arch`);
  const listed = (setting: Setting) =>
    String(setting.value)
      .split(',')
      .map((word) => word.trim());
  if (arch && !listed(arch).includes(environment.ARCH ?? '')) return false;
  if (notArch && listed(notArch).includes(environment.ARCH ?? '')) return false;
  const python = text(entry, 'dib_python_version');
  if (python !== undefined && python !== environment.DIB_PYTHON_VERSION) return false;
  // Every condition is decided: an unset variable is an error also after a condition that does not hold.
  return conditions(entry)
    .map((condition) => holds(condition, entry, environment))
    .every(Boolean);
}

/** `DIB_INSTALLTYPE_element` with `-` as `_`, else the default, else `source`. */
function installTypeOf(element: string, environment: Record<string, string>): string {
  const variable = `DIB_INSTALLTYPE_${element.replaceAll('-', '_')}`;
  return environment[variable] ?? environment.DIB_DEFAULT_INSTALLTYPE ?? 'source';
}

function conditions(entry: Entry): string[] {
  const value = entry.settings.get('when')?.value ?? [];
  return Array.isArray(value) ? value : [String(value)];
}

function holds(condition: string, entry: Entry, environment: Record<string, string>): boolean {
  const line = entry.settings.get('when')?.line ?? entry.line;
  const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(!?=)\s*(.*?)\s*$/.exec(condition);
  const [, variable = '', operator, wanted] = match ?? [];
  if (!match) throw invalid(entry.file, line, `when: ${condition} is not VARIABLE = value or VARIABLE != value`);
  const value = environment[variable];
  if (value === undefined) {
    throw invalid(
      entry.file,
      line,
      `when: ${variable} is not set`,
      `set ${variable} in the environment or in environment.d`,
    );
  }
  return operator === '=' ? value === wanted : value !== wanted;
}

function phaseOf(entry: Entry): PackagePhase {
  const wanted = text(entry, 'phase') ?? 'install.d';
  const phase = packagePhases.find((known) => known === wanted);
  if (phase) return phase;
  const line = entry.settings.get('phase')?.line ?? entry.line;
  throw invalid(entry.file, line, `packages cannot be installed in the phase ${wanted}`, packagePhases.join(', '));
}

function text(entry: Entry, key: string): string | undefined {
  const value = entry.settings.get(key)?.value;
  return value === undefined ? undefined : String(value);
}

/** YAML's `True`, `true` and a quoted "true"; a missing setting is off. */
function isOn(entry: Entry, key: string): boolean {
  const value = text(entry, key);
  return value !== undefined && value.toLowerCase() !== 'false';
}

function invalid(file: string, line: number, message: string, hint?: string): StackwrightError {
  return new StackwrightError('PackageInstallsInvalid', `a package-installs file is wrong: ${message}`, {
    file,
    line,
    ...(hint ? { hint } : {}),
  });
}
