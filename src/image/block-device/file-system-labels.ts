import { invalidConfig } from './located-yaml.js';
import type { DeviceNode } from './nodes.js';

/** Bytes that a label may have, by type of file system. */
const longestLabels: Record<string, number> = {
  ext2: 16,
  ext3: 16,
  ext4: 16,
  swap: 16,
  xfs: 12,
  vfat: 11,
  fat: 11,
};

/**
 * Labels name the file systems in etc/fstab, so each is unique and fits.
 * @throws StackwrightError `BlockDeviceConfigInvalid`
 */
export function checkedFileSystems(nodes: DeviceNode[], file: string): void {
  const seen = new Map<string, number>();
  for (const node of nodes) {
    if (node.kind !== 'mkfs') continue;
    const { label, type, name, line } = node;
    const first = seen.get(label);
    if (first !== undefined) {
      throw invalidConfig(file, line, `the label ${label} is given to two file systems`, {
        value: label,
        hint: `the other is in line ${first}; give ${name} a label of its own`,
      });
    }
    seen.set(label, line);
    const longest = longestLabels[type];
    const length = Buffer.byteLength(label);
    if (longest !== undefined && length > longest) {
      throw invalidConfig(file, line, `the label ${label} is too long for ${type}, ${length} > ${longest}`, {
        value: label,
        hint: `give ${name} a shorter label; without one its name is the label`,
      });
    }
  }
}
