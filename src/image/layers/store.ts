import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { run } from '../../base/command.js';
import { hasCode } from '../../base/errors.js';
import { readTextIfExistsSync } from '../../base/files.js';
import { bootIdentity, isAlive, ownProcess, type ProcessIdentity } from '../../base/process.js';
import type { StateDirectory } from '../../base/state.js';
import { inputKinds } from './inputs.js';
import { changesName } from './overlay.js';

const hookChange = z.object({
  path: z.string(),
  before: z.string().optional(),
  after: z.object({ digest: z.string(), executable: z.boolean(), target: z.string().optional() }).optional(),
});

const layerRecord = z.object({
  id: z.string(),
  /** The state before; none of the first. */
  parent: z.string().optional(),
  phase: z.string(),
  step: z.string(),
  /** Whether there is a directory of changes: many scripts change nothing. */
  changed: z.boolean(),
  inputs: z.array(z.object({ kind: z.enum(inputKinds), name: z.string(), digest: z.string() })),
  /** What the package lists in the tree were made from, by URL. */
  packageIndexes: z.record(z.string(), z.string()),
  hooks: z.array(hookChange),
  /**
   * The file of a finished disk, for the last state of a disk image. It may be the user's image too: of another size,
   * or written to since (milliseconds since 1970), it is that disk no more.
   */
  disk: z.object({ name: z.string(), bytes: z.number(), modified: z.number() }).optional(),
  bytes: z.number(),
  seconds: z.number(),
  elements: z.array(z.string()),
  createdAt: z.string(),
  /** The files of a layer of an earlier boot count only when they have reached the disk. */
  boot: z.string(),
});

/** What is kept of a state of a build, in `cache/layers/ID/record.json`; its changes are beside it in `fs/`. */
export type LayerRecord = z.infer<typeof layerRecord>;

/** What is told of a state that is to be kept; of its disk the name of the file. */
export type NewLayer = Omit<LayerRecord, 'bytes' | 'createdAt' | 'boot' | 'disk'> & { disk?: string };

/** The states of builds that are kept on this machine. */
export interface LayerStore {
  directory: string;
  /** A digest that cannot be guessed from elsewhere: values of variables may be secrets. */
  digest(text: string | Buffer): string;
  /** The states that can be used of those whose name begins so, the newest first. */
  find(name: string): LayerRecord[];
  /** The record of a state that can be used; it is then kept from being removed while we run. */
  use(id: string): LayerRecord | undefined;
  /** A file of its directory. */
  file(id: string, name: string): string;
  /**
   * Keeps a state; where another build was first, that one's stays.
   * @param files what is moved into its directory, or shared with it, by name there; from another file system it is
   *   copied
   */
  add(record: NewLayer, files?: Record<string, string | { shared: string }>): Promise<void>;
  /** Makes what was added last longer than a power cut. */
  flush(): Promise<void>;
  /** Those that follow a state, or begin builds, the newest first. */
  children(parent: string | undefined): LayerRecord[];
  list(): KeptLayer[];
}

export interface KeptLayer extends LayerRecord {
  usedAt: Date;
}

/** Names of directories in the store that are no layers begin with a dot. */
const usersDirectory = '.users';

