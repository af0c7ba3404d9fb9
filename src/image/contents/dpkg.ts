import { relative } from 'node:path';
import { listInside, readInside, seenInside } from '../inside.js';

/** A package that is installed in an image, as dpkg's status names it. */
export interface InstalledPackage {
  name: string;
  version: string;
  architecture: string;
  /** What its maintainer says it takes; dpkg counts in KiB. */
  installedBytes: number;
  /** Every system needs it: dpkg's `Essential`, or priority `required`. */
  required: boolean;
  maintainer?: string;
  homepage?: string;
  /** The first line of its description. */
  summary?: string;
  /** The source package and its version. */
  source: { name: string; version: string };
  /** Each of these must be there, by one of its names: Depends and Pre-Depends. */
  depends: string[][];
  /** Names that it stands for besides its own. */
  provides: string[];
}

/** Paragraphs of `Field: value` lines, deb822(5). Field names are lower case; a value keeps its line breaks. */
export function parseParagraphs(text: string): Map<string, string>[] {
  const paragraphs: Map<string, string>[] = [];
  let fields: Map<string, string> | undefined;
  let field = '';
  for (const line of text.split('\n')) {
    if (line.trim() === '') {
      fields = undefined;
      continue;
    }
    if (!fields) {
      fields = new Map();
      field = '';
      paragraphs.push(fields);
    }
    if (/^[ \t]/.test(line)) {
      if (field !== '') fields.set(field, `${fields.get(field)}\n${line.slice(1)}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 1 || line.startsWith('#')) continue;
    field = line.slice(0, colon).toLowerCase();
    fields.set(field, line.slice(colon + 1).trim());
  }
  return paragraphs.filter((found) => found.size > 0);
}

/**
 * The packages whose files are in an image, sorted by name and architecture.
 * @returns undefined for an image without dpkg
 */
export function installedPackages(root: string): InstalledPackage[] | undefined {
  const text = readInside(root, '/var/lib/dpkg/status');
  return text === undefined ? undefined : parseStatus(text);
}

/** Reads `/var/lib/dpkg/status`; packages of which only the configuration is left are not there. */
export function parseStatus(text: string): InstalledPackage[] {
  return parseParagraphs(text)
    .filter((fields) => fields.has('package') && !/ (not-installed|config-files)$/.test(fields.get('status') ?? ''))
    .map(readPackage)
    .sort((a, b) => order(a.name, b.name) || order(a.architecture, b.architecture));
}

/** The paths that a package has brought, as it names them: its directories too, and names before merged `/usr`. */
export function packagePaths(root: string, { name, architecture }: InstalledPackage): string[] {
  const directory = '/var/lib/dpkg/info';
  // A package of which several architectures can be installed together has its own in the name.
  const text =
    readInside(root, `${directory}/${name}.list`) ?? readInside(root, `${directory}/${name}:${architecture}.list`);
  return (text ?? '').split('\n').flatMap((line) => (line === '' ? [] : [line === '/.' ? '/' : line]));
}

/**
 * Tells how the paths of packages are named in the list of an image's files: `/bin/sh` is
 * `/usr/bin/sh` where `/bin` is a link. Names are in bytes, as those of `walkFiles`.
 */
export function listedPath(root: string): (path: string) => string {
  const links = new Map<string, string>();
  for (const name of listInside(root, '/')) {
    const seen = seenInside(root, name);
    const path = seen === undefined ? '' : `/${relative(root, seen)}`;
    if (path !== '' && path !== `/${name}`) links.set(`/${name}`, path);
  }
  return (path) => {
    const end = path.indexOf('/', 1);
    const target = end < 0 ? undefined : links.get(path.slice(0, end));
    return Buffer.from(target === undefined ? path : target + path.slice(end)).toString('latin1');
  };
}

/**
 * Finds the installed packages that a dependency means, by name or by what they provide. Of
 * alternatives the first that is installed is taken, as apt does.
 */
export function dependencyFinder(packages: InstalledPackage[]): (wanted: InstalledPackage) => InstalledPackage[] {
  const byName = packagesByName(packages);
  return ({ depends }) => {
    return depends.flatMap((names) => names.map((name) => byName.get(name)).find((found) => found !== undefined) ?? []);
  };
}

/** By their names, then by the names that they provide. */
export function packagesByName(packages: InstalledPackage[]): Map<string, InstalledPackage> {
  const provided = packages.flatMap((found) => found.provides.map((name) => [name, found] as const));
  return new Map([...provided.reverse(), ...packages.map((found) => [found.name, found] as const).reverse()]);
}

function readPackage(fields: Map<string, string>): InstalledPackage {
  const value = (name: string) => fields.get(name) ?? '';
  const version = value('version');
  const [, source = value('package'), sourceVersion = version] = /^(\S+)(?:\s+\((.*)\))?$/.exec(value('source')) ?? [];
  return {
    name: value('package'),
    version,
    architecture: value('architecture'),
    installedBytes: Number(value('installed-size')) * 1024 || 0,
    required: value('essential') === 'yes' || value('priority') === 'required',
    maintainer: fields.get('maintainer'),
    homepage: fields.get('homepage'),
    summary: fields.get('description')?.split('\n')[0],
    source: { name: source, version: sourceVersion },
    depends: [...readDependencies(value('pre-depends')), ...readDependencies(value('depends'))],
    provides: readDependencies(value('provides')).flat(),
  };
}

/** `a (>= 1) | b:any, c` without versions and architectures, which hold in an installed system. */
function readDependencies(text: string): string[][] {
  return text
    .split(',')
    .map((part) => part.split('|').flatMap((word) => /^\s*([^\s:([]+)/.exec(word)?.[1] ?? []))
    .filter((names) => names.length > 0);
}

/** The order of code units, the same everywhere. */
export function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
