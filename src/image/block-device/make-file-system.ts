import type { FileSystemNode } from './nodes.js';

const extended = ['ext2', 'ext3', 'ext4'];

export interface FileSystemContent {
  uuid: string;
  /** Where the configuration has no options. */
  defaultOptions?: string[];
  /** A directory that an ext file system is filled with while it is made. */
  tree?: string;
  /** Nothing random, and no time of now. */
  reproducible?: boolean;
  /** Bytes before an ext file system that is made within the file of a disk. */
  offset?: number;
  /** There are only zeros where it is made, so that an ext file system need not write those of its journal. */
  blank?: boolean;
}

/**
 * The program and arguments that make a file system, without the device.
 */
export function fileSystemCommand(
  { type, label, options }: FileSystemNode,
  { uuid, defaultOptions = [], tree, reproducible, offset, blank }: FileSystemContent,
): [program: string, ...args: string[]] {
  const own = options ?? defaultOptions;
  if (extended.includes(type)) {
    const content = tree === undefined ? [] : ['-d', tree];
    const [plain, extendedOptions] = takeExtendedOptions(own);
    if (reproducible) extendedOptions.push(`hash_seed=${uuid}`);
    if (offset !== undefined) extendedOptions.push(`offset=${offset}`);
    if (blank) extendedOptions.push('lazy_journal_init=1');
    const settings = extendedOptions.length > 0 ? ['-E', extendedOptions.join(',')] : [];
    return [`mkfs.${type}`, ...plain, ...settings, '-L', label, '-U', uuid, '-q', ...content];
  }
  switch (type) {
    case 'xfs':
      return ['mkfs.xfs', ...own, '-L', label, '-m', `uuid=${uuid}`, '-q'];
    case 'vfat':
    case 'fat':
      return [
        `mkfs.${type}`,
        ...own,
        ...(reproducible ? ['--invariant'] : []),
        '-n',
        label,
        '-i',
        uuid.replace('-', '').slice(0, 8),
      ];
    case 'swap':
      return ['mkswap', ...own, '-L', label, '-U', uuid];
    default:
      return [`mkfs.${type}`, ...own, '-L', label];
  }
}

/** Of several `-E` the program takes the last one only. */
function takeExtendedOptions(options: string[]): [plain: string[], extended: string[]] {
  const plain: string[] = [];
  const extendedOptions: string[] = [];
  for (let at = 0; at < options.length; at++) {
    const option = options[at] ?? '';
    if (option === '-E') extendedOptions.push(options[++at] ?? '');
    else plain.push(option);
  }
  return [plain, extendedOptions];
}

/** Whether such a file system can be made again from its content, byte for byte. */
export function isReproducible({ type }: FileSystemNode): boolean {
  return [...extended, 'vfat', 'fat', 'swap'].includes(type);
}

/** Whether `mkfs` can fill it, so that it need not be mounted and copied to. */
export function fillsWhileMaking({ type, options }: FileSystemNode): boolean {
  return extended.includes(type) && options?.includes('-d') !== true;
}