/** Opens the store, and says that this process uses it, so that `pruneLayers` leaves what it uses. */
export function openLayers(state: StateDirectory): LayerStore {
  const directory = state.path('cache', 'layers');
  mkdirSync(join(directory, usersDirectory), { recursive: true, mode: 0o700 });
  const own = ownProcess();
  writeFileSync(join(directory, usersDirectory, String(own.pid)), JSON.stringify(own));
  const key = readKey(join(directory, '.key'));
  const added: string[] = [];
  const digest = (text: string | Buffer) => createHmac('sha256', key).update(text).digest('hex').slice(0, 24);

  return {
    directory,
    digest,
    use(id) {
      const file = join(directory, id, 'record.json');
      try {
        const now = new Date();
        utimesSync(file, now, now);
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined;
        throw error;
      }
      return usable(directory, id);
    },
    find: (name) =>
      readdirSync(directory)
        .filter((id) => id === name || id.startsWith(`${name}-`))
        .flatMap((id) => usable(directory, id) ?? [])
        .sort(newestFirst),
    file: (id, name) => join(directory, id, name),
    async add(record, files = {}) {
      const unfinished = join(directory, `.new-${process.pid}-${randomBytes(6).toString('hex')}`);
      await mkdir(unfinished, { mode: 0o700 });
      for (const [name, path] of Object.entries(files)) {
        if (typeof path === 'string') await moveInto(path, join(unfinished, name));
        else await shareInto(path.shared, join(unfinished, name));
      }
      // A record takes one block, and its directory another.
      const bytes = 8192 + (Object.keys(files).length > 0 ? await usedBytes(unfinished) : 0);
      const { disk, ...known } = record;
      const whole: LayerRecord = {
        ...known,
        ...(disk === undefined ? {} : { disk: diskFile(unfinished, disk) }),
        bytes,
        createdAt: new Date().toISOString(),
        boot: bootIdentity(),
      };
      writeFileSync(join(unfinished, 'record.json'), JSON.stringify(whole));
      const place = join(directory, record.id);
      // One that cannot be used any more makes room.
      if (existsSync(place) && !usable(directory, record.id)) await removeLayer(directory, record.id);
      try {
        await rename(unfinished, place);
        added.push(record.id);
      } catch (error) {
        if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
        await rm(unfinished, { recursive: true, force: true });
      }
    },
    async flush() {
      const all = added.splice(0);
      if (all.length === 0) return;
      await run('sync', ['--file-system', directory]);
      for (const id of all) writeFileSync(join(directory, id, 'synced'), '');
    },
    children: (parent) =>
      readRecords(directory)
        .filter((record) => record.parent === parent)
        .sort(newestFirst),
    list: () => readRecords(directory),
  };
}

function newestFirst(a: LayerRecord, b: LayerRecord): number {
  return a.createdAt < b.createdAt ? 1 : -1;
}

async function usedBytes(path: string): Promise<number> {
  return Number((await run('du', ['--summarize', '--block-size=1', path])).stdout.split('\t')[0]);
}

async function moveInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!hasCode(error, 'EXDEV')) throw error;
    await copyInto(from, to);
  }
}

/** One file of two names, where that can be. */
async function shareInto(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    // Of another file system, or of one without hard links.
    if (!['EXDEV', 'EPERM', 'EMLINK'].some((code) => hasCode(error, code))) throw error;
    await copyInto(from, to);
  }
}

async function copyInto(from: string, to: string): Promise<void> {
  await run('cp', ['--archive', '--sparse=always', '--reflink=auto', from, to], { timeout: 3600 });
}

