import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { StackwrightError } from '../../base/errors.js';
import { readBlockDeviceConfig } from './config.js';
import { type PartitionTable, sfdiskScript } from './partition-table.js';
import { planBlockDevices } from './plan.js';

const mebibyte = 2 ** 20;

function place(partitioning: object, disk: number): PartitionTable {
  const text = stringify([{ local_loop: { name: 'image0' } }, { partitioning: { base: 'image0', ...partitioning } }]);
  const table = planBlockDevices(readBlockDeviceConfig(text, 'disk.yaml'), disk).tables.get('image0');
  if (!table) throw new Error('no table');
  return table;
}

it('writes an MBR: primaries, then one extended partition with the others', () => {
  const partitions = [
    { name: 'boot', flags: ['boot', 'primary'], size: '10MiB' },
    { name: 'root', size: '50%' },
    { name: 'swap', size: '100%', type: '0x82' },
  ];

  const script = sfdiskScript(place({ label: 'mbr', partitions }, 100 * mebibyte), {
    blockSize: 512,
    uuid: () => '12345678-9abc-4def-8123-456789abcdef',
  });

  expect(script).toBe(`label: dos
label-id: 0x12345678
unit: sectors
1: start=2048, size=20480, type=83, bootable
2: start=22528, size=182272, type=f
5: start=24576, size=90112, type=83
6: start=116736, size=88064, type=82
`);
});

it('writes a GPT', () => {
  const partitions = [
    { name: 'ESP', type: 'EF00', size: '10MiB' },
    { name: 'Root Part', size: '100%' },
  ];

  const script = sfdiskScript(place({ label: 'gpt', partitions }, 100 * mebibyte), {
    blockSize: 512,
    uuid: (name) => `uuid of ${name}`,
  });

  expect(script).toBe(`label: gpt
label-id: uuid of disk
unit: sectors
start=2048, size=20480, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=uuid of partition ESP, name="ESP"
start=22528, size=180224, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=uuid of partition Root Part, name="Root Part"
`);
});

it('never lets partitions overlap, leave their alignment or the disk', () => {
  const layout = fc.record({
    label: fc.constantFrom('mbr', 'gpt'),
    align: fc.constantFrom(mebibyte, 4 * mebibyte),
    primary: fc.integer({ min: 0, max: 3 }),
    sizes: fc.array(
      fc.oneof(
        fc.integer({ min: 1, max: 100 }).map((share) => `${share}%`),
        fc.integer({ min: 1, max: 300_000 }).map((size) => `${size}KiB`),
      ),
      { minLength: 1, maxLength: 9 },
    ),
    disk: fc.integer({ min: 2, max: 4000 }).map((size) => size * mebibyte + 512 * (size % 3)),
  });

  fc.assert(
    fc.property(layout, ({ label, align, primary, sizes, disk }) => {
      const partitions = sizes.map((size, index) => {
        const flags = label === 'mbr' && index < primary ? ['primary'] : [];
        return { name: `p${index}`, size, flags };
      });
      let table: PartitionTable;
      try {
        table = place({ label, align, partitions }, disk);
      } catch (error) {
        expect(error).toBeInstanceOf(StackwrightError);
        expect(error).toMatchObject({ code: 'PartitionsTooLarge', details: { file: 'disk.yaml' } });
        return;
      }
      let end = mebibyte;
      for (const { start, size } of table.partitions) {
        expect(start % align).toBe(0);
        expect(size % 512).toBe(0);
        expect(size).toBeGreaterThan(0);
        expect(start).toBeGreaterThanOrEqual(end);
        end = start + size;
      }
      expect(end).toBeLessThanOrEqual(label === 'gpt' ? disk - mebibyte : disk);
    }),
  );
});

it('says which partition does not fit', () => {
  const partitions = [
    { name: 'root', size: '60MiB' },
    { name: 'var', size: '60MiB' },
  ];

  for (const label of ['mbr', 'gpt']) {
    expect(() => place({ label, partitions }, 100 * mebibyte)).toThrow('the partition var does not fit on its disk');
  }
});
