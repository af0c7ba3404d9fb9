import type { FileSystemNode } from './nodes.js';

const extended = ['ext2', 'ext3', 'ext4'];

/**
 * The program and arguments that make a file system, without the device.
 * @param options where the configuration has none
 * @param tree a directory that an ext file system is filled with while it is made
 */
export function fileSystemCommand(
  { type, label, options }: FileSystemNode,
  { uuid, defaultOptions = [], tree }: { uuid: string; defaultOptions?: string[]; tree?: string },
): [program: string, ...args: string[]] {
  const own = options ?? defaultOptions;
  if (extended.includes(type)) {
    const content = tree === undefined ? [] : ['-d', tree];
    return [`mkfs.${type}`, ...own, '-L', label, '-U', uuid, '-q', ...content];
  }
  switch (type) {
    case 'xfs':
      return ['mkfs.xfs', ...own, '-L', label, '-m', `uuid=${uuid}`, '-q'];
    case 'vfat':
    case 'fat':
      return [`mkfs.${type}`, ...own, '-n', label, '-i', uuid.replace('-', '').slice(0, 8)];
    case 'swap':
      return ['mkswap', ...own, '-L', label, '-U', uuid];
    default:
      return [`mkfs.${type}`, ...own, '-L', label];
  }
}

/** Whether `mkfs` can fill it, so that it need not be mounted and copied to. */
export function fillsWhileMaking({ type, options }: FileSystemNode): boolean {
  return extended.includes(type) && options?.includes('-d') !== true;
}
