import { sizeHint } from '../../base/sizes.js';
import { type Entry, readEntries } from './entries.js';
import { checkedFileSystems } from './file-system-labels.js';
import { invalidConfig } from './located-yaml.js';
import type {
  DeviceNode,
  FileSystemNode,
  FstabNode,
  LogicalVolumeNode,
  LoopNode,
  MountNode,
  PartitionNode,
} from './nodes.js';
import { readSettings, type Settings } from './settings.js';
import { parsePartitionSize } from './sizes.js';

/** What the command line and the environment say of the root file system; it goes to the node `mkfs_root` only. */
export interface RootFileSystem {
  /** `FS_TYPE`; ext4 unless told. */
  type?: string;
  /** `--root-label`; `cloudimg-rootfs`, on xfs `img-rootfs`, unless told. */
  label?: string;
}

/** A configuration of block devices as it was read, in diskimage-builder's order of nodes. */
export interface BlockDeviceConfig {
  /** What errors name: a path, or a variable. */
  file: string;
  nodes: DeviceNode[];
}

/** The node that the settings of the root file system go to. */
export const rootNode = 'mkfs_root';

/**
 * Reads a configuration of block devices. The format is diskimage-builder's, see
 * docs/reference/block-devices.md. Bases are looked up by `blockDeviceGraph`.
 * @param file what errors name
 * @throws StackwrightError `BlockDeviceConfigInvalid` with file, line and value
 */
export function readBlockDeviceConfig(text: string, file: string, root: RootFileSystem = {}): BlockDeviceConfig {
  const nodes = readEntries(text, file).flatMap((entry) => readNodes(entry, file, root));
  checkNames(nodes, file);
  checkedFileSystems(nodes, file);
  return { file, nodes: inMountOrder(nodes, file) };
}

function readNodes({ plugin, settings }: Entry, file: string, root: RootFileSystem): DeviceNode[] {
  const read = (...keys: string[]) => readSettings(settings, plugin, ['name', 'base', ...keys], file);
  switch (plugin) {
    case 'local_loop':
      return [readLoop(read('size', 'directory', 'block_size'))];
    case 'partitioning':
      return readPartitions(read('label', 'align', 'partitions'));
    case 'lvm':
      return readLvm(read('pvs', 'vgs', 'lvs'));
    case 'mkfs':
      return [readFileSystem(read('type', 'label', 'opts', 'uuid'), root)];
    case 'mount':
      return [readMount(read('mount_point'))];
    case 'fstab':
      return [readFstab(read('options', 'dump-freq', 'fsck-passno'))];
  }
}

function readLoop(settings: Settings): LoopNode {
  const name = settings.required('name');
  if (name.includes('/')) throw settings.refuse('name', 'the name is that of a file and has no slash');
  const size = settings.size('size');
  const blockSize = settings.size('block_size') ?? 512;
  if (![512, 1024, 2048, 4096].includes(blockSize)) {
    throw settings.refuse('block_size', `block_size cannot be ${blockSize}`, '512, 1024, 2048 or 4096');
  }
  if (size !== undefined && (size === 0 || size % blockSize !== 0)) {
    throw settings.refuse('size', `size is not a multiple of ${blockSize} bytes`);
  }
  return { kind: 'local_loop', name, line: settings.line, size, directory: settings.text('directory'), blockSize };
}

const partitionKeys = ['name', 'base', 'size', 'flags', 'type'];

