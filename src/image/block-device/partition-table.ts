import { StackwrightError } from '../../base/errors.js';
import type { PartitionNode } from './nodes.js';
import { partitionType } from './partition-types.js';
import { resolvePartitionSize } from './sizes.js';

/** Where a partition lies on its disk. */
export interface PlacedPartition {
  node: PartitionNode;
  /** As the kernel counts them; logical partitions begin at 5. */
  number: number;
  /** Bytes. */
  start: number;
  /** Bytes. */
  size: number;
}

export interface PartitionTable {
  label: 'mbr' | 'gpt';
  partitions: PlacedPartition[];
  /** The partition of an MBR that holds the logical ones, in bytes. */
  extended?: { number: number; start: number; size: number };
}

const mebibyte = 2 ** 20;

/**
 * Places partitions as diskimage-builder does. In an MBR they begin at multiples of the alignment,
 * primary ones first, then one extended partition up to the end of the disk with every other one,
 * each an alignment behind its boot record. In a GPT sizes are whole MiB. Percent are of what is
 * left free, less a reserve for the alignment (MBR: 1 alignment, GPT: 2 MiB).
 * @param nodes of one partitioning, at least one
 * @param disk bytes
 * @throws StackwrightError `PartitionsTooLarge`
 */
export function placePartitions(nodes: PartitionNode[], disk: number, file: string): PartitionTable {
  return nodes[0]?.label === 'gpt' ? placeInGpt(nodes, disk, file) : placeInMbr(nodes, disk, file);
}

function placeInMbr(nodes: PartitionNode[], disk: number, file: string): PartitionTable {
  const table: PartitionTable = { label: 'mbr', partitions: [] };
  let next = nodes[0]?.align ?? mebibyte;
  for (const node of nodes) {
    const up = (position: number) => Math.ceil(position / node.align) * node.align;
    const free = disk - next - node.align;
    const size = inSectors(resolvePartitionSize(node.size, free));
    const { partitions } = table;
    if (!node.primary && !table.extended) {
      table.extended = { number: partitions.length + 1, start: next, size: inSectors(disk - next) };
    }
    const start = node.primary ? next : next + node.align;
    if (size <= 0 || start + size > disk) throw tooLarge(node, size, free, file);
    const last = partitions.at(-1)?.number ?? 0;
    partitions.push({ node, start, size, number: node.primary ? last + 1 : Math.max(last, 4) + 1 });
    next = up(start + size);
  }
  return table;
}

function placeInGpt(nodes: PartitionNode[], disk: number, file: string): PartitionTable {
  const partitions: PlacedPartition[] = [];
  let free = disk - 2 * mebibyte;
  let next = mebibyte;
  for (const [index, node] of nodes.entries()) {
    const wanted = resolvePartitionSize(node.size, free);
    const size = Math.floor(wanted / mebibyte) * mebibyte;
    const start = Math.ceil(next / node.align) * node.align;
    if (size <= 0 || wanted > free || start + size > disk - mebibyte) throw tooLarge(node, wanted, free, file);
    partitions.push({ node, number: index + 1, start, size });
    free -= wanted;
    next = start + size;
  }
  return { label: 'gpt', partitions };
}

function inSectors(bytes: number): number {
  return Math.floor(bytes / 512) * 512;
}

function tooLarge(node: PartitionNode, size: number, free: number, file: string): StackwrightError {
  const message =
    size > 0 ? `the partition ${node.name} does not fit on its disk` : `nothing is left for the partition ${node.name}`;
  return new StackwrightError('PartitionsTooLarge', message, {
    file,
    line: node.line,
    value: `${size} bytes, ${Math.max(free, 0)} are free`,
    hint: 'make it smaller, or the image larger with --image-size',
  });
}

export interface TableIdentity {
  /** Bytes of a logical sector of the disk. */
  blockSize: number;
  /** A UUID for a thing of this name; always the same where the image is to be reproducible. */
  uuid(name: string): string;
}

/** The input of sfdisk that writes a table. */
export function sfdiskScript(table: PartitionTable, { blockSize, uuid }: TableIdentity): string {
  const place = ({ start, size }: { start: number; size: number }) =>
    `start=${start / blockSize}, size=${size / blockSize}`;
  const { label, partitions, extended } = table;
  if (label === 'gpt') {
    const lines = partitions.map((partition) => {
      const { name } = partition.node;
      return `${place(partition)}, type=${partitionType(partition.node)}, uuid=${uuid(`partition ${name}`)}, name="${name}"`;
    });
    return `${['label: gpt', `label-id: ${uuid('disk')}`, 'unit: sectors', ...lines].join('\n')}\n`;
  }
  const lines = partitions.map((partition) => {
    const flag = partition.node.boot ? ', bootable' : '';
    return { number: partition.number, text: `${place(partition)}, type=${partitionType(partition.node)}${flag}` };
  });
  if (extended) lines.push({ number: extended.number, text: `${place(extended)}, type=f` });
  const sorted = lines.sort((a, b) => a.number - b.number).map(({ number, text }) => `${number}: ${text}`);
  const id = `0x${uuid('disk').slice(0, 8)}`;
  return `${['label: dos', `label-id: ${id}`, 'unit: sectors', ...sorted].join('\n')}\n`;
}
