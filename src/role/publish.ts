import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../base/command.js';
import { hasCode, StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import { openTemporary } from '../base/temporary.js';
import { reportRole } from './events.js';
import { checkRoleName, getRole, type Role, type RoleRecord, readRole, roleDirectory } from './store.js';

/** The parts of a built tree that a role keeps. */
export interface PublishedTree {
  path: string;
  identity: string;
  elements: string[];
  kernelVersion?: string;
}

export interface PublishOptions {
  tree: PublishedTree;
  name: string;
  version: string;
  state: StateDirectory;
  reporter: Reporter;
  /** Replace a role of the same name and version that was built from something else. */
  force?: boolean;
  signal?: AbortSignal;
}

/**
 * Packs a tree as a squashfs file and publishes it under a name and version: the whole directory
 * appears at once. Publishing the same image again changes nothing.
 * @throws StackwrightError `RoleExists`, `RoleNameInvalid`
 */
export async function publishRole(options: PublishOptions): Promise<Role> {
  const { tree, name, version, state, reporter } = options;
  const existing = checkPublishable(state, name, version, tree.identity, options.force ?? false);
  if (existing) return existing;
  const started = Date.now();
  const directory = roleDirectory(state, name, version);
  const unique = randomBytes(4).toString('hex');
  const made = join(dirname(directory), `.${version}.${unique}`);
  const replaced = `${made}.replaced`;
  await using temporary = openTemporary(state, 'role publication');
  temporary.add({ kind: 'directory', path: made });
  temporary.add({ kind: 'directory', path: replaced });
  await mkdir(made, { recursive: true });
  const file = join(made, 'role.squashfs');
  await pack(tree.path, file, options.signal);
  const record: RoleRecord = {
    name,
    version,
    sha256: await sha256(file),
    bytes: (await stat(file)).size,
    unpackedBytes: await unpackedBytes(tree.path),
    createdAt: new Date().toISOString(),
    imageIdentity: tree.identity,
    kernelVersion: tree.kernelVersion ?? null,
    elements: tree.elements,
  };
  await writeFile(join(made, 'role.json'), `${JSON.stringify(record, null, 2)}\n`);
  await reachDisk(file);
  if (options.force) await rename(directory, replaced).catch(ignoreMissing);
  try {
    await rename(made, directory);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
    // Another build has published it while we packed ours.
    const other = checkPublishable(state, name, version, tree.identity, false);
    if (other) return other;
    throw error;
  }
  const { bytes, unpackedBytes: unpacked } = record;
  const seconds = (Date.now() - started) / 1000;
  const megabytes = (count: number) => `${Math.round(count / 1e6)} MB`;
  reportRole(reporter, {
    code: 'role.published',
    level: 'info',
    message: `published ${name} ${version}: ${megabytes(bytes)}, unpacked ${megabytes(unpacked)}`,
    data: { name, version, identity: tree.identity, bytes, unpackedBytes: unpacked, seconds },
  });
  return getRole(state, name, version);
}

/**
 * The role that is published already with this identity, or undefined where it can be published.
 * @throws StackwrightError `RoleExists`
 */
export function checkPublishable(
  state: StateDirectory,
  name: string,
  version: string,
  identity: string,
  force: boolean,
): Role | undefined {
  checkRoleName('name', name);
  checkRoleName('version', version);
  const existing = readRole(state, name, version);
  if (existing?.imageIdentity === identity) return existing;
  if (!existing || force) return undefined;
  throw new StackwrightError('RoleExists', `the role ${name} ${version} is published from another image`, {
    value: `${name} ${version}`,
    hint: 'a published role does not change: give it a new version, or replace it with --force',
  });
}

async function pack(tree: string, file: string, signal?: AbortSignal): Promise<void> {
  // Level 3 is nearly as small as higher ones and several times as fast.
  const compression = ['-comp', 'zstd', '-Xcompression-level', '3'];
  await run('mksquashfs', [tree, file, ...compression, '-xattrs', '-noappend', '-no-progress', '-quiet'], {
    timeout: 1800,
    signal,
  });
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

async function unpackedBytes(tree: string): Promise<number> {
  const { stdout } = await run('du', ['--summarize', '--block-size=1', '--one-file-system', tree]);
  return Number(stdout.split('\t')[0]);
}

/** The record must not outlive a power cut that its file does not. */
async function reachDisk(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, 'ENOENT')) throw error;
}
