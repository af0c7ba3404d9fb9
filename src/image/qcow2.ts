import { type FileHandle, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import { packageRoot } from '../base/package-root.js';

export interface Qcow2Options {
  /** Nobody needs the source any more: what was read of it is given back, so that the two are never whole at once. */
  consume?: boolean;
  signal?: AbortSignal;
}

const clusterBytes = 2 ** 16;
const sectorBytes = 512;
/** Takes two thirds of the time of qemu-img's level 3, for one hundredth more bytes. */
const level = 2;
/** What is read, compressed and written at once. */
const batchBytes = 64 * clusterBytes;
/** How many batches each thread has before it. */
const batchesAhead = 2;
const mostThreads = 8;
/** How much of the source is given back at once. */
const consumedBytes = 64 * batchBytes;

/** Bits of an entry in a table of clusters. */
const compressedFlag = 1n << 62n;
const ownedFlag = 1n << 63n;
const sectorsShift = 62n - 8n;

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
    end: () => worker.terminate(),
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

interface Clusters {
  /** What the tables say of each; 0 of one without data. */
  entries: BigUint64Array;
  /** Where the last one ends in the file. */
  end: number;
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
    end = await place(packed, output, end, entries);
    packing[batch % packing.length] = begin(packed.memory, batch + packing.length);
    if (options.consume && packed.position - consumed >= consumedBytes) {
      await giveBack(source, consumed, packed.position - consumed);
      consumed = packed.position;
    }
  }
}

/** @returns where the file ends then */
async function place(packed: Packed, output: FileHandle, end: number, entries: BigUint64Array): Promise<number> {
  const { position, sizes, memory } = packed;
  const wholes = sizes.filter((bytes) => bytes === clusterBytes).length;
  const frameBytes = sizes.reduce((sum, bytes) => sum + bytes, 0) - wholes * clusterBytes;
  await writeAll(output, memory.frames.subarray(0, frameBytes), end);
  let nextWhole = wholes > 0 ? alignUp(end + frameBytes) : end + frameBytes;
  await writeAll(output, memory.whole.subarray(0, wholes * clusterBytes), nextWhole);
  let nextFrame = end;
  for (const [index, bytes] of sizes.entries()) {
    const isWhole = bytes === clusterBytes;
    entries[position / clusterBytes + index] = isWhole ? wholeEntry(nextWhole) : frameEntry(nextFrame, bytes);
    if (isWhole) nextWhole += bytes;
    else nextFrame += bytes;
  }
  return nextWhole;
}

function wholeEntry(offset: number): bigint {
  return BigInt(offset) | ownedFlag;
}

/** Says in how many more sectors than that of its first byte a frame is. */
function frameEntry(offset: number, bytes: number): bigint {
  if (bytes === 0) return 0n;
  const more = Math.floor((offset + bytes - 1) / sectorBytes) - Math.floor(offset / sectorBytes);
  return BigInt(offset) | (BigInt(more) << sectorsShift) | compressedFlag;
}

const entriesPerTable = clusterBytes / 8;
const countsPerBlock = clusterBytes / 2;

/** Tables of clusters, the table of those, counts of references, and at last the header, which says where they are. */
async function writeTables(output: FileHandle, size: number, { entries, end }: Clusters): Promise<void> {
  const data = Math.ceil(end / clusterBytes);
  const tables = Math.ceil(entries.length / entriesPerTable);
  const used = Array.from({ length: tables }, (_, table) => {
    return entries.subarray(table * entriesPerTable, (table + 1) * entriesPerTable).some((entry) => entry !== 0n);
  });
  const listClusters = clustersFor(tables * 8);
  const before = data + used.filter(Boolean).length + listClusters;
  const { blocks, total } = countBlocks(before);

  const list = Buffer.alloc(listClusters * clusterBytes);
  let place = data;
  for (const [table, isUsed] of used.entries()) {
    if (!isUsed) continue;
    const content = Buffer.alloc(clusterBytes);
    const its = entries.subarray(table * entriesPerTable, (table + 1) * entriesPerTable);
    for (const [index, entry] of its.entries()) content.writeBigUInt64BE(entry, index * 8);
    await writeAll(output, content, place * clusterBytes);
    list.writeBigUInt64BE(wholeEntry(place * clusterBytes), table * 8);
    place++;
  }
  await writeAll(output, list, place * clusterBytes);

  const counts = Buffer.alloc(blocks * clusterBytes);
  for (const [cluster, count] of referenceCounts(entries, data, total).entries()) {
    counts.writeUInt16BE(count, cluster * 2);
  }
  await writeAll(output, counts, before * clusterBytes);
  const blockList = Buffer.alloc((total - before - blocks) * clusterBytes);
  for (let block = 0; block < blocks; block++) {
    blockList.writeBigUInt64BE(BigInt((before + block) * clusterBytes), block * 8);
  }
  await writeAll(output, blockList, (before + blocks) * clusterBytes);
  const places = { list: place, tables, blockList: before + blocks, blockListClusters: total - before - blocks };
  await writeAll(output, header(size, places), 0);
}