function readPartitions(settings: Settings): PartitionNode[] {
  const base = settings.required('base');
  const label = settings.oneOf('label', ['mbr', 'gpt']);
  if (!label) throw settings.refuse('label', 'label is missing', 'label: mbr or gpt');
  const align = settings.size('align') ?? 2 ** 20;
  if (align === 0 || align % 512 !== 0) throw settings.refuse('align', 'align is not a multiple of 512 bytes');
  const nodes: PartitionNode[] = [];
  for (const part of settings.parts('partitions', partitionKeys)) {
    const node = readPartition(part, { base, label, align, previous: nodes.at(-1)?.name });
    if (node.primary && nodes.some(({ primary }) => !primary)) {
      throw part.refuse('flags', 'a primary partition comes after one that is not', 'name the primary ones first');
    }
    nodes.push(node);
  }
  if (nodes.length === 0) throw settings.refuse('partitions', 'there is no partition');
  const slots = nodes.filter(({ primary }) => primary).length + (nodes.some(({ primary }) => !primary) ? 1 : 0);
  if (label === 'mbr' && slots > 4) {
    throw settings.refuse('partitions', 'an mbr has room for 4 partitions, the extended one included');
  }
  if (label === 'gpt' && nodes.length > 128) throw settings.refuse('partitions', 'a gpt has room for 128 partitions');
  return nodes;
}

function readPartition(
  settings: Settings,
  common: Pick<PartitionNode, 'base' | 'label' | 'align' | 'previous'>,
): PartitionNode {
  const name = settings.required('name');
  const size = parsePartitionSize(settings.required('size'));
  if (!size)
    throw settings.refuse('size', 'size is neither a size nor percent of what is free', `${sizeHint}, or 100%`);
  const flags = settings.words('flags');
  const unknown = flags.find((flag) => flag !== 'boot' && flag !== 'primary');
  if (unknown !== undefined) throw settings.refuse('flags', `there is no flag ${unknown}`, 'known are boot, primary');
  const primary = flags.includes('primary');
  if (primary && common.label === 'gpt') throw settings.refuse('flags', 'a gpt has no primary partitions');
  if (common.label === 'gpt' && name.length > 36) throw settings.refuse('name', 'a name in a gpt has 36 characters');
  const type = settings.text('type') ?? (common.label === 'mbr' ? '83' : '8300');
  const boot = flags.includes('boot');
  return { kind: 'partition', name, line: settings.line, ...common, size, boot, primary, type };
}

function readLvm(settings: Settings): DeviceNode[] {
  const volumes = settings.parts('pvs', ['name', 'base', 'options']).map((part) => ({
    kind: 'pv' as const,
    name: part.required('name'),
    line: part.line,
    base: part.required('base'),
    options: part.words('options'),
  }));
  const groups = settings.parts('vgs', ['name', 'base', 'options']).map((part) => {
    const base = part.words('base');
    if (base.length === 0) throw part.refuse('base', 'base is missing', 'name the physical volumes');
    const stranger = base.find((name) => !volumes.some((volume) => volume.name === name));
    if (stranger !== undefined) throw part.refuse('base', `${stranger} is not one of the pvs`);
    return {
      kind: 'vg' as const,
      name: part.required('name'),
      line: part.line,
      base,
      options: part.words('options'),
    };
  });
  const keys = ['name', 'base', 'size', 'extents', 'options', 'type', 'thin-pool'];
  const parts = settings.parts('lvs', keys);
  const logical = parts.map((part) => readLogicalVolume(part, groups));
  for (const [index, { thinPool, base }] of logical.entries()) {
    const pool = logical.slice(0, index).find(({ name }) => name === thinPool);
    if (thinPool === undefined || (pool?.type === 'thin-pool' && pool.base === base)) continue;
    throw parts[index]?.refuse('thin-pool', `${thinPool} is not an earlier volume of type thin-pool in ${base}`);
  }
  const devices = [...new Set(volumes.map(({ base }) => base))];
  const all = {
    kind: 'lvm' as const,
    name: settings.required('name'),
    line: settings.line,
    devices,
    volumes: volumes.map(({ name }) => name),
  };
  return [...volumes, ...groups, ...logical, all];
}

