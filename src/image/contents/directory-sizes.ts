import { order } from './dpkg.js';
import type { FileEntry } from './walk.js';

/** A directory with all that is below it, as du(1) counts. */
export interface DirectorySize {
  /** In the image, in bytes as those of `walkFiles`. */
  path: string;
  /** On its file system: holes are not counted, and a file with several names is counted once. */
  allocatedBytes: number;
  files: number;
}

/**
 * Adds up files by the directories that hold them, down to a depth.
 * @returns `add`, to be called for each file in the order of `walkFiles`, and the result, largest first
 */
export function sumDirectories(depth: number): { add(file: FileEntry): void; largestFirst(): DirectorySize[] } {
  const sizes = new Map<string, DirectorySize>();
  const counted = new Set<string>();
  return {
    add({ path, type, allocated, sharedInode }) {
      if (type === 'directory' && depthOf(path) <= depth) sizes.set(path, { path, allocatedBytes: 0, files: 0 });
      const again = sharedInode !== undefined && counted.has(sharedInode);
      if (sharedInode !== undefined) counted.add(sharedInode);
      for (const directory of [path, ...directoriesAbove(path, depth)]) {
        const size = sizes.get(directory);
        if (!size) continue;
        if (!again) size.allocatedBytes += allocated;
        if (type !== 'directory') size.files++;
      }
    },
    largestFirst: () =>
      [...sizes.values()].sort((a, b) => b.allocatedBytes - a.allocatedBytes || order(a.path, b.path)),
  };
}

function depthOf(path: string): number {
  return path === '/' ? 0 : path.split('/').length - 1;
}

/** The directories above a path that are at most so deep. */
function directoriesAbove(path: string, depth: number): string[] {
  if (path === '/') return [];
  const above = ['/'];
  for (let end = path.indexOf('/', 1); end > 0 && above.length <= depth; end = path.indexOf('/', end + 1)) {
    above.push(path.slice(0, end));
  }
  return above;
}