/** The blocks of counts are counted too, and so are the clusters that say where the blocks are. */
function countBlocks(before: number): { blocks: number; total: number } {
  let [blocks, total] = [0, before];
  for (;;) {
    const needed = Math.ceil(total / countsPerBlock);
    if (needed === blocks) return { blocks, total };
    blocks = needed;
    total = before + blocks + clustersFor(blocks * 8);
  }
}

/** How many frames or tables are in each cluster of the file. */
function referenceCounts(entries: BigUint64Array, data: number, total: number): Uint16Array {
  const counts = new Uint16Array(total);
  counts[0] = 1;
  counts.fill(1, data);
  for (const entry of entries) {
    if (entry === 0n) continue;
    const offset = Number(entry & ((1n << sectorsShift) - 1n));
    const isFrame = (entry & compressedFlag) !== 0n;
    const more = isFrame ? Number((entry >> sectorsShift) & 0xffn) : 0;
    const last = Math.floor((Math.floor(offset / sectorBytes) + more) / (clusterBytes / sectorBytes));
    for (let cluster = Math.floor(offset / clusterBytes); cluster <= last; cluster++) {
      counts[cluster] = (counts[cluster] ?? 0) + 1;
    }
  }
  return counts;
}

/** In clusters, but for the entries of the list. */
interface Places {
  list: number;
  tables: number;
  blockList: number;
  blockListClusters: number;
}

/** Of version 3, with the one feature that a reader must know: clusters are not compressed by zlib. */
function header(size: number, { list, tables, blockList, blockListClusters }: Places): Buffer {
  const content = Buffer.alloc(clusterBytes);
  content.write('QFI\xfb', 0, 'latin1');
  content.writeUInt32BE(3, 4);
  content.writeUInt32BE(Math.log2(clusterBytes), 20);
  content.writeBigUInt64BE(BigInt(Math.ceil(size / sectorBytes) * sectorBytes), 24);
  content.writeUInt32BE(tables, 36);
  content.writeBigUInt64BE(BigInt(list * clusterBytes), 40);
  content.writeBigUInt64BE(BigInt(blockList * clusterBytes), 48);
  content.writeUInt32BE(blockListClusters, 56);
  const compressionFeature = 1n << 3n;
  content.writeBigUInt64BE(compressionFeature, 72);
  const countBits = 16;
  content.writeUInt32BE(Math.log2(countBits), 96);
  const headerBytes = 112;
  content.writeUInt32BE(headerBytes, 100);
  const zstd = 1;
  content.writeUInt8(zstd, 104);
  return content;
}

function clustersFor(bytes: number): number {
  return Math.ceil(bytes / clusterBytes);
}

function alignUp(offset: number): number {
  return Math.ceil(offset / clusterBytes) * clusterBytes;
}

/** Where the disk is full, one writing may write a part, and only the next one fails. */
async function writeAll(file: FileHandle, buffer: Uint8Array, position: number): Promise<void> {
  for (let known = 0; known < buffer.length; ) {
    const { bytesWritten } = await file.write(buffer, known, buffer.length - known, position + known);
    known += bytesWritten;
  }
}

async function giveBack(file: string, offset: number, bytes: number): Promise<void> {
  await run('fallocate', ['--punch-hole', '--offset', String(offset), '--length', String(bytes), file]);
}
