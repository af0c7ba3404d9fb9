import type { BlockDeviceGraph } from './graph.js';
import type { DeviceNode } from './nodes.js';

/**
 * The text of etc/fstab: file systems in the order of mounting, then swap; those with an `fstab`
 * only, each by its label.
 */
export function fstabText({ order }: BlockDeviceGraph): string {
  const mounts = order.filter(({ kind }) => kind === 'mount');
  const unmounted = order.filter(({ kind }) => kind === 'mkfs');
  return [...mounts, ...unmounted].map((node) => fstabLine(node, order)).join('');
}

/** Nothing where the node has no `fstab`. Swap is mounted nowhere. */
function fstabLine(node: DeviceNode, order: DeviceNode[]): string {
  const fstab = order.find((other) => other.kind === 'fstab' && other.base === node.name);
  const system = node.kind === 'mount' ? order.find(({ name }) => name === node.base) : node;
  if (fstab?.kind !== 'fstab' || system?.kind !== 'mkfs') return '';
  const swap = system.type === 'swap';
  const place = node.kind === 'mount' && !swap ? node.mountPoint : 'none';
  const options = fstab.options ?? (swap ? 'sw' : 'defaults');
  const pass = fstab.fsckPass ?? (swap ? 0 : 2);
  // Blanks are written as getmntent(3) reads them.
  const label = system.label.replaceAll(' ', '\\040');
  return `LABEL=${label} ${place} ${system.type} ${options} ${fstab.dumpFrequency ?? 0} ${pass}\n`;
}
