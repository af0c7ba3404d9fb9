import type { LogicalVolumeNode, PhysicalVolumeNode, VolumeGroupNode } from './nodes.js';

/** LVM rounds sizes to this many bytes, its physical extents. */
const extentSize = 4 * 2 ** 20;

/**
 * The command that makes a volume or group. It sees the image's devices only, so that the host's
 * groups can neither be hit nor clash.
 * @param devices the device of each physical volume, by its name
 * @param withUdev whether udevd runs; without it LVM makes the nodes in /dev itself and waits for nobody
 */
export function lvmCommand(
  node: PhysicalVolumeNode | VolumeGroupNode | LogicalVolumeNode,
  devices: Map<string, string>,
  withUdev: boolean,
): [program: string, ...args: string[]] {
  const common = ['--devices', [...devices.values()].join(','), ...(withUdev ? [] : ['--config', withoutUdev])];
  const device = (name: string) => devices.get(name) ?? '';
  const { name, options } = node;
  switch (node.kind) {
    case 'pv':
      return ['pvcreate', ...common, '--yes', ...options, device(name)];
    case 'vg':
      return ['vgcreate', ...common, ...options, name, ...node.base.map(device)];
    case 'lv':
      return ['lvcreate', ...common, '--yes', '--name', name, ...volumeSize(node), ...options, node.base];
  }
}

const withoutUdev = 'activation { udev_sync=0 udev_rules=0 verify_udev_operations=0 }';

function volumeSize({ type, thinPool, size, extents }: LogicalVolumeNode): string[] {
  return [
    ...(type ? ['--type', type] : []),
    ...(thinPool === undefined ? [] : ['--thinpool', thinPool]),
    ...(size === undefined
      ? ['--extents', extents ?? '']
      : [type === 'thin' ? '--virtualsize' : '--size', `${size - (size % extentSize)}b`]),
  ];
}

/** Where device-mapper puts a logical volume: hyphens of names are doubled. */
export function volumePath({ name, base }: LogicalVolumeNode): string {
  const doubled = (word: string) => word.replaceAll('-', '--');
  return `/dev/mapper/${doubled(base)}-${doubled(name)}`;
}
