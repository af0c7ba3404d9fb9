import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';

export type FileType = 'file' | 'directory' | 'link' | 'device' | 'pipe' | 'socket';

/** A file of an image, of whatever type. */
export interface FileEntry {
  /** In the image, beginning with `/`; each character is one byte of the name, see `readableName`. */
  path: string;
  type: FileType;
  /** Permissions with set-user-ID, set-group-ID and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of its content. */
  bytes: number;
  /** Bytes that it takes on its file system; less than its content where it has holes. */
  allocated: number;
  /** The same for all names of one file; undefined for a file with one name only. */
  sharedInode?: string;
  /** Of a device: its number. */
  device?: number;
}

/** A root whose files are listed. */
export interface WalkedRoot {
  /** Its path on this host. */
  root: string;
  /** Leave out what other file systems have below it, as in a tree on this host's own. */
  oneFileSystem: boolean;
}

/** They show a running kernel; no format keeps their content. */
const ofTheKernel = new Set(['/proc', '/sys']);

/**
 * Lists every file of a root but `/proc` and `/sys`: a directory before what is in it, names in the
 * order of their bytes, so that two lists can be compared side by side (`comparePaths`).
 * Only the names of the directories on the way are held in memory.
 */
export function* walkFiles({ root, oneFileSystem }: WalkedRoot): Generator<FileEntry> {
  const own = lstatSync(root).dev;
  const left = ['/'];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    const found = lstatSync(onHost(root, path));
    yield fileEntry(path, found);
    if (!found.isDirectory() || (oneFileSystem && found.dev !== own)) continue;
    const above = path === '/' ? '' : path;
    // The last of the stack comes next, so the first name goes last.
    const names = readdirSync(onHost(root, path), { encoding: 'latin1' }).sort().reverse();
    for (const name of names) if (!ofTheKernel.has(`${above}/${name}`)) left.push(`${above}/${name}`);
  }
}

/** The path on this host, in bytes, of a file that `walkFiles` has listed. */
export function onHost(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(root), Buffer.from(path, 'latin1')]);
}

/** Where a symbolic link of an image leads. */
export function linkTarget(root: string, path: string): string {
  return readlinkSync(onHost(root, path), { encoding: 'latin1' });
}

/** The order in which `walkFiles` lists: a directory, what is in it, then the next name. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** A listed name as text for a person: UTF-8, with what would move the cursor escaped. */
export function readableName(path: string): string {
  const text = Buffer.from(path, 'latin1').toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to escape
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** Before every other character: what is in `a` comes before `a-b`. */
function rank(code: number): number {
  return code === 47 ? 0 : code;
}

function fileEntry(path: string, found: Stats): FileEntry {
  const type = fileType(found);
  return {
    path,
    type,
    mode: found.mode & 0o7777,
    uid: found.uid,
    gid: found.gid,
    bytes: found.size,
    allocated: found.blocks * 512,
    ...(found.nlink > 1 && type !== 'directory' ? { sharedInode: `${found.dev}:${found.ino}` } : {}),
    ...(type === 'device' ? { device: found.rdev } : {}),
  };
}

function fileType(found: Stats): FileType {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  if (found.isSymbolicLink()) return 'link';
  if (found.isFIFO()) return 'pipe';
  return found.isSocket() ? 'socket' : 'device';
}
