// A thread that compresses clusters of a raw disk for qcow2.ts. Node runs it as it is, from wherever that is bundled.
import { openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';

const { source, clusterBytes, batchBytes, level } = workerData;
// Node 20 has no zstd; dpkg needs this library, so that every Debian has it.
const zstd = koffi.load('libzstd.so.1');
const context = zstd.func('void *ZSTD_createCCtx()')();
const compress = zstd.func(
  'size_t ZSTD_compressCCtx(void *context, _Out_ void *target, size_t room, const void *source, size_t bytes, int level)',
);
const disk = openSync(source, 'r');
const content = Buffer.alloc(batchBytes);
const zeros = Buffer.alloc(clusterBytes);

parentPort?.on('message', (message) => {
  if (message === 'end') parentPort?.close();
  else parentPort?.postMessage(pack(message.position, message.memory));
});

/**
 * Fills the memory of a batch: frames from its begin, whole clusters from its middle.
 * @returns by cluster: the bytes of its frame, those of the cluster where a frame would not be smaller, 0 of one without data
 */
function pack(position, { frames, whole }) {
  const bytes = read(position);
  const sizes = [];
  let [endOfFrames, endOfWhole] = [0, 0];
  for (let start = 0; start < bytes; start += clusterBytes) {
    const cluster = content.subarray(start, start + clusterBytes);
    const size = cluster.equals(zeros) ? 0 : compressed(cluster, frames.subarray(endOfFrames));
    if (size === clusterBytes) {
      whole.set(cluster, endOfWhole);
      endOfWhole += size;
    } else endOfFrames += size;
    sizes.push(size);
  }
  return sizes;
}

function compressed(cluster, target) {
  const size = Number(compress(context, target, target.length, cluster, clusterBytes, level));
  // An error, such as too little room, is a size that nothing can have.
  return size < clusterBytes ? size : clusterBytes;
}

/** @returns bytes, all of a batch but at the end of the disk; zeros follow */
function read(position) {
  let known = 0;
  while (known < batchBytes) {
    const bytes = readSync(disk, content, known, batchBytes - known, position + known);
    if (bytes === 0) break;
    known += bytes;
  }
  content.fill(0, known);
  return known;
}
