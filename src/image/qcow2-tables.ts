// What a qcow2 says of its clusters: QEMU's docs/interop/qcow2.txt, of version 3.
import type { FileHandle } from 'node:fs/promises';

export const clusterBytes = 2 ** 16;
const sectorBytes = 512;

/** Bits of an entry in a table of clusters. */
const compressedFlag = 1n << 62n;
const ownedFlag = 1n << 63n;
const sectorsShift = 62n - 8n;

export interface Clusters {
  /** What the tables say of each; 0 of one without data. */
  entries: BigUint64Array;
  /** Where the last one ends in the file. */
  end: number;
}

/** Of a cluster that is as it is, or a table. */
export function wholeEntry(offset: number): bigint {
  return BigInt(offset) | ownedFlag;
}

/** Says in how many more sectors than that of its first byte a frame is. */
export function frameEntry(offset: number, bytes: number): bigint {
  if (bytes === 0) return 0n;
  const more = Math.floor((offset + bytes - 1) / sectorBytes) - Math.floor(offset / sectorBytes);
  return BigInt(offset) | (BigInt(more) << sectorsShift) | compressedFlag;
}

const entriesPerTable = clusterBytes / 8;
const countsPerBlock = clusterBytes / 2;

/** Tables of clusters, the table of those, counts of references, and at last the header, which says where they are. */
export async function writeTables(output: FileHandle, size: number, { entries, end }: Clusters): Promise<void> {
  const data = clustersFor(end);
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

/** How many entries lead to something in each cluster of the file. */
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

export function clustersFor(bytes: number): number {
  return Math.ceil(bytes / clusterBytes);
}

/** Where the disk is full, one writing may write a part, and only the next one fails. */
export async function writeAll(file: FileHandle, buffer: Uint8Array, position: number): Promise<void> {
  for (let known = 0; known < buffer.length; ) {
    const { bytesWritten } = await file.write(buffer, known, buffer.length - known, position + known);
    known += bytesWritten;
  }
}
