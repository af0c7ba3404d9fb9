import type { BlockDeviceConfig } from './config.js';
import { invalidConfig } from './located-yaml.js';
import type { DeviceNode } from './nodes.js';

/** What is made, and in which order. */
export interface BlockDeviceGraph {
  nodes: DeviceNode[];
  /** The first is made before the second. */
  edges: [from: string, to: string][];
  order: DeviceNode[];
}

/**
 * The nodes with their order: generation by generation as `topological_sort` of networkx gives it,
 * whose order diskimage-builder uses, so that nothing depends on chance.
 * @throws StackwrightError `BlockDeviceConfigInvalid` where a base is missing or does not fit, or bases form a circle
 */
export function blockDeviceGraph({ nodes, file }: BlockDeviceConfig): BlockDeviceGraph {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const followers = new Map(nodes.map(({ name }) => [name, new Set<string>()]));
  for (const node of nodes) {
    checkBases(node, byName, file);
    for (const from of basesOf(node)) followers.get(from)?.add(node.name);
    if (node.kind === 'lvm') for (const to of node.volumes) followers.get(node.name)?.add(to);
  }
  checkOwners(nodes, file);
  const edges = [...followers].flatMap(([from, to]) => [...to].map((name): [string, string] => [from, name]));
  const waiting = new Map(nodes.map(({ name }) => [name, 0]));
  for (const [, to] of edges) waiting.set(to, (waiting.get(to) ?? 0) + 1);
  const order = nodes.filter(({ name }) => waiting.get(name) === 0);
  // Nodes are added while they are walked through.
  for (const { name } of order) {
    for (const follower of followers.get(name) ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, left);
      const node = byName.get(follower);
      if (left === 0 && node) order.push(node);
    }
  }
  if (order.length < nodes.length) throw circle(nodes, order, file);
  return { nodes, edges, order };
}

/** The nodes that a node names as those that come before it. */
function basesOf(node: DeviceNode): string[] {
  switch (node.kind) {
    case 'local_loop':
    case 'pv':
      // A physical volume is made by its `lvm`, which stands between it and its device.
      return [];
    case 'partition':
      return [node.base, ...(node.previous === undefined ? [] : [node.previous])];
    case 'mount':
      return [...(node.previous === undefined ? [] : [node.previous]), node.base];
    case 'vg':
      return node.base;
    case 'lvm':
      return node.devices;
    default:
      return [node.base];
  }
}

const devices: DeviceNode['kind'][] = ['local_loop', 'partition', 'lv'];

/** What a node can be made on. */
const fittingBases: Record<DeviceNode['kind'], DeviceNode['kind'][]> = {
  local_loop: [],
  partition: ['local_loop'],
  pv: devices,
  vg: ['pv'],
  lv: ['vg'],
  lvm: devices,
  mkfs: devices,
  mount: ['mkfs'],
  fstab: ['mount', 'mkfs'],
};

function checkBases(node: DeviceNode, byName: Map<string, DeviceNode>, file: string): void {
  const bases = node.kind === 'mount' || node.kind === 'partition' || node.kind === 'pv' ? [node.base] : basesOf(node);
  for (const name of bases) {
    const base = byName.get(name);
    if (!base) {
      throw invalidConfig(file, node.line, `the base ${name} of ${node.name} does not exist`, {
        value: name,
        hint: `there are ${[...byName.keys()].join(', ')}`,
      });
    }
    if (!fittingBases[node.kind].includes(base.kind)) {
      throw invalidConfig(file, node.line, `${node.name} (${node.kind}) cannot be on ${name} (${base.kind})`, {
        value: name,
        hint: `its base is a ${fittingBases[node.kind].join(', ')}`,
      });
    }
    // Swap is not mounted, so its line in etc/fstab may stand on the swap itself.
    if (node.kind === 'fstab' && base.kind === 'mkfs' && base.type !== 'swap') {
      throw invalidConfig(file, node.line, `${node.name} (fstab) is on a file system that is not mounted`, {
        value: name,
        hint: 'indent fstab below a mount',
      });
    }
  }
}

/** A device holds one thing: partitions, a physical volume or a file system. */
function checkOwners(nodes: DeviceNode[], file: string): void {
  const owners = new Map<string, DeviceNode>();
  for (const node of nodes) {
    const first = node.kind === 'partition' && node.previous !== undefined;
    if (first || !['partition', 'pv', 'mkfs'].includes(node.kind)) continue;
    const base = 'base' in node ? String(node.base) : '';
    const owner = owners.get(base);
    if (owner) {
      throw invalidConfig(file, node.line, `${base} is used twice, by ${owner.name} and by ${node.name}`, {
        value: base,
        hint: `line ${owner.line} has the other`,
      });
    }
    owners.set(base, node);
  }
}

function circle(nodes: DeviceNode[], order: DeviceNode[], file: string): Error {
  const left = nodes.filter((node) => !order.includes(node));
  return invalidConfig(file, left[0]?.line ?? 1, 'nodes are based on each other in a circle', {
    value: left.map(({ name }) => name).join(' '),
  });
}
