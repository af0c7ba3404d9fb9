import type { BlockDeviceConfig } from './config.js';
import { type BlockDeviceGraph, blockDeviceGraph } from './graph.js';
import { invalidConfig } from './located-yaml.js';
import type { DeviceNode } from './nodes.js';
import { type PartitionTable, placePartitions } from './partition-table.js';
import { partitionType } from './partition-types.js';

/** All that is decided before anything is made. */
export interface BlockDevicePlan extends BlockDeviceGraph {
  config: BlockDeviceConfig;
  /** Bytes of each disk, by the name of its `local_loop`. */
  disks: Map<string, number>;
  /** The partition table of each disk that has one, by the same name. */
  tables: Map<string, PartitionTable>;
}

/**
 * @param size bytes of a disk whose configuration says none
 * @throws StackwrightError `BlockDeviceConfigInvalid`, `PartitionsTooLarge`
 */
export function planBlockDevices(config: BlockDeviceConfig, size: number): BlockDevicePlan {
  const graph = blockDeviceGraph(config);
  for (const node of graph.nodes) checkValues(node, config.file);
  const disks = new Map<string, number>();
  const tables = new Map<string, PartitionTable>();
  for (const node of graph.order) {
    if (node.kind !== 'local_loop') continue;
    const disk = node.size ?? Math.ceil(size / node.blockSize) * node.blockSize;
    const partitions = graph.nodes.filter((other) => other.kind === 'partition' && other.base === node.name);
    disks.set(node.name, disk);
    const placed = partitions.filter((other) => other.kind === 'partition');
    if (placed.length > 0) tables.set(node.name, placePartitions(placed, disk, config.file));
  }
  return { ...graph, config, disks, tables };
}

/** What diskimage-builder takes while it reads and fails with while it makes; its own examples have such values. */
function checkValues(node: DeviceNode, file: string): void {
  if (node.kind === 'partition' && partitionType(node) === undefined) {
    throw invalidConfig(file, node.line, `the partition ${node.name} has the type ${node.type}, which is not known`, {
      value: node.type,
      hint: node.label === 'mbr' ? 'a byte in hexadecimal such as 0x83' : 'a code of sgdisk such as EF00, or a GUID',
    });
  }
  if (node.kind !== 'mkfs' || node.uuid === undefined) return;
  const fat = node.type === 'vfat' || node.type === 'fat';
  const form = fat ? /^[0-9a-f]{4}-?[0-9a-f]{4}$/i : /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  if (form.test(node.uuid)) return;
  throw invalidConfig(file, node.line, `the uuid of ${node.name} is not one`, {
    value: node.uuid,
    hint: fat ? 'on vfat it is as 1234-ABCD' : 'as uuidgen prints it',
  });
}
