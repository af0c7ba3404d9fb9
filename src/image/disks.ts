import { freemem, totalmem } from 'node:os';
import { run } from '../base/command.js';
import type { BlockDevicePlan } from './block-device/index.js';
import type { Build } from './build.js';

/**
 * Has the raw disks of a build in memory while they are made, where there is enough: `DIB_MIN_TMPFS` GiB free and twice
 * that in all, as diskimage-builder wants, and the disks full of data would take half of what is free at most.
 * `DIB_NO_TMPFS=1` leaves them on disk.
 */
export async function openDisks(build: Build, plan: BlockDevicePlan): Promise<void> {
  const bytes = [...plan.disks.values()].reduce((sum, size) => sum + size, 0);
  if (!fitsMemory(build.environment, bytes, { total: totalmem(), free: freemem() })) return;
  build.temporary.add({ kind: 'mount', path: build.disks });
  const options = `size=${bytes + 2 ** 20},mode=0700`;
  await run('mount', ['-t', 'tmpfs', '-o', options, 'stackwright-disks', build.disks]);
}

/** @param memory bytes; what can be had without swapping counts as free */
export function fitsMemory(
  { DIB_NO_TMPFS, DIB_MIN_TMPFS }: Record<string, string>,
  bytes: number,
  { total, free }: { total: number; free: number },
): boolean {
  const least = Number(DIB_MIN_TMPFS) * 2 ** 30;
  return DIB_NO_TMPFS === '0' && total >= 2 * least && free >= least && bytes <= free / 2;
}
