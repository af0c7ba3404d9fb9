import { expect, it } from 'vitest';
import { lvmCommand, volumePath } from './lvm.js';
import type { LogicalVolumeNode, PhysicalVolumeNode, VolumeGroupNode } from './nodes.js';

const volume = (name: string, settings: Partial<LogicalVolumeNode>): LogicalVolumeNode => {
  return { kind: 'lv', name, line: 1, base: 'vg', options: [], ...settings };
};

it('makes physical volumes, groups and volumes, and sees only the image’s devices', () => {
  const devices = new Map([
    ['pv1', '/dev/loop1'],
    ['pv2', '/dev/loop2'],
  ]);
  const nodes: (PhysicalVolumeNode | VolumeGroupNode | LogicalVolumeNode)[] = [
    { kind: 'pv', name: 'pv1', line: 1, base: 'root', options: ['--force'] },
    { kind: 'pv', name: 'pv2', line: 1, base: 'data', options: [] },
    { kind: 'vg', name: 'vg', line: 1, base: ['pv1', 'pv2'], options: [] },
    volume('pool', { type: 'thin-pool', extents: '90%VG' }),
    volume('lv_thin', { type: 'thin', thinPool: 'pool', size: 10 ** 9 }),
    volume('lv_plain', { size: 2 ** 30, options: ['--wipesignatures', 'y'] }),
  ];

  const commands = nodes.map((node) => lvmCommand(node, devices, true));

  expect(commands.map((words) => words.join(' '))).toEqual([
    'pvcreate --devices /dev/loop1,/dev/loop2 --yes --force /dev/loop1',
    'pvcreate --devices /dev/loop1,/dev/loop2 --yes /dev/loop2',
    'vgcreate --devices /dev/loop1,/dev/loop2 vg /dev/loop1 /dev/loop2',
    'lvcreate --devices /dev/loop1,/dev/loop2 --yes --name pool --type thin-pool --extents 90%VG vg',
    'lvcreate --devices /dev/loop1,/dev/loop2 --yes --name lv_thin --type thin --thinpool pool --virtualsize 998244352b vg',
    'lvcreate --devices /dev/loop1,/dev/loop2 --yes --name lv_plain --size 1073741824b --wipesignatures y vg',
  ]);
});

it('waits for no udev where none runs', () => {
  const command = lvmCommand(volume('lv', { extents: '10' }), new Map([['pv', '/dev/loop1']]), false);

  expect(command.slice(0, 5)).toEqual([
    'lvcreate',
    '--devices',
    '/dev/loop1',
    '--config',
    'activation { udev_sync=0 udev_rules=0 verify_udev_operations=0 }',
  ]);
});

it('finds a volume where device-mapper puts it', () => {
  expect(volumePath(volume('lv-root', { base: 'my-vg' }))).toBe('/dev/mapper/my--vg-lv--root');
});
