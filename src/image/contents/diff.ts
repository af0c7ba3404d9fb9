import { closeSync, constants, openSync, readSync } from 'node:fs';
import { run } from '../../base/command.js';
import { extendedAttributes } from './attributes.js';
import { type InstalledPackage, installedPackages, listedPath, order, packagePaths } from './dpkg.js';
import { comparePaths, type FileEntry, linkTarget, onHost, type WalkedRoot, walkFiles } from './walk.js';

export type Change = 'added' | 'removed' | 'changed';
/** What of a file is another. */
export type FileAspect = 'type' | 'content' | 'target' | 'device' | 'mode' | 'owner' | 'attributes';

export interface FileDifference {
  change: Change;
  /** In the image, in bytes as those of `walkFiles`. */
  path: string;
  before?: FileEntry;
  after?: FileEntry;
  /** Of a changed file. */
  aspects: FileAspect[];
}

export interface PackageDifference {
  change: 'added' | 'removed' | 'upgraded' | 'downgraded';
  name: string;
  architecture: string;
  before?: string;
  after?: string;
  /** Of its installed size. */
  installedBytes: number;
  /** Differences of files that come with it; they are not in the list of files. */
  files: number;
}

export interface ImageDifference {
  packages: PackageDifference[];
  files: FileDifference[];
}

/**
 * Compares the packages and the files of two images. Times of files are not compared: they differ
 * from build to build. Contents are compared byte by byte where sizes are the same.
 * @param everyFile keep files of changed packages in the list of files, instead of counting them there
 */
export async function diffImages(before: WalkedRoot, after: WalkedRoot, everyFile: boolean): Promise<ImageDifference> {
  const changed = await diffPackages(before.root, after.root);
  const owners = everyFile ? new Map<string, PackageDifference>() : changedFiles(changed, before.root, after.root);
  const files: FileDifference[] = [];
  for await (const difference of diffFiles(before, after)) {
    const owner = owners.get(difference.path) ?? owners.get(databaseName(difference.path));
    // A directory that is there in both belongs to many packages.
    const common = difference.before?.type === 'directory' && difference.after?.type === 'directory';
    if (owner && !common) owner.files++;
    else files.push(difference);
  }
  return { packages: changed.map(({ difference }) => difference), files };
}

interface ChangedPackage {
  difference: PackageDifference;
  before?: InstalledPackage;
  after?: InstalledPackage;
}

async function diffPackages(before: string, after: string): Promise<ChangedPackage[]> {
  const key = ({ name, architecture }: InstalledPackage) => `${name} ${architecture}`;
  const old = new Map((installedPackages(before) ?? []).map((found) => [key(found), found]));
  const now = new Map((installedPackages(after) ?? []).map((found) => [key(found), found]));
  const changed: ChangedPackage[] = [];
  for (const name of [...new Set([...old.keys(), ...now.keys()])].sort(order)) {
    const [from, to] = [old.get(name), now.get(name)];
    const found = to ?? from;
    if (!found || from?.version === to?.version) continue;
    const difference: PackageDifference = {
      change: from && to ? await direction(from.version, to.version) : to ? 'added' : 'removed',
      name: found.name,
      architecture: found.architecture,
      before: from?.version,
      after: to?.version,
      installedBytes: (to?.installedBytes ?? 0) - (from?.installedBytes ?? 0),
      files: 0,
    };
    changed.push({ difference, before: from, after: to });
  }
  return changed;
}

/** Debian's order of versions is what dpkg says. */
async function direction(from: string, to: string): Promise<'upgraded' | 'downgraded'> {
  const { status } = await run('dpkg', ['--compare-versions', from, 'lt', to], { okStatuses: [0, 1] });
  return status === 0 ? 'upgraded' : 'downgraded';
}

/** The files that come with changed packages, and what dpkg keeps of these. */
function changedFiles(changed: ChangedPackage[], before: string, after: string): Map<string, PackageDifference> {
  const owners = new Map<string, PackageDifference>();
  for (const [root, side] of [
    [before, 'before'],
    [after, 'after'],
  ] as const) {
    const listed = listedPath(root);
    for (const { difference, [side]: found } of changed) {
      if (!found) continue;
      owners.set(`${database}${found.name}`, difference);
      owners.set(`${database}${found.name}:${found.architecture}`, difference);
      for (const path of packagePaths(root, found)) owners.set(listed(path), difference);
    }
  }
  return owners;
}

const database = '/var/lib/dpkg/info/';

/** `…/info/NAME.postinst` without its ending, which no package's name has. */
function databaseName(path: string): string {
  return path.startsWith(database) ? path.replace(/\.[a-z0-9]+$/, '') : '';
}

/** Walks through both images side by side; what differs comes in the order of `comparePaths`. */
async function* diffFiles(before: WalkedRoot, after: WalkedRoot): AsyncGenerator<FileDifference> {
  const attributes = { before: await extendedAttributes(before.root), after: await extendedAttributes(after.root) };
  const left = walkFiles(before);
  const right = walkFiles(after);
  let a = left.next().value;
  let b = right.next().value;
  while (a || b) {
    const first = !a ? 1 : !b ? -1 : comparePaths(a.path, b.path);
    if (a && first < 0) yield { change: 'removed', path: a.path, before: a, aspects: [] };
    else if (b && first > 0) yield { change: 'added', path: b.path, after: b, aspects: [] };
    else if (a && b) {
      const aspects = differentAspects(a, b, before.root, after.root);
      if (attributes.before.get(a.path) !== attributes.after.get(a.path)) aspects.push('attributes');
      if (aspects.length > 0) yield { change: 'changed', path: a.path, before: a, after: b, aspects };
    }
    if (first <= 0) a = left.next().value;
    if (first >= 0) b = right.next().value;
  }
}

function differentAspects(a: FileEntry, b: FileEntry, before: string, after: string): FileAspect[] {
  const aspects: FileAspect[] = [];
  if (a.type !== b.type) aspects.push('type');
  else if (a.type === 'file' && !sameContent(a, b, before, after)) aspects.push('content');
  else if (a.type === 'link' && linkTarget(before, a.path) !== linkTarget(after, b.path)) aspects.push('target');
  else if (a.device !== b.device) aspects.push('device');
  if (a.mode !== b.mode) aspects.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner');
  return aspects;
}

const pieces = [Buffer.allocUnsafe(2 ** 18), Buffer.allocUnsafe(2 ** 18)] as const;

function sameContent(a: FileEntry, b: FileEntry, before: string, after: string): boolean {
  if (a.bytes !== b.bytes) return false;
  if (a.bytes === 0) return true;
  const files = [openFile(before, a), openFile(after, b)] as const;
  try {
    for (;;) {
      const [one, other] = [readPiece(files[0], pieces[0]), readPiece(files[1], pieces[1])];
      if (!one.equals(other)) return false;
      if (one.length === 0) return true;
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}

function openFile(root: string, { path }: FileEntry): number {
  return openSync(onHost(root, path), constants.O_RDONLY | constants.O_NOFOLLOW);
}

/** As much as fits, less only at the end of the file. */
function readPiece(file: number, piece: Buffer): Buffer {
  let length = 0;
  for (;;) {
    const got = readSync(file, piece, length, piece.length - length, null);
    length += got;
    if (got === 0 || length === piece.length) return piece.subarray(0, length);
  }
}
