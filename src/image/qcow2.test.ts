import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeQcow2 } from './qcow2.js';

let work: string;
let disk: string;
let image: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-qcow2-'));
  disk = join(work, 'disk.raw');
  image = join(work, 'disk.qcow2');
});

afterEach(() => rmSync(work, { recursive: true }));

const cluster = 65536;
const kinds = ['hole', 'zeros', 'text', 'noise', 'mixed', 'copy'] as const;
type Kind = (typeof kinds)[number];

const copied = randomFillSync(Buffer.alloc(cluster), 1000, cluster / 2);

function content(kind: Kind): Buffer {
  if (kind === 'copy') return copied;
  const bytes = Buffer.alloc(cluster);
  if (kind === 'text') bytes.fill('the same again, ');
  if (kind === 'noise') randomFillSync(bytes);
  if (kind === 'mixed') randomFillSync(bytes, 1000, cluster / 2);
  return bytes;
}

/** Runs of clusters of one kind, and bytes that fill no cluster. */
async function makeDisk(runs: { kind: Kind; clusters: number }[], sectorsMore: number): Promise<void> {
  const file = await open(disk, 'w');
  let place = 0;
  for (const { kind, clusters } of runs) {
    for (let at = 0; at < clusters; at++, place += cluster) {
      if (kind !== 'hole') await file.write(content(kind), 0, cluster, place);
    }
  }
  await file.write(content('mixed'), 0, sectorsMore * 512, place);
  await file.truncate(place + sectorsMore * 512);
  await file.close();
}

/** By the format's own programs. */
function expectSame(): void {
  execFileSync('qemu-img', ['check', '-q', image]);
  execFileSync('qemu-img', ['compare', '-q', '-f', 'raw', '-F', 'qcow2', disk, image]);
}

it('writes any disk so that qemu-img finds the same in it, and no fault', async () => {
  const runs = fc.array(fc.record({ kind: fc.constantFrom(...kinds), clusters: fc.integer({ min: 1, max: 90 }) }), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(runs, fc.integer({ min: 0, max: 127 }), async (runs, sectorsMore) => {
      await makeDisk(runs, sectorsMore);
      await writeQcow2(disk, image);
      expectSame();
    }),
    {
      numRuns: 40,
      examples: [
        [[], 0],
        [[], 1],
        [[{ kind: 'hole', clusters: 9 }], 0],
      ],
    },
  );
});

it('counts clusters and finds them in disks of more than one table', async () => {
  const gigabyte = 2 ** 30;
  const file = await open(disk, 'w');
  for (const place of [0, 0.6 * gigabyte, 9.9 * gigabyte]) {
    await file.write(content('mixed'), 0, cluster, Math.round(place / 512) * 512);
  }
  await file.truncate(10 * gigabyte);
  await file.close();

  await writeQcow2(disk, image);

  expectSame();
  expect(statSync(image).size).toBeLessThan(2 ** 20);
});

it('compresses with zstd to about the size that qemu-img needs, and to the same bytes each time', async () => {
  await makeDisk([{ kind: 'mixed', clusters: 200 }], 0);
  execFileSync('qemu-img', ['convert', '-c', '-O', 'qcow2', '-o', 'compression_type=zstd', disk, join(work, 'peer')]);

  await writeQcow2(disk, image);
  const first = readFileSync(image);
  await writeQcow2(disk, image);

  expect(readFileSync(image).equals(first)).toBe(true);
  expect(first.length).toBeLessThan(1.05 * statSync(join(work, 'peer')).size);
  const info = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', image], { encoding: 'utf8' }));
  expect(info['format-specific'].data['compression-type']).toBe('zstd');
});

it('writes what is there many times a few times', async () => {
  await makeDisk(
    [
      { kind: 'copy', clusters: 5000 },
      { kind: 'mixed', clusters: 3 },
      { kind: 'copy', clusters: 3 },
    ],
    0,
  );

  await writeQcow2(disk, image);

  expectSame();
  expect(statSync(image).size).toBeLessThan(10 * cluster);
  // As a machine writes to its disk: only that cluster is another one then.
  for (const file of [image, disk]) {
    const format = file === image ? 'qcow2' : 'raw';
    execFileSync('qemu-io', ['-f', format, '-c', `write -P 7 ${100 * cluster} ${cluster}`, file]);
  }
  expectSame();
});

it('gives back what it has read of a disk that nobody needs any more', async () => {
  await makeDisk([{ kind: 'text', clusters: 5000 }], 0);
  const used = () => statSync(disk).blocks * 512;
  const before = used();

  await writeQcow2(disk, image, { consume: true });

  expect(before).toBeGreaterThanOrEqual(5000 * cluster);
  expect(used()).toBe(before - 4096 * cluster);
});

it('stops where it is told to', async () => {
  writeFileSync(disk, content('text'));

  const writing = writeQcow2(disk, image, { signal: AbortSignal.abort() });

  await expect(writing).rejects.toMatchObject({ code: 'Interrupted' });
});
