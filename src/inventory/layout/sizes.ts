import { bytesOf } from './read.js';
import type { Content, Layout } from './schema.js';

export const MIB = 2 ** 20;

/** LVM's own unit of space. */
const EXTENT = 4 * MIB;

export const wholeMebibytes = (bytes: number) => Math.ceil(bytes / MIB);
export const wholeExtents = (bytes: number) => Math.ceil(bytes / EXTENT) * EXTENT;

/** The least that a disk must have, in bytes: all fixed sizes, and what stands on what has the rest. */
export function neededBytes(layout: Layout, disk: string): number {
  const { table, partitions } = layout.disks[disk] ?? { table: 'gpt', partitions: {} };
  const parts = Object.entries(partitions).map(([name, content]) => neededByPart(layout, name, content));
  // Before the first partition; a GPT begins with a partition for GRUB and ends with its copy.
  return (table === 'gpt' ? 3 : 1) * MIB + sum(parts);
}

function neededByPart(layout: Layout, name: string, { size, format }: Content): number {
  const fixed = bytesOf(size);
  if (fixed !== undefined) return wholeMebibytes(fixed) * MIB;
  return Math.max(neededByMember(layout, name), leastBytes(format));
}

/** Smaller ones its mkfs does not make. */
function leastBytes(format: Content['format']): number {
  if (format === 'xfs') return 300 * MIB;
  return format === undefined ? MIB : 40 * MIB;
}

function neededByMember(layout: Layout, name: string): number {
  for (const [array, { level, members }] of Object.entries(layout.raid)) {
    if (!members.includes(name)) continue;
    const shares = { 0: members.length, 1: 1, 5: members.length - 1, 6: members.length - 2, 10: members.length / 2 };
    const data = neededByMember(layout, array) / shares[level];
    // What mdadm keeps before the data: a thousandth of the device, and its superblock and bitmap.
    return data === 0 ? 0 : Math.ceil(data * 1.002) + 8 * MIB;
  }
  for (const { members, volumes } of Object.values(layout.lvm)) {
    if (!members.includes(name)) continue;
    const all = sum(
      Object.values(volumes).map(({ size, format }) => wholeExtents(bytesOf(size) ?? leastBytes(format))),
    );
    // The volumes may lie on any of several members: each is asked for its share.
    return all / members.length + 2 * EXTENT;
  }
  return 0;
}

const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0);

/** For a person: `4.3 GB`. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
