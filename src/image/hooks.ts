import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
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

export function isScriptName(name: string): boolean {
  return /^[0-9A-Za-z_-]+$/.test(name);
}

export function isEnvironmentName(name: string): boolean {
  return /^[0-9A-Za-z_.-]+$/.test(name);
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