/** The salt of this machine's digests. */
function readKey(file: string): Buffer {
  try {
    writeFileSync(file, randomBytes(32), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  return readFileSync(file);
}

function usable(directory: string, id: string): LayerRecord | undefined {
  const record = readRecord(directory, id);
  if (!record) return undefined;
  if (record.changed && !existsSync(join(directory, id, changesName))) return undefined;
  if (record.disk && !isDeepStrictEqual(diskFile(join(directory, id), record.disk.name), record.disk)) return undefined;
  // A power cut can leave files empty that were written before it.
  const safe = record.boot === bootIdentity() || existsSync(join(directory, id, 'synced'));
  return safe ? record : undefined;
}

/** Undefined where it is gone. */
function diskFile(directory: string, name: string): LayerRecord['disk'] {
  const found = statSync(join(directory, name), { throwIfNoEntry: false });
  return found && { name, bytes: found.size, modified: found.mtimeMs };
}

function readRecord(directory: string, id: string): LayerRecord | undefined {
  try {
    return layerRecord.parse(JSON.parse(readFileSync(join(directory, id, 'record.json'), 'utf8')));
  } catch {
    // Of another version, or gone meanwhile: it is made anew.
    return undefined;
  }
}

function readRecords(directory: string): KeptLayer[] {
  return readdirSync(directory)
    .filter((name) => !name.startsWith('.'))
    .flatMap((id) => {
      const record = readRecord(directory, id);
      const found = statSync(join(directory, id, 'record.json'), { throwIfNoEntry: false });
      return record && found ? [{ ...record, usedAt: found.mtime }] : [];
    });
}

/** What was removed. */
export interface PrunedLayers {
  removed: number;
  bytes: number;
  keptBytes: number;
}

/**
 * Removes states that were not used for the longest time until those that stay have at most
 * `keepBytes`; never one that a running build uses. A state goes before those that it rests on.
 */
export async function pruneLayers(state: StateDirectory, keepBytes: number): Promise<PrunedLayers> {
  const directory = state.path('cache', 'layers');
  if (!existsSync(directory)) return { removed: 0, bytes: 0, keptBytes: 0 };
  const since = oldestUser(directory);
  await removeUnfinished(directory);
  const records = readRecords(directory);
  const used = lastUses(records);
  const byAge = [...records].sort(
    (a, b) => (used.get(a.id) ?? 0) - (used.get(b.id) ?? 0) || depth(b, records) - depth(a, records),
  );
  let kept = records.reduce((sum, { bytes }) => sum + bytes, 0);
  const result = { removed: 0, bytes: 0 };
  for (const { id, bytes } of byAge) {
    if (kept <= keepBytes) break;
    if ((used.get(id) ?? 0) >= since) continue;
    await removeLayer(directory, id);
    kept -= bytes;
    result.removed++;
    result.bytes += bytes;
  }
  return { ...result, keptBytes: kept };
}

/** A state is used when one that rests on it is. */
function lastUses(records: KeptLayer[]): Map<string, number> {
  const byId = new Map(records.map((record) => [record.id, record]));
  const uses = new Map<string, number>();
  for (const record of records) {
    const time = record.usedAt.getTime();
    for (let at: KeptLayer | undefined = record; at; at = at.parent ? byId.get(at.parent) : undefined) {
      if ((uses.get(at.id) ?? 0) >= time) break;
      uses.set(at.id, time);
    }
  }
  return uses;
}

function depth(record: KeptLayer, records: KeptLayer[]): number {
  const byId = new Map(records.map((known) => [known.id, known]));
  let count = 0;
  for (let at: KeptLayer | undefined = record; at?.parent; at = byId.get(at.parent)) count++;
  return count;
}

/** Since when a build runs that may use what it has found; the end of time where none runs. */
function oldestUser(directory: string): number {
  const users = join(directory, usersDirectory);
  let oldest = Number.POSITIVE_INFINITY;
  for (const name of existsSync(users) ? readdirSync(users) : []) {
    const file = join(users, name);
    const found = statSync(file, { throwIfNoEntry: false });
    // Empty while its build writes it.
    const user: ProcessIdentity | null = JSON.parse(readTextIfExistsSync(file) || 'null');
    if (user && !isAlive(user)) rmSync(file, { force: true });
    else if (name !== String(process.pid) && found) oldest = Math.min(oldest, found.mtimeMs);
  }
  return oldest;
}

/** What killed builds were adding, or removing. Those that run have said so in the directory of users. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of readdirSync(directory)) {
    const [, owner] = /^\.new-(\d+)-/.exec(name) ?? [];
    const left = owner !== undefined && !existsSync(join(directory, usersDirectory, owner));
    if (left || name.startsWith('.gone-')) await removeTree(join(directory, name));
  }
}

async function removeLayer(directory: string, id: string): Promise<void> {
  const gone = join(directory, `.gone-${id}-${randomBytes(3).toString('hex')}`);
  await rename(join(directory, id), gone).catch((error) => {
    if (!hasCode(error, 'ENOENT')) throw error;
  });
  await removeTree(gone);
}

async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!hasCode(error, 'EPERM')) throw error;
    // An element has made a file immutable. Where the user has made the image so, it stays so, and this stays here.
    await run('chattr', ['-R', '-f', '-i', join(path, changesName)], { okStatuses: [0, 1] });
    await rm(path, { recursive: true, force: true }).catch((left) => {
      if (!hasCode(left, 'EPERM')) throw left;
    });
  }
}
