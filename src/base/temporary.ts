import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from './command.js';
import { messageOf, StackwrightError } from './errors.js';
import {
  endProcess,
  endProcessesInside,
  identifyProcess,
  isAlive,
  ownProcess,
  type ProcessIdentity,
} from './process.js';
import type { StateDirectory } from './state.js';

/** A temporary thing of the operating system, and so how it is undone. */
export type TemporaryThing =
  | { kind: 'directory'; path: string }
  /** Everything mounted at or below the path; processes that hold it are ended first. */
  | { kind: 'mount'; path: string }
  /** One file. */
  | { kind: 'file'; path: string }
  /** Every loop device over a file: the kernel chooses their names when they are made. */
  | { kind: 'loops'; file: string }
  /** An LVM volume group on loop devices over files. A group of that name elsewhere is not touched. */
  | { kind: 'volume-group'; name: string; files: string[] }
  | { kind: 'process'; process: ProcessIdentity; what: string }
  | { kind: 'namespace'; name: string };

/**
 * Owns temporary things and undoes them, newest first. Each is written to a journal before it is
 * made, so that `sweepTemporary` at the next start undoes what a killed process left behind.
 *
 *     await using temporary = openTemporary(state, 'image build');
 *     temporary.add({ kind: 'mount', path });
 *     await run('mount', […, path]);
 */
export interface TemporaryState extends AsyncDisposable {
  /** Say it first, then make it: undoing what was never made is harmless. */
  add(thing: TemporaryThing): void;
  /** Makes a directory that goes away with this state. */
  directory(prefix: string): string;
  /** Undoes everything now. Later additions are allowed. */
  undo(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface JournalHead {
  what: string;
  owner: ProcessIdentity;
}

export function openTemporary(state: StateDirectory, what: string): TemporaryState {
  const directory = state.path('tmp');
  mkdirSync(directory, { recursive: true });
  const id = randomBytes(6).toString('hex');
  const journal = join(directory, `${id}.journal`);
  let things: TemporaryThing[] = [];
  const write = (entry: JournalHead | TemporaryThing) => appendFileSync(journal, `${JSON.stringify(entry)}\n`);

  async function undo(): Promise<void> {
    const undoing = things;
    things = [];
    await undoAll(undoing);
    rmSync(journal, { force: true });
  }

  function add(thing: TemporaryThing): void {
    if (things.length === 0) write({ what, owner: ownProcess() });
    things.push(thing);
    write(thing);
  }

  return {
    add,
    directory(prefix) {
      const path = join(directory, `${id}-${prefix}`);
      add({ kind: 'directory', path });
      mkdirSync(path, { recursive: true });
      return path;
    },
    undo,
    [Symbol.asyncDispose]: undo,
  };
}

/** What was left behind: the work that was interrupted, one entry for each. */
export interface SweptState {
  what: string;
  things: number;
}

/** Undoes what processes that are no more have left behind. Called at the start of every command that writes. */
export async function sweepTemporary(state: StateDirectory): Promise<SweptState[]> {
  const directory = state.path('tmp');
  if (!existsSync(directory)) return [];
  const swept: SweptState[] = [];
  for (const name of readdirSync(directory).filter((entry) => entry.endsWith('.journal'))) {
    const journal = join(directory, name);
    const { head, things } = readJournal(journal);
    if (head && isAlive(head.owner)) continue;
    await undoAll(things);
    rmSync(journal, { force: true });
    if (head && things.length > 0) swept.push({ what: head.what, things: things.length });
  }
  return swept;
}

function readJournal(path: string): { head?: JournalHead; things: TemporaryThing[] } {
  const entries: (JournalHead | TemporaryThing)[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    try {
      if (line) entries.push(JSON.parse(line));
    } catch {
      // The owner was killed in the middle of this line, so the thing was not made.
    }
  }
  const head = entries.find((entry): entry is JournalHead => 'owner' in entry);
  return { head, things: entries.filter((entry): entry is TemporaryThing => 'kind' in entry) };
}

async function undoAll(things: TemporaryThing[]): Promise<void> {
  const failures: string[] = [];
  for (const thing of [...things].reverse()) {
    try {
      await undoThing(thing);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  if (failures.length > 0) {
    throw new StackwrightError('CleanupFailed', `something could not be undone: ${failures.join('; ')}`, {
      hint: 'end what uses it (lsof, fuser), then run the command again',
    });
  }
}

/** Undoes one thing; nothing happens where it is gone already. */
export async function undoThing(thing: TemporaryThing): Promise<void> {
  switch (thing.kind) {
    case 'directory':
      await unmountBelow(thing.path);
      await rm(thing.path, { recursive: true, force: true });
      return;
    case 'mount':
      await unmountBelow(thing.path);
      return;
    case 'file':
      await rm(thing.path, { force: true });
      return;
    case 'loops':
      await detachLoops(thing.file);
      return;
    case 'volume-group': {
      const devices = (await Promise.all(thing.files.map(loopDevices))).flat();
      const group = ['--devices', devices.join(','), thing.name];
      // Status 5: the group was never made.
      if (devices.length > 0) await run('vgchange', ['--activate', 'n', ...group], { okStatuses: [0, 5] });
      return;
    }
    case 'process':
      await endProcess(thing.process);
      return;
    case 'namespace':
      await endProcessesInNamespace(thing.name);
      if (existsSync(`/run/netns/${thing.name}`)) await run('ip', ['netns', 'delete', thing.name]);
      return;
  }
}

/** Mount points at or below a path, deepest (latest) first. */
export function mountsBelow(path: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((point): point is string => point !== undefined)
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((point) => point === path || point.startsWith(`${path}/`))
    .reverse();
}

/** While somebody has a device open, such as a program that looks at all disks, it goes only when they close it. */
async function detachLoops(file: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  let devices = await loopDevices(file);
  while (devices.length > 0) {
    for (const device of devices) await run('losetup', ['--detach', device], { okStatuses: [0, 1] });
    devices = await loopDevices(file);
    if (devices.length > 0 && Date.now() > deadline) throw new Error(`${devices.join(', ')} over ${file} is in use`);
    if (devices.length > 0) await delay(100);
  }
}

/** The loop devices over a file. */
async function loopDevices(file: string): Promise<string[]> {
  const { stdout } = await run('losetup', ['--associated', file, '--noheadings', '--output', 'NAME']);
  return stdout.split('\n').filter(Boolean);
}

async function unmountBelow(path: string): Promise<void> {
  const points = mountsBelow(path);
  if (points.length > 0) await endProcessesInside(path);
  for (const point of points) {
    const { status } = await run('umount', [point], { okStatuses: [0, 1, 32] });
    if (status !== 0) await run('umount', ['--lazy', point]);
  }
}

async function endProcessesInNamespace(name: string): Promise<void> {
  if (!existsSync(`/run/netns/${name}`)) return;
  const { stdout } = await run('ip', ['netns', 'pids', name]);
  for (const pid of stdout.split('\n').filter(Boolean).map(Number)) {
    const identity = pid === process.pid ? undefined : identifyProcess(pid);
    if (identity) await endProcess(identity);
  }
}
