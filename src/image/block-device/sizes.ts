import { parseSize } from '../../base/sizes.js';

/** The size of a partition: in bytes, or in percent of what earlier partitions have left free. */
export type PartitionSize = { bytes: number } | { percent: number };

export function parsePartitionSize(text: string): PartitionSize | undefined {
  if (!text.endsWith('%')) {
    const bytes = parseSize(text);
    return bytes === undefined ? undefined : { bytes };
  }
  const number = text.slice(0, -1).trim();
  return /^(\d+\.?\d*|\.\d+)$/.test(number) ? { percent: Number(number) } : undefined;
}

/** Bytes of a partition where `free` bytes are left. */
export function resolvePartitionSize(size: PartitionSize, free: number): number {
  return 'bytes' in size ? size.bytes : Math.trunc((free * size.percent) / 100);
}