function readLogicalVolume(settings: Settings, groups: { name: string }[]): LogicalVolumeNode {
  const base = settings.required('base');
  if (!groups.some(({ name }) => name === base)) throw settings.refuse('base', `${base} is not one of the vgs`);
  const size = settings.size('size');
  const extents = settings.text('extents');
  if (size === undefined && extents === undefined) throw settings.refuse('size', 'neither size nor extents is given');
  if (extents !== undefined && !/^\+?\d+(%(VG|FREE|PVS|ORIGIN))?$/.test(extents)) {
    throw settings.refuse(
      'extents',
      'extents is not a number of extents or percent',
      'such as 100 or 40%VG or 100%FREE',
    );
  }
  const type = settings.oneOf('type', ['thin', 'thin-pool']);
  const thinPool = settings.text('thin-pool');
  if (type === 'thin' && thinPool === undefined) throw settings.refuse('thin-pool', 'thin-pool is missing');
  if (type === 'thin' && size === undefined) throw settings.refuse('extents', 'a thin volume has a size, not extents');
  if (type !== 'thin' && thinPool !== undefined) throw settings.refuse('thin-pool', 'only type: thin has a thin-pool');
  return {
    kind: 'lv',
    name: settings.required('name'),
    line: settings.line,
    base,
    options: settings.words('options'),
    size,
    extents,
    type,
    thinPool,
  };
}

function readFileSystem(settings: Settings, root: RootFileSystem): FileSystemNode {
  const name = settings.required('name');
  const isRoot = name === rootNode;
  const type = isRoot ? (settings.text('type') ?? root.type ?? 'ext4') : settings.required('type');
  if (!/^[a-z][a-z0-9]*$/.test(type)) throw settings.refuse('type', 'type is not the name of a file system');
  const ownLabel = settings.text('label') ?? (isRoot ? rootLabel(type, root) : name);
  const fat = type === 'vfat' || type === 'fat';
  const options = settings.text('opts')?.trim().split(/ +/);
  return {
    kind: 'mkfs',
    name,
    line: settings.has('label') ? settings.lineOf('label') : settings.line,
    base: settings.required('base'),
    type,
    label: fat ? ownLabel.toUpperCase() : ownLabel,
    options,
    uuid: settings.text('uuid'),
  };
}

function rootLabel(type: string, root: RootFileSystem): string {
  return root.label ?? (type === 'xfs' ? 'img-rootfs' : 'cloudimg-rootfs');
}

function readMount(settings: Settings): MountNode {
  const mountPoint = settings.required('mount_point');
  if (mountPoint.split('/').includes('..') || /[\s|]/.test(mountPoint)) {
    throw settings.refuse('mount_point', 'mount_point has "..", a blank or "|"');
  }
  return {
    kind: 'mount',
    name: settings.required('name'),
    line: settings.line,
    base: settings.required('base'),
    mountPoint,
  };
}

function readFstab(settings: Settings): FstabNode {
  const options = settings.text('options');
  if (options !== undefined && /\s/.test(options))
    throw settings.refuse('options', 'options has a blank', 'use commas');
  return {
    kind: 'fstab',
    name: settings.required('name'),
    line: settings.line,
    base: settings.required('base'),
    options,
    dumpFrequency: settings.number('dump-freq'),
    fsckPass: settings.number('fsck-passno'),
  };
}

function checkNames(nodes: DeviceNode[], file: string): void {
  const seen = new Map<string, DeviceNode>();
  for (const node of nodes) {
    const first = seen.get(node.name);
    if (first) {
      throw invalidConfig(file, node.line, `the name ${node.name} is given twice`, {
        value: node.name,
        hint: `the other is the ${first.kind} of line ${first.line}`,
      });
    }
    seen.set(node.name, node);
  }
}

/** Each mount comes after the one before it, sorted bytewise: so `/var` before `/var/log`. */
function inMountOrder(nodes: DeviceNode[], file: string): DeviceNode[] {
  const mounts = nodes
    .filter((node) => node.kind === 'mount')
    .sort((a, b) => Buffer.compare(Buffer.from(a.mountPoint), Buffer.from(b.mountPoint)));
  return nodes.map((node) => {
    if (node.kind !== 'mount') return node;
    const previous = mounts[mounts.indexOf(node) - 1];
    if (previous?.mountPoint !== node.mountPoint) return { ...node, previous: previous?.name };
    throw invalidConfig(file, node.line, `the mount point ${node.mountPoint} is given twice`, {
      value: node.mountPoint,
      hint: `the other is in line ${previous.line}`,
    });
  });
}
