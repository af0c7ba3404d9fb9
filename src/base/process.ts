import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { readTextIfExistsSync } from './files.js';

/**
 * A process that cannot be mistaken for another: a pid is used again, a pid with its start time
 * (clock ticks since boot, field 22 of `/proc/PID/stat`) within one boot is not.
 */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
  bootId: string;
}

export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootIdentity() };
}

export function ownProcess(): ProcessIdentity {
  const identity = identifyProcess(process.pid);
  if (!identity) throw new Error('/proc is not mounted');
  return identity;
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identity.bootId === bootIdentity() && startTimeOf(identity.pid) === identity.startTime;
}

/** Ends a process: SIGTERM, and SIGKILL where it is still there after `graceSeconds`. */
export async function endProcess(identity: ProcessIdentity, graceSeconds = 5): Promise<void> {
  if (!isAlive(identity)) return;
  signal(identity.pid, 'SIGTERM');
  const deadline = Date.now() + graceSeconds * 1000;
  while (isAlive(identity) && Date.now() < deadline) await delay(50);
  while (isAlive(identity)) {
    signal(identity.pid, 'SIGKILL');
    await delay(50);
  }
}

/** Ends every process whose root directory or working directory is inside `directory`. */
export async function endProcessesInside(directory: string): Promise<void> {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const pid = Number(name);
    if (!isInside(linkOf(pid, 'root'), directory) && !isInside(linkOf(pid, 'cwd'), directory)) continue;
    const identity = identifyProcess(pid);
    if (identity) await endProcess(identity, 1);
  }
}

function isInside(path: string | undefined, directory: string): boolean {
  return path === directory || path?.startsWith(`${directory}/`) === true;
}

function linkOf(pid: number, link: 'root' | 'cwd'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${link}`);
  } catch {
    // The process has ended meanwhile, or is a kernel thread.
    return undefined;
  }
}

function startTimeOf(pid: number): string | undefined {
  const stat = readStat(pid);
  // The command name (field 2) may contain spaces and brackets, so count from the last bracket.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended; only its parent has not noticed.
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function readStat(pid: number): string | undefined {
  try {
    return readTextIfExistsSync(`/proc/${pid}/stat`);
  } catch {
    // ESRCH: it ended between open and read.
    return undefined;
  }
}

let knownBootId: string | undefined;

/** Another one after every start of this machine. */
export function bootIdentity(): string {
  knownBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return knownBootId;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
