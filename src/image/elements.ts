import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import { packageRoot } from '../base/package-root.js';

/** An element: a directory of hook scripts, as diskimage-builder defines it. */
export interface Element {
  name: string;
  /** Its directory, absolute. */
  path: string;
  dependencies: string[];
  provides: string[];
}

export interface ResolveOptions {
  /** Do not imply the element `base` (diskimage-builder's `-n`). */
  withoutBase?: boolean;
  /** The architecture of the image. With it, `vm` implies its partitions where none are named. */
  arch?: string;
}

/** Stackwright's own elements; they come last on every elements path. */
export function firstPartyElements(): string {
  return join(packageRoot(), 'elements');
}

/**
 * The directories in which elements are looked for, the first wins: those given, or those of
 * `ELEMENTS_PATH`, then our own.
 * @param given directories separated by colons
 */
export function elementsPath(given: string | undefined, environment: NodeJS.ProcessEnv = process.env): string[] {
  const listed = (given ?? environment.ELEMENTS_PATH ?? '').split(delimiter).filter(Boolean);
  const directories = listed.map((directory) => resolve(directory));
  for (const directory of directories) {
    if (!existsSync(directory)) {
      throw new StackwrightError('ElementsPathMissing', 'a directory of the elements path does not exist', {
        value: directory,
        hint: 'correct --elements-path or ELEMENTS_PATH',
        exitStatus: 2,
      });
    }
  }
  return withFirstParty(directories);
}

/** The elements path that is searched: our own elements come last, wherever they are not named. */
export function withFirstParty(path: string[]): string[] {
  return [...new Set([...path, firstPartyElements()])];
}

/**
 * The elements path that scripts are told: the directories that were given, and `own` in the place of our elements, which
 * has those of the build only. diskimage-builder's package-installs takes the packages of every element of a name on
 * the path, also where another one of that name wins.
 */
export function scriptElementsPath(path: string[], own: string): string[] {
  return [...path.filter((given) => given !== firstPartyElements()), own];
}

/** Makes a directory of links to those of our own elements that a build uses. */
export function linkOwnElements(elements: Element[], directory: string): void {
  mkdirSync(directory);
  for (const { name, path } of elements) {
    if (dirname(path) === firstPartyElements()) symlinkSync(path, join(directory, name));
  }
}

/** Every element on the path, by name; of two with one name the earlier directory's is taken. */
function findElements(path: string[]): Map<string, Element> {
  const found = new Map<string, Element>();
  for (const directory of path) {
    if (!existsSync(directory)) continue;
    for (const name of readdirSync(directory).sort()) {
      const place = join(directory, name);
      if (found.has(name) || name.startsWith('.') || !isDirectory(place)) continue;
      found.set(name, {
        name,
        path: place,
        dependencies: readLines(join(place, 'element-deps')),
        provides: readLines(join(place, 'element-provides')),
      });
    }
  }
  return found;
}

/**
 * Expands elements with what they depend on. What another element provides is left out of the
 * result; dependencies in a circle are allowed. The result is a set in diskimage-builder; here it
 * is sorted by name, so that the same elements always give the same order.
 * @param path directories, the earlier wins; our own elements are always found last
 * @throws StackwrightError `ElementNotFound`, `ElementAlreadyProvided`, `NoOperatingSystem`
 */
export function resolveElements(names: string[], path: string[], options: ResolveOptions = {}): Element[] {
  const searched = withFirstParty(path);
  const all = findElements(searched);
  const wanted = [...names, ...(options.withoutBase ? [] : ['base']), ...impliedPartitions(names, options.arch)];
  const result = new Set(wanted);
  const providers = new Map<string, string>();
  const queue = wanted.map((name) => ({ name, neededBy: '' }));
  for (let item = queue.shift(); item; item = queue.shift()) {
    if (providers.has(item.name)) continue;
    const element = all.get(item.name);
    if (!element) throw elementNotFound(item.name, item.neededBy, searched, all);
    for (const provided of element.provides) {
      const other = providers.get(provided);
      if (other !== undefined && other !== element.name) throw alreadyProvided(provided, other, element.name);
      providers.set(provided, element.name);
    }
    for (const dependency of element.dependencies) {
      if (result.has(dependency) || providers.has(dependency)) continue;
      queue.push({ name: dependency, neededBy: element.name });
      result.add(dependency);
    }
  }
  for (const name of wanted) {
    const provider = providers.get(name);
    if (provider !== undefined) throw alreadyProvided(name, provider);
  }
  if (!providers.has('operating-system')) {
    throw new StackwrightError('NoOperatingSystem', 'none of the elements provides an operating system', {
      value: names.join(' '),
      hint: 'add one that does, for example debian-minimal',
      exitStatus: 2,
    });
  }
  return [...result]
    .filter((name) => !providers.has(name))
    .sort()
    .map((name) => all.get(name))
    .filter((element) => element !== undefined);
}

/** As disk-image-create: a `vm` without a `block-device-…` has an MBR, on arm64 a GPT for UEFI. */
function impliedPartitions(names: string[], arch: string | undefined): string[] {
  if (arch === undefined || !names.includes('vm') || names.some((name) => name.startsWith('block-device-'))) return [];
  return [arch === 'arm64' ? 'block-device-efi' : 'block-device-mbr'];
}

function elementNotFound(name: string, neededBy: string, path: string[], all: Map<string, Element>): StackwrightError {
  const why = neededBy ? `, which ${neededBy} depends on,` : '';
  const near = [...all.keys()].filter((other) => other.includes(name) || name.includes(other));
  const suggestion = near.length > 0 ? `; similar: ${near.slice(0, 5).join(', ')}` : '';
  return new StackwrightError('ElementNotFound', `the element ${name}${why} is not on the elements path`, {
    value: name,
    hint: `looked in ${path.join(', ')}${suggestion}`,
    ...(neededBy ? { file: join(all.get(neededBy)?.path ?? '', 'element-deps') } : {}),
    exitStatus: 2,
  });
}

function alreadyProvided(name: string, provider: string, second?: string): StackwrightError {
  const message = second
    ? `${name} is provided by two elements, ${provider} and ${second}`
    : `the element ${name} is already provided by ${provider}`;
  return new StackwrightError('ElementAlreadyProvided', message, {
    value: name,
    hint: second ? `use only one of ${provider} and ${second}` : `leave out ${name}, or ${provider}`,
    exitStatus: 2,
  });
}

function readLines(file: string): string[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return [...new Set(lines.map((line) => line.trim()).filter(Boolean))];
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
