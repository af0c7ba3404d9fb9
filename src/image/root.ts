import { existsSync } from 'node:fs';
import { copyFile, link, lstat, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shellQuote } from '../base/command.js';
import { hasCode, StackwrightError } from '../base/errors.js';
import { readTextIfExists } from '../base/files.js';
import type { Sandbox } from './sandbox.js';

/** The root of an image while its scripts run. Its mounts are seen only in the sandbox. */
export interface ImageRoot {
  /** In the sandbox. */
  path: string;
  /** The hooks tree, which its scripts find at `hooksInside`. */
  hooks: string;
  /** A directory of the host that the image sees at `exchangeInside`. */
  exchange: string;
  /** This build's own archives directory for apt: two builds cannot wait for one lock. */
  archives: string;
  /** Where packages are kept from build to build. */
  aptCache: string;
  sandbox: Sandbox;
  logFile: string;
}

/** Where the hooks tree is in the image while its scripts run. */
export const hooksInside = '/tmp/in_target.d';

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
  if (existsSync(join(directory, 'var/cache/apt'))) {
    await mkdir(join(directory, 'var/cache/apt/archives'), { recursive: true });
  }
}

/** Gives the image what its programs expect of a running system. The host does not see these mounts. */
export async function mountSystem(root: ImageRoot, { archives }: { archives: boolean }): Promise<void> {
  const { path, hooks, exchange } = root;
  const mounts = [
    ['-t', 'proc', 'proc', `${path}/proc`],
    ['--bind', '/dev', `${path}/dev`],
    ['--bind', '/dev/pts', `${path}/dev/pts`],
    ['-t', 'sysfs', '-o', 'ro', 'sysfs', `${path}/sys`],
    ['--bind', hooks, `${path}${hooksInside}`],
    ['-o', 'remount,bind,ro', `${path}${hooksInside}`],
    ['--bind', exchange, `${path}${exchangeInside}`],
  ];
  const inImage = `${path}/var/cache/apt/archives`;
  if (archives && existsSync(join(root.sandbox.view, inImage))) mounts.push(['--bind', root.archives, inImage]);
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
}

/** One shell for several commands: entering the sandbox takes longer than a mount. */
async function together({ sandbox, logFile }: ImageRoot, commands: string[][]): Promise<void> {
  const program = commands.map((words) => words.map(shellQuote).join(' ')).join('\n');
  await sandbox.run('/bin/bash', ['-e', '-c', program], { cwd: '/', logFile });
}

/** What was downloaded for earlier builds, without a second copy of the data. */
export async function fillArchives({ aptCache, archives }: ImageRoot): Promise<void> {
  await mkdir(aptCache, { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  await linkPackages(aptCache, archives);
}

export async function leaveArchives({ path, archives, aptCache, sandbox, logFile }: ImageRoot): Promise<void> {
  await sandbox.run('umount', [`${path}/var/cache/apt/archives`], { cwd: '/', okStatuses: [0, 32], logFile });
  await linkPackages(archives, aptCache);
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

/** The very end: /tmp is emptied, the logs of the system are truncated, those in root's home removed. */
export async function tidy(root: string): Promise<void> {
  for (const name of await readdir(join(root, 'tmp')).catch(() => [])) {
    await rm(join(root, 'tmp', name), { recursive: true, force: true });
  }
  for (const file of await filesBelow(join(root, 'var', 'log'))) await truncate(file);
  for (const file of await filesBelow(join(root, 'root'))) {
    if (file.endsWith('.log')) await rm(file);
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
