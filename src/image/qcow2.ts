import { hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import { packageRoot } from '../base/package-root.js';
import {
  type Clusters,
  clusterBytes,
  clustersFor,
  frameEntry,
  wholeEntry,
  writeAll,
  writeTables,
} from './qcow2-tables.js';

export interface Qcow2Options {
  /** Nobody needs the source any more: what was read of it is given back, so that the two are never whole at once. */
  consume?: boolean;
  signal?: AbortSignal;
}

/** Takes two thirds of the time of qemu-img's level 3, for one hundredth more bytes. */
const level = 2;
/**
 * Frames from this size on are written once, however many clusters they are of: a hundredth of an image of Debian. Of
 * smaller ones there can be thousands in a cluster of the file, and references to it are counted in 16 bits.
 */
const sharedBytes = 4096;
const mostReferences = 2 ** 16 / (clusterBytes / sharedBytes) / 2;
/** What is read, compressed and written at once. */
const batchBytes = 64 * clusterBytes;
/** How many batches each thread has before it. */
const batchesAhead = 2;
const mostThreads = 8;
/** How much of the source is given back at once. */
const consumedBytes = 64 * batchBytes;

/**
 * Writes a disk as `qemu-img convert -c -O qcow2 -o compression_type=zstd` does, in two thirds of its time, and always
 * the same bytes for the same disk. Format: QEMU's docs/interop/qcow2.txt.
 * @param source a raw disk
 * @throws StackwrightError `LibraryMissing`, `Interrupted`
 */
export async function writeQcow2(source: string, file: string, options: Qcow2Options = {}): Promise<void> {
  await using output = await open(file, 'w');
  const { size, batches } = await dataBatches(source);
  const threads = Array.from({ length: Math.min(availableParallelism(), mostThreads) }, () => startThread(source));
  try {
    const clusters = await writeClusters({ source, size, batches, threads, output, options });
    await writeTables(output, size, clusters);
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

/** What a thread makes of a batch. */
interface Packed {
  /** Of its first cluster in the disk. */
  position: number;
  /** By cluster: the bytes of its frame, those of the cluster where a frame would not be smaller, 0 of one without data. */
  sizes: number[];
  memory: BatchMemory;
}

/** Shared with the thread: transferred memory would be collected again and again. */
interface BatchMemory {
  /** Without anything between them. */
  frames: Uint8Array;
  whole: Uint8Array;
}

function batchMemory(): BatchMemory {
  const shared = (bytes: number) => new Uint8Array(new SharedArrayBuffer(bytes));
  // zstd is faster with more room than it needs.
  return { frames: shared(batchBytes + clusterBytes), whole: shared(batchBytes) };
}

interface Thread {
  /** One after another. The memory belongs to the thread until it has answered. */
  pack(position: number, memory: BatchMemory): Promise<Packed>;
  end(): Promise<unknown>;
}

function startThread(source: string): Thread {
  const workerData = { source, clusterBytes, batchBytes, level };
  const worker = new Worker(join(packageRoot(), 'src', 'image', 'qcow2-worker.mjs'), { workerData });
  const waiting: { resolve(sizes: number[]): void; reject(error: unknown): void }[] = [];
  const exited = new Promise((resolve) => worker.once('exit', resolve));
  let failure: unknown;
  worker.on('message', (sizes: number[]) => waiting.shift()?.resolve(sizes));
  worker.on('error', (error) => {
    failure = libraryError(error);
    for (const { reject } of waiting.splice(0)) reject(failure);
  });
  return {
    async pack(position, memory) {
      const sizes = await new Promise<number[]>((resolve, reject) => {
        if (failure !== undefined) reject(failure);
        else waiting.push({ resolve, reject });
        worker.postMessage({ position, memory });
      });
      return { position, sizes, memory };
    },
    // Node aborts where a thread is terminated while it loads the library.
    end: () => {
      worker.postMessage('end');
      return exited;
    },
  };
}

function libraryError(cause: Error): Error {
  if (!cause.message.includes('libzstd')) return cause;
  const hint = 'apt-get install libzstd1';
  return new StackwrightError('LibraryMissing', 'the library libzstd.so.1 cannot be loaded', { hint, cause });
}

const extents = z.array(z.object({ start: z.number(), length: z.number(), data: z.boolean() }));

/** Where batches begin, without those in which a sparse file has nothing. */
async function dataBatches(source: string): Promise<{ size: number; batches: number[] }> {
  const { stdout } = await run('qemu-img', ['map', '--output=json', '-f', 'raw', source]);
  const all = extents.parse(JSON.parse(stdout));
  const batches: number[] = [];
  let known = 0;
  for (const { start, length, data } of all) {
    if (!data) continue;
    known = Math.max(known, Math.floor(start / clusterBytes) * clusterBytes);
    for (; known < start + length; known += batchBytes) batches.push(known);
  }
  const last = all.at(-1);
  return { size: last ? last.start + last.length : 0, batches };
}

interface Writing {
  source: string;
  size: number;
  batches: number[];
  threads: Thread[];
  output: FileHandle;
  options: Qcow2Options;
}

/** All threads work at once; what they have made is written in order. */
async function writeClusters({ source, size, batches, threads, output, options }: Writing): Promise<Clusters> {
  const entries = new BigUint64Array(Math.ceil(size / clusterBytes));
  const known: KnownFrames = new Map();
  const memories = Array.from({ length: threads.length * batchesAhead }, batchMemory);
  const begin = (memory: BatchMemory, batch: number) => {
    const position = batches[batch];
    const packing = position === undefined ? undefined : threads[batch % threads.length]?.pack(position, memory);
    // Who waits for it hears of a failure.
    packing?.catch(() => {});
    return packing;
  };
  const packing = memories.map(begin);
  // The header has the first cluster.
  let end = clusterBytes;
  let consumed = 0;
  for (let batch = 0; ; batch++) {
    if (options.signal?.aborted) {
      throw new StackwrightError('Interrupted', 'the writing of a qcow2 was interrupted', { value: source });
    }
    const packed = await packing[batch % packing.length];
    if (!packed) return { entries, end };
    end = await place(packed, output, end, entries, known);
    packing[batch % packing.length] = begin(packed.memory, batch + packing.length);
    if (options.consume && packed.position - consumed >= consumedBytes) {
      await giveBack(source, consumed, packed.position - consumed);
      consumed = packed.position;
    }
  }
}

/** The entries of frames that are in the file, and how many clusters are of them, by a digest of their bytes. */
type KnownFrames = Map<string, { entry: bigint; references: number }>;

/** @returns where the file ends then */
async function place(
  { position, sizes, memory }: Packed,
  output: FileHandle,
  end: number,
  entries: BigUint64Array,
  known: KnownFrames,
): Promise<number> {
  const first = position / clusterBytes;
  const wholes: number[] = [];
  let [frame, frameBytes] = [0, 0];
  for (const [index, bytes] of sizes.entries()) {
    if (bytes === clusterBytes) {
      wholes.push(first + index);
      continue;
    }
    const content = memory.frames.subarray(frame, frame + bytes);
    const digest = bytes < sharedBytes ? undefined : hash('sha256', content, 'base64');
    const same = digest === undefined ? undefined : known.get(digest);
    if (same && same.references < mostReferences) {
      same.references++;
      entries[first + index] = same.entry;
    } else {
      const entry = frameEntry(end + frameBytes, bytes);
      entries[first + index] = entry;
      if (digest !== undefined) known.set(digest, { entry, references: 1 });
      memory.frames.copyWithin(frameBytes, frame, frame + bytes);
      frameBytes += bytes;
    }
    frame += bytes;
  }
  await writeAll(output, memory.frames.subarray(0, frameBytes), end);
  if (wholes.length === 0) return end + frameBytes;
  const start = clustersFor(end + frameBytes) * clusterBytes;
  await writeAll(output, memory.whole.subarray(0, wholes.length * clusterBytes), start);
  for (const [index, cluster] of wholes.entries()) entries[cluster] = wholeEntry(start + index * clusterBytes);
  return start + wholes.length * clusterBytes;
}

async function giveBack(file: string, offset: number, bytes: number): Promise<void> {
  await run('fallocate', ['--punch-hole', '--offset', String(offset), '--length', String(bytes), file]);
}
