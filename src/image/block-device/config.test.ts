import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Element } from '../elements.js';
import { blockDeviceGraph, chooseBlockDeviceConfig, planBlockDevices, readBlockDeviceConfig } from './index.js';

const disk = '- local_loop: { name: image0 }\n';

/** One partitioning in lines 2 and 3, whatever is given from line 4. */
const parts = (text: string) => `${disk}- partitioning:\n    base: image0\n${text}`;

it.each([
  ['- local_loop:\n    name: [', 2, 'Flow sequence', undefined],
  ['- local_loop:\n    name: *nobody', 2, 'there is no &nobody', '*nobody'],
  ['local_loop: { name: image0 }', 1, 'it is not a list', undefined],
  [`${disk}- raid: { name: a }`, 2, 'there is no plugin raid', 'raid'],
  [`${disk}- mkfs: { base: image0 }\n  mount: { base: a }`, 3, 'an entry has two keys, mkfs and mount', 'mount'],
  ['- local_loop:', 1, 'local_loop has neither a name nor a base to be named after', undefined],
  ['- local_loop:\n    name: a\n    sice: 4GiB', 3, 'local_loop has no setting sice', 'sice'],
  ['- local_loop:\n    name: a\n    size: 4 GiBs', 3, 'local_loop: size is not a size', '4 GiBs'],
  ['- local_loop:\n    name: a\n    size: 1000', 3, 'local_loop: size is not a multiple of 512 bytes', '1000'],
  ['- local_loop:\n    name: a\n    block_size: 513', 3, 'local_loop: block_size cannot be 513', '513'],
  ['- local_loop:\n    name: ../a', 2, 'local_loop: the name is that of a file and has no slash', '../a'],
  ['- &a\n  local_loop: { name: *a }', 2, 'it is nested more than 50 deep', undefined],
  [parts('    label: dos\n    partitions: []'), 4, 'partitioning: label cannot be dos', 'dos'],
  [parts('    label: gpt\n    partitions: []'), 5, 'partitioning: there is no partition', undefined],
  [parts('    label: gpt\n    partitions:\n      - name: a\n        size: all'), 7, 'size is neither', 'all'],
  [parts('    label: gpt\n    partitions:\n      - size: 1G'), 6, 'name is missing', undefined],
  [
    parts('    label: gpt\n    partitions:\n      - { name: a, size: 1G, flags: [primary] }'),
    6,
    'no primary',
    undefined,
  ],
  [
    parts('    label: mbr\n    partitions:\n      - { name: a, size: 1G, flags: [swap] }'),
    6,
    'no flag swap',
    undefined,
  ],
  [
    parts(
      '    label: mbr\n    partitions:\n      - { name: a, size: 1G }\n      - { name: b, size: 1G, flags: [primary] }',
    ),
    7,
    'a primary partition comes after one that is not',
    undefined,
  ],
  [`${disk}- mkfs: { base: image0 }`, 2, 'mkfs: type is missing', undefined],
  [`${disk}- mkfs: { base: image1, type: ext4 }`, 2, 'the base image1 of mkfs_image1 does not exist', 'image1'],
  [`${disk}- mkfs: { base: image0, type: xfs, label: thirteen-byte }`, 2, 'too long for xfs, 13 > 12', 'thirteen-byte'],
  [`${disk}- local_loop: { name: image0 }`, 2, 'the name image0 is given twice', 'image0'],
  [`${disk}- mount: { base: image0, mount_point: / }`, 2, 'mount_image0 (mount) cannot be on image0', 'image0'],
  [
    `${disk}- mkfs: { base: image0, type: ext4 }\n- mkfs: { name: b, base: image0, type: ext4 }`,
    3,
    'image0 is used twice, by mkfs_image0 and by b',
    'image0',
  ],
  [
    `${disk}- mkfs: { base: image0, type: ext4, mount: { mount_point: /../etc } }`,
    2,
    'mount: mount_point has "..", a blank or "|"',
    '/../etc',
  ],
  [
    `${disk}- lvm: { name: l, pvs: [{ name: p, base: v }], vgs: [{ name: g, base: [p] }], lvs: [{ name: v, base: g, size: 1G }] }`,
    2,
    'nodes are based on each other in a circle',
    'p g v l',
  ],
  [
    `${disk}- lvm: { name: l, pvs: [{ name: p, base: image0 }], vgs: [{ name: g, base: [q] }], lvs: [] }`,
    2,
    'q is not one of the pvs',
    undefined,
  ],
])('refuses %j', (text, line, message, value) => {
  const read = () => blockDeviceGraph(readBlockDeviceConfig(text, 'disk.yaml'));

  expect(read).toThrow(expect.objectContaining({ code: 'BlockDeviceConfigInvalid' }));
  expect(read).toThrow(message);
  expect(read).toThrow(expect.objectContaining({ details: expect.objectContaining({ file: 'disk.yaml', line }) }));
  if (value) expect(read).toThrow(expect.objectContaining({ details: expect.objectContaining({ value }) }));
});

it.each([
  [parts('    label: mbr\n    partitions:\n      - { name: a, size: 1M, type: EF00 }'), 'has the type EF00'],
  [parts('    label: gpt\n    partitions:\n      - { name: a, size: 1M, type: FFFF }'), 'has the type FFFF'],
  [`${disk}- mkfs: { base: image0, type: ext4, uuid: abc }`, 'the uuid of mkfs_image0 is not one'],
])('orders and then refuses to make %j', (text, message) => {
  const config = readBlockDeviceConfig(text, 'disk.yaml');

  expect(blockDeviceGraph(config).order.length).toBeGreaterThan(1);
  expect(() => planBlockDevices(config, 2 ** 30)).toThrow(message);
});

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-disk-'));
});

afterEach(() => rmSync(work, { recursive: true }));

/** Elements with configurations whose text is the file's name. */
function elementsWith(files: string[]): Element[] {
  for (const file of files) {
    mkdirSync(join(work, file, '..'), { recursive: true });
    writeFileSync(join(work, file), file);
  }
  return ['a', 'b'].map((name) => ({ name, path: join(work, name), dependencies: [], provides: [] }));
}

it('chooses the variable, else an element’s file for the architecture or for all, else one file system', () => {
  const elements = elementsWith(['b/block-device-default.yaml', 'b/block-device-ppc64el.yaml']);
  const choose = (environment: Record<string, string>, arch = 'amd64', of = elements) =>
    chooseBlockDeviceConfig(of, arch, environment).text;

  expect(choose({})).toBe('b/block-device-default.yaml');
  expect(choose({}, 'ppc64le')).toBe('b/block-device-ppc64el.yaml');
  expect(choose({ DIB_BLOCK_DEVICE_CONFIG: '- mkfs:' })).toBe('- mkfs:');
  expect(choose({ DIB_BLOCK_DEVICE_CONFIG: `file://${join(work, 'b/block-device-default.yaml')}` })).toBe(
    'b/block-device-default.yaml',
  );
  expect(() => choose({ DIB_BLOCK_DEVICE_CONFIG: 'file:///nowhere' })).toThrow('/nowhere cannot be read');
  const graph = blockDeviceGraph(readBlockDeviceConfig(choose({}, 'amd64', []), 'fallback'));
  expect(graph.order.map(({ name }) => name)).toEqual([
    'image0',
    'mkfs_root',
    'mount_mkfs_root',
    'fstab_mount_mkfs_root',
  ]);
});
