import { readFileSync } from 'node:fs';
import { run } from '../base/command.js';
import type { Build } from './build.js';

/**
 * Has the raw disks of a build in memory while they are made, where there is enough: `DIB_MIN_TMPFS` GiB free and twice
 * that in all, as diskimage-builder wants, and the disks full of data would take half of what is free at most.
 * `DIB_NO_TMPFS=1` leaves them on disk.
 * @param bytes of all disks
 */
export async function openDisks(
  { disks, temporary, environment }: Pick<Build, 'disks' | 'temporary' | 'environment'>,
  bytes: number,
): Promise<void> {
  if (!fitsMemory(environment, bytes, readFileSync('/proc/meminfo', 'utf8'))) return;
  temporary.add({ kind: 'mount', path: disks });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes + 2 ** 20},mode=0700`, 'stackwright-disks', disks]);
}

/** @param meminfo the text of /proc/meminfo */
export function fitsMemory(environment: Record<string, string>, bytes: number, meminfo: string): boolean {
  if (!['', '0', undefined].includes(environment.DIB_NO_TMPFS)) return false;
  const least = Number(environment.DIB_MIN_TMPFS ?? '4') * 2 ** 30;
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0);
  const free = kibibytes('MemAvailable') * 1024;
  return kibibytes('MemTotal') * 1024 >= 2 * least && free >= least && bytes <= free / 2;
}
