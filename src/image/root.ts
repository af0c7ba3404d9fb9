import { existsSync, statSync } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { shellQuote } from '../base/command.js';
import { hasCode, StackwrightError } from '../base/errors.js';
import { readTextIfExists } from '../base/files.js';
import { seenInside } from './inside.js';
import type { Sandbox } from './sandbox.js';

/** The root of an image while its scripts run. Its mounts are seen only in the sandbox. */
export interface ImageRoot {
  /** In the sandbox. */
  path: string;
  /** The hooks tree, which its scripts find at `hooksInside`. */
  hooks: string;
  /** A directory of the host that the image sees at `exchangeInside`. */
  exchange: string;
  /**
   * This build's own directory of apt's caches, which the image sees in place of its own: two builds cannot wait for one
   * lock, and what apt makes anew from its lists is no part of a state that is kept.
   */
  apt: string;
  /** Where packages are kept from build to build. */
  packages: string;
  sandbox: Sandbox;
  logFile: string;
}

/** Where the hooks tree is in the image while its scripts run. */
export const hooksInside = '/tmp/in_target.d';

const aptCaches = 'var/cache/apt';

/** Where the image hands files to the builder: what is written elsewhere belongs to the image. */
export const exchangeInside = '/tmp/.stackwright';

/** A directory of the root by which we see it from outside of the sandbox. */
export function seenFromHost({ path, sandbox }: Pick<ImageRoot, 'path' | 'sandbox'>): string {
  return join(sandbox.view, path);
}

/**
 * The root has been filled: gives it the host's resolver and the directories that are mounted over.
 * @throws StackwrightError `RootEmpty`
 */
export async function prepareRoot(root: ImageRoot): Promise<void> {
  const directory = seenFromHost(root);
  if ((await readdir(directory)).length === 0) {
    throw new StackwrightError('RootEmpty', 'no element has filled the root of the image in root.d', {
      value: root.path,
      hint: `an operating-system element writes to $TARGET_ROOT; its output is in ${root.logFile}`,
    });
  }
  await swapResolver(directory);
  for (const place of [hooksInside, exchangeInside]) await mkdir(join(directory, place), { recursive: true });
  if (existsSync(join(directory, aptCaches))) await mkdir(join(directory, aptCaches, 'archives'), { recursive: true });
}

/** Gives the image what its programs expect of a running system. The host does not see these mounts. */
export async function mountSystem(root: ImageRoot): Promise<void> {
  const { path, hooks, exchange, apt } = root;
  const mounts = [
    ['-t', 'proc', 'proc', `${path}/proc`],
    ['--bind', '/dev', `${path}/dev`],
    ['--bind', '/dev/pts', `${path}/dev/pts`],
    ['-t', 'sysfs', '-o', 'ro', 'sysfs', `${path}/sys`],
    ['--bind', hooks, `${path}${hooksInside}`],
    ['-o', 'remount,bind,ro', `${path}${hooksInside}`],
    ['--bind', exchange, `${path}${exchangeInside}`],
  ];
  if (existsSync(join(seenFromHost(root), aptCaches))) mounts.push(['--bind', apt, `${path}/${aptCaches}`]);
  await together(
    root,
    mounts.map((words) => ['mount', ...words]),
  );
}

/** Ends what scripts have left running in the image, as that would hold its file systems. */
const endProgram = `
left() {
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root")" != "$1" ] || echo "\${process#/proc/}"
    done
}
for signal in TERM TERM TERM TERM KILL KILL; do
    processes=$(left "$1")
    [ -n "$processes" ] || exit 0
    kill -s "$signal" $processes 2> /dev/null || true
    sleep 0.2
done
`;

/** Takes all that away again. */
export async function unmountSystem(root: ImageRoot): Promise<void> {
  await root.sandbox.run('/bin/bash', ['-c', endProgram, 'bash', root.path], { cwd: '/', logFile: root.logFile });
  const places = [exchangeInside, hooksInside, '/sys', '/dev/pts', '/dev', '/proc'];
  await together(
    root,
    places.map((place) => ['umount', `${root.path}${place}`]),
  );
  // Not there where the image has no apt.
  await root.sandbox.run('umount', [`${root.path}/${aptCaches}`], { cwd: '/', okStatuses: [0, 32] });
}

/** One shell for several commands: entering the sandbox takes longer than a mount. */
async function together({ sandbox, logFile }: ImageRoot, commands: string[][]): Promise<void> {
  const program = commands.map((words) => words.map(shellQuote).join(' ')).join('\n');
  await sandbox.run('/bin/bash', ['-e', '-c', program], { cwd: '/', logFile });
}

/** What apt has made of its lists. It sees by itself whether these are still the same. */
const readLists = 'srcpkgcache.bin';

