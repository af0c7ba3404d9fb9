import { expect, it } from 'vitest';
import { fstabText } from './fstab.js';
import { blockDeviceGraph, blockDeviceParameters, describeGraph, readBlockDeviceConfig } from './index.js';

const efi = `- local_loop:
    name: image0
- partitioning:
    base: image0
    label: gpt
    partitions:
      - name: ESP
        type: EF00
        size: 550MiB
        mkfs:
          type: vfat
          mount:
            mount_point: /boot/efi
            fstab:
              fsck-passno: 2
      - name: root
        size: 100%
        mkfs:
          mount:
            mount_point: /
            fstab: { options: noatime, fsck-passno: 1 }
`;

it('orders nodes generation by generation, nested ones named after their base', () => {
  const { nodes, edges, order } = describeGraph(blockDeviceGraph(readBlockDeviceConfig(efi, 'disk.yaml')));

  expect(nodes.map(({ name }) => name)).toEqual([
    'image0',
    'fstab_mount_mkfs_ESP',
    'mount_mkfs_ESP',
    'mkfs_ESP',
    'fstab_mount_mkfs_root',
    'mount_mkfs_root',
    'mkfs_root',
    'ESP',
    'root',
  ]);
  expect(edges).toEqual([
    ['image0', 'ESP'],
    ['image0', 'root'],
    ['mount_mkfs_ESP', 'fstab_mount_mkfs_ESP'],
    ['mkfs_ESP', 'mount_mkfs_ESP'],
    ['mount_mkfs_root', 'mount_mkfs_ESP'],
    ['mount_mkfs_root', 'fstab_mount_mkfs_root'],
    ['mkfs_root', 'mount_mkfs_root'],
    ['ESP', 'mkfs_ESP'],
    ['ESP', 'root'],
    ['root', 'mkfs_root'],
  ]);
  expect(order).toEqual([
    'image0',
    'ESP',
    'mkfs_ESP',
    'root',
    'mkfs_root',
    'mount_mkfs_root',
    'mount_mkfs_ESP',
    'fstab_mount_mkfs_root',
    'fstab_mount_mkfs_ESP',
  ]);
});

it('puts one lvm between its devices and its volumes', () => {
  const graph = blockDeviceGraph(readBlockDeviceConfig(thin, 'disk.yaml'));

  expect(describeGraph(graph).order).toEqual([
    'image0',
    'data',
    'lvm_data',
    'pv',
    'vg',
    'pool',
    'lv_root',
    'mkfs_root',
    'mount_mkfs_root',
  ]);
  expect(graph.nodes.find(({ name }) => name === 'lv_root')).toMatchObject({
    type: 'thin',
    thinPool: 'pool',
    size: 1e9,
  });
});

const thin = `- local_loop: { name: image0 }
- partitioning:
    base: image0
    label: mbr
    partitions:
      - name: data
        size: 100%
        lvm:
          pvs: [{ name: pv, base: data, options: [--force] }]
          vgs: [{ name: vg, base: pv }]
          lvs:
            - { name: pool, base: vg, type: thin-pool, extents: 90%VG }
            - { name: lv_root, base: vg, type: thin, thin-pool: pool, size: 1G }
- mkfs: { name: mkfs_root, base: lv_root, mount: { mount_point: / } }
`;

it('gives type and label of the root to mkfs_root only, where it has none of its own', () => {
  const read = (type?: string, label?: string) =>
    blockDeviceParameters(readBlockDeviceConfig(efi, 'disk.yaml', { type, label }));

  expect(read()).toEqual({
    rootLabel: 'cloudimg-rootfs',
    rootType: 'ext4',
    bootLabel: '',
    mountPoints: ['/boot/efi', '/'],
    efi: true,
  });
  expect(read('xfs')).toMatchObject({ rootLabel: 'img-rootfs', rootType: 'xfs' });
  expect(read('ext3', 'system')).toMatchObject({ rootLabel: 'system', rootType: 'ext3' });
});

it('writes etc/fstab in the order of mounting', () => {
  const graph = blockDeviceGraph(readBlockDeviceConfig(efi, 'disk.yaml'));

  expect(fstabText(graph)).toBe(
    'LABEL=cloudimg-rootfs / ext4 noatime 0 1\nLABEL=MKFS_ESP /boot/efi vfat defaults 0 2\n',
  );
});
