import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSize } from '../../base/sizes.js';
import { imageSize, rootOptions, treeSize } from './index.js';
import { parsePartitionSize, resolvePartitionSize } from './sizes.js';

it.each([
  ['0', 0],
  ['1000', 1000],
  ['1K', 1000],
  ['1 KB', 1000],
  ['1KiB', 1024],
  ['1.5MiB', 1572864],
  ['.5G', 500000000],
  ['2TiB', 2199023255552],
  ['GiB', 1073741824],
])('reads the size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

it.each(['', '.', '1.2.3', '-1', '1k', '1 XB', '5%', 'ten', '1e3', '9999999TiB'])('refuses the size "%s"', (text) => {
  expect(parseSize(text)).toBeUndefined();
});

it('reads shares of what is free', () => {
  expect(parsePartitionSize('33.3%')).toEqual({ percent: 33.3 });
  expect(parsePartitionSize('%')).toBeUndefined();
  expect(resolvePartitionSize({ percent: 33.3 }, 1000)).toBe(333);
});

it('reads back every whole number of every unit', () => {
  const unit = fc.constantFrom(['KiB', 1024] as const, ['MB', 1000 ** 2] as const, ['GiB', 1024 ** 3] as const);

  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4096 }), unit, (count, [name, factor]) => {
      expect(parseSize(`${count}${name}`)).toBe(count * factor);
    }),
  );
});

it('makes an image of its content divided by 0.6, with a journal on ext4 and room for EFI, in 64 KiB', () => {
  expect(imageSize(600, { rootType: 'xfs', efi: false })).toBe(1024);
  expect(imageSize(600, { rootType: 'ext4', efi: false })).toBe(1024 + 65536);
  expect(imageSize(600, { rootType: 'ext4', efi: true })).toBe(1024 + 65536 + 525 * 1024);
  expect(imageSize(600, { rootType: 'ext4', efi: false }, { journalMebibytes: 4 })).toBe(1024 + 4096);
  expect(imageSize(600, { rootType: 'ext4', efi: false }, { gibibytes: 1.5 })).toBe(1572864);
  expect(imageSize(600, { rootType: 'xfs', efi: false }, { extraMebibytes: 1 })).toBe(1664);
});

it('never makes an image smaller than its content, and always of 64 KiB', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), fc.boolean(), (content, efi) => {
      const size = imageSize(content, { rootType: 'xfs', efi });

      expect(size % 64).toBe(0);
      expect(size * 0.6).toBeGreaterThanOrEqual(content - 1);
    }),
  );
});

it('gives an ext4 root many inodes and a journal, others nothing of their own', () => {
  expect(rootOptions('ext4')).toEqual(['-i', '4096', '-J', 'size=64']);
  expect(rootOptions('ext4', { journalMebibytes: 8 }, { more: ' -m 0 ', mostBlocks: 1000 })).toEqual(
    '-E resize=1000 -i 4096 -J size=8 -m 0'.split(' '),
  );
  expect(rootOptions('xfs', {}, { more: '-f' })).toEqual(['-f']);
});

it('adds up the files of a tree in KiB', async () => {
  const tree = mkdtempSync(join(tmpdir(), 'stackwright-tree-'));
  const empty = await treeSize(tree);
  writeFileSync(join(tree, 'file'), Buffer.alloc(65536, 1));

  expect((await treeSize(tree)) - empty).toBe(64);
  rmSync(tree, { recursive: true });
});
