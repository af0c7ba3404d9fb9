import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import type { Element } from './elements.js';

/** The hook scripts of all elements in one tree, as they are run. */
export interface HooksTree {
  path: string;
  /** The element that a file of the tree comes from, by `PHASE/NAME`. */
  owners: Map<string, string>;
}

/** First-level directories of an element that are no part of the image. */
const unusedDirectories = new Set(['tests', '__pycache__']);

/** First-level files that every element may have, for the builder and for people. */
const builderFiles =
  /^(README.*|__init__\.py|element-(deps|provides|inputs)|package-installs\.(yaml|json)|pkg-map|svc-map|block-device-.*\.yaml)$/;

/**
 * Merges the first-level directories of elements into one tree at `path`, and beside them the
 * files that elements' scripts read from there, such as `source-repository-NAME`.
 * @throws StackwrightError `HookDuplicate` where two elements have a file of one name
 */
export function generateHooks(elements: Element[], path: string): HooksTree {
  const owners = new Map<string, string>();
  mkdirSync(path, { recursive: true });
  for (const element of elements) {
    for (const directory of readdirSync(element.path).sort()) {
      const source = join(element.path, directory);
      if (unusedDirectories.has(directory) || builderFiles.test(directory) || directory.startsWith('.')) continue;
      const found = statSync(source, { throwIfNoEntry: false });
      if (found?.isFile()) mergeEntry(element, source, join(path, directory), directory, owners);
      if (!found?.isDirectory()) continue;
      mkdirSync(join(path, directory), { recursive: true });
      for (const name of readdirSync(source).sort()) {
        mergeEntry(element, join(source, name), join(path, directory, name), `${directory}/${name}`, owners);
      }
    }
  }
  return { path, owners };
}

function mergeEntry(element: Element, from: string, to: string, key: string, owners: Map<string, string>): void {
  if (existsSync(to) || lstatSync(to, { throwIfNoEntry: false })) {
    // Directories of several elements, such as static/etc, come together; a file belongs to one.
    if (statSync(from).isDirectory() && statSync(to).isDirectory()) {
      for (const name of readdirSync(from).sort()) {
        mergeEntry(element, join(from, name), join(to, name), `${key}/${name}`, owners);
      }
      return;
    }
    const other = owners.get(key) ?? 'another element';
    throw new StackwrightError('HookDuplicate', `two elements have ${key}: ${other} and ${element.name}`, {
      file: from,
      value: key,
      hint: 'rename one of the two files',
    });
  }
  if (statSync(from, { throwIfNoEntry: false })?.isDirectory()) {
    mkdirSync(to, { mode: statSync(from).mode });
    for (const name of readdirSync(from).sort()) {
      mergeEntry(element, join(from, name), join(to, name), `${key}/${name}`, owners);
    }
    return;
  }
  owners.set(key, element.name);
  // A link may point beside itself in its element, so what it points to is copied, where there is something.
  const dereference = existsSync(from);
  cpSync(from, to, { dereference, verbatimSymlinks: !dereference, preserveTimestamps: true });
}

/** The names of the scripts that run in a phase, in their order. */
export function phaseScripts(hooks: HooksTree, phase: string): string[] {
  const directory = join(hooks.path, phase);
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => isScriptName(name) && isExecutableFile(join(directory, name)));
  return sortHooks(names);
}

/**
 * The element that a script comes from; none for a generated one. A link that was made in the tree,
 * as install-types does, belongs to the element of its target.
 */
export function scriptOwner(hooks: HooksTree, script: string): string | undefined {
  const own = hooks.owners.get(script);
  if (own !== undefined || !existsSync(join(hooks.path, script))) return own;
  return hooks.owners.get(relative(realpathSync(hooks.path), realpathSync(join(hooks.path, script))));
}

/** The names of the files that are sourced before every phase, in their order. */
export function environmentFiles(hooks: HooksTree): string[] {
  const directory = join(hooks.path, 'environment.d');
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => /^[0-9A-Za-z_.-]+$/.test(name));
  return sortHooks(names.filter((name) => statSync(join(directory, name)).isFile()));
}

export function isScriptName(name: string): boolean {
  return /^[0-9A-Za-z_-]+$/.test(name);
}

/** As `LANG=C sort -n`: by the number at the start (none counts as 0), then byte by byte. */
export function sortHooks(names: string[]): string[] {
  return [...names].sort((a, b) => compareNumbers(leadingNumber(a), leadingNumber(b)) || compareBytes(a, b));
}

function leadingNumber(name: string): { negative: boolean; digits: string } {
  const match = /^[ \t]*(-?)0*(\d*)(?:\.(\d*))?/.exec(name);
  const fraction = (match?.[3] ?? '').replace(/0+$/, '');
  const digits = `${match?.[2] ?? ''}.${fraction}`;
  // sort(1) takes "-0" and "-" for zero.
  return { negative: match?.[1] === '-' && digits !== '.', digits };
}

type LeadingNumber = ReturnType<typeof leadingNumber>;

function compareNumbers(a: LeadingNumber, b: LeadingNumber): number {
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  const order = compareMagnitudes(a.digits, b.digits);
  return a.negative ? -order : order;
}

/** Compares decimal digits without leading zeros; of any length, so not as JavaScript numbers. */
function compareMagnitudes(a: string, b: string): number {
  const [wholeA = '', fractionA = ''] = a.split('.');
  const [wholeB = '', fractionB = ''] = b.split('.');
  return wholeA.length - wholeB.length || compareBytes(wholeA, wholeB) || compareBytes(fractionA, fractionB);
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function isExecutableFile(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o111) !== 0;
}