/** What was downloaded for earlier builds, without a second copy of the data. */
export async function fillCaches({ packages, apt }: ImageRoot): Promise<void> {
  await mkdir(packages, { recursive: true });
  await mkdir(join(apt, 'archives', 'partial'), { recursive: true });
  // apt downloads as a user of its own, who goes through it.
  await chmod(apt, 0o755);
  await linkPackages(packages, join(apt, 'archives'));
  await link(join(packages, readLists), join(apt, readLists)).catch(() => {});
}

/** For later builds. */
export async function leaveCaches({ packages, apt }: ImageRoot): Promise<void> {
  await linkPackages(join(apt, 'archives'), packages);
  const [own, kept] = [join(apt, readLists), join(packages, readLists)];
  const [now, before] = [own, kept].map((file) => statSync(file, { throwIfNoEntry: false }));
  if (!now || now.ino === before?.ino) return;
  const unfinished = `${own}.kept`;
  await link(own, unfinished);
  try {
    await rename(unfinished, kept);
  } catch (error) {
    // On another file system it is not worth a copy.
    if (!hasCode(error, 'EXDEV')) throw error;
    await rm(unfinished);
  }
}

/**
 * Takes apt's caches out of what a step has changed that ran before the image saw ours in their place. Every image
 * loses them at its end.
 * @param changes what is new in the root
 */
export async function takeCaches({ packages, apt }: ImageRoot, changes: string): Promise<void> {
  const archives = seenInside(changes, `${aptCaches}/archives`);
  if (archives) await linkPackages(archives, packages);
  for (const file of await cachesIn(changes)) {
    if (file.endsWith('.bin')) await rename(file, join(apt, basename(file)));
    else await rm(file);
  }
}

/** Packages, and what apt makes of its lists. */
async function cachesIn(root: string): Promise<string[]> {
  const files = await filesBelow(root, aptCaches);
  return files.filter((file) => /\.(bin|deb)$/.test(file));
}

async function linkPackages(from: string, to: string): Promise<void> {
  const present = new Set(await readdir(to));
  for (const name of await readdir(from)) {
    if (!name.endsWith('.deb') || present.has(name)) continue;
    try {
      await link(join(from, name), join(to, name));
    } catch (error) {
      // Another build was first.
      if (hasCode(error, 'EEXIST')) continue;
      if (!hasCode(error, 'EXDEV')) throw error;
      await copyFile(join(from, name), join(to, name));
    }
  }
}

async function swapResolver(root: string): Promise<void> {
  const file = join(root, 'etc', 'resolv.conf');
  if (await lstat(file).catch(() => undefined)) await rename(file, `${file}.ORIG`);
  await mkdir(join(root, 'etc'), { recursive: true });
  const resolver = await resolverOfHost();
  for (const place of [file, copiedResolver(root)]) await writeFile(place, resolver);
}

/** Nothing where the host has none, as a machine without a name server. */
async function resolverOfHost(): Promise<string> {
  return (await readTextIfExists('/etc/resolv.conf')) ?? '';
}

/** What was copied from the host, beside the root. */
function copiedResolver(root: string): string {
  return join(root, '..', 'resolv.conf');
}

/** A kept state has the resolver of its day, unless an element has put another one there. */
export async function renewResolver(root: string): Promise<void> {
  const file = join(root, 'etc', 'resolv.conf');
  if (!(await lstat(file).catch(() => undefined))?.isFile()) return;
  const [copied, used, now] = await Promise.all([
    readFile(copiedResolver(root), 'utf8'),
    readFile(file, 'utf8'),
    resolverOfHost(),
  ]);
  if (copied !== used || used === now) return;
  for (const place of [file, copiedResolver(root)]) await writeFile(place, now);
}

/** An element may have left a link: that is kept. The host's own file never stays. */
export async function restoreResolver(root: string): Promise<void> {
  const file = join(root, 'etc', 'resolv.conf');
  const original = `${file}.ORIG`;
  const now = await lstat(file).catch(() => undefined);
  const before = await lstat(original).catch(() => undefined);
  if (now?.isSymbolicLink()) return rm(original, { force: true });
  try {
    if (before) await rename(original, file);
    else await rm(file, { force: true });
  } catch (error) {
    // An element has made the file immutable, so that it stays.
    if (!hasCode(error, 'EPERM')) throw error;
  }
}

/** The very end: /tmp is emptied, the logs of the system are truncated, those in root's home and apt's caches removed. */
export async function tidy(root: string): Promise<void> {
  for (const name of await readdir(join(root, 'tmp')).catch(() => [])) {
    await rm(join(root, 'tmp', name), { recursive: true, force: true });
  }
  for (const file of await filesBelow(root, 'var/log')) await truncate(file);
  for (const file of await cachesIn(root)) await rm(file);
  for (const file of await filesBelow(root, 'root')) {
    if (file.endsWith('.log')) await rm(file);
  }
}

async function filesBelow(root: string, directory: string): Promise<string[]> {
  // A link of the image must not lead to files of this host.
  const place = seenInside(root, directory);
  const entries = place ? await readdir(place, { withFileTypes: true, recursive: true }).catch(() => []) : [];
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
