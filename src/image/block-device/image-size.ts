import { run } from '../../base/command.js';
import type { BlockDeviceParameters } from './parameters.js';

/** What a user may say of the size of an image. */
export interface WantedSize {
  /** GiB, `--image-size`: the image has this size, whatever is in it. */
  gibibytes?: number;
  /** MiB that are added to the content, `DIB_IMAGE_EXTRA_SIZE`, instead of the share below. */
  extraMebibytes?: number;
  /** MiB of the journal of an ext4 root, `--mkfs-journal-size`; 64 unless told. */
  journalMebibytes?: number;
}

/** The content of an image fills this share of it. */
const filledShare = 0.6;

/** KiB that an EFI system partition adds. */
const efiKibibytes = 525 * 1024;

/**
 * The size of an image in KiB, as diskimage-builder computes it: content / 0.6, the journal of an
 * ext4 root, an EFI system partition, rounded up to 64 KiB.
 * @param content KiB of the tree, see `treeSize`
 */
export function imageSize(
  content: number,
  { rootType, efi }: Pick<BlockDeviceParameters, 'rootType' | 'efi'>,
  wanted: WantedSize = {},
): number {
  const given = wanted.gibibytes === undefined ? undefined : Math.trunc(wanted.gibibytes * 2 ** 20);
  const extra = wanted.extraMebibytes;
  const grown = extra === undefined ? content / filledShare : content + extra * 1024;
  const journal = rootType === 'ext4' && given === undefined ? journalSize(wanted) * 1024 : 0;
  const total = (given ?? Math.trunc(grown)) + journal + (efi ? efiKibibytes : 0);
  return Math.ceil(total / 64) * 64;
}

/**
 * Options of the program that makes the root file system, unless its configuration has `opts`: an
 * ext4 has many inodes and a journal that suffices when it is grown.
 * @param more `--mkfs-options`
 * @param mostBlocks `--max-online-resize`
 */
export function rootOptions(
  rootType: string,
  wanted: WantedSize = {},
  { more = '', mostBlocks }: { more?: string; mostBlocks?: number } = {},
): string[] {
  const resize = mostBlocks === undefined ? [] : ['-E', `resize=${mostBlocks}`];
  const journal = rootType === 'ext4' ? ['-i', '4096', '-J', `size=${journalSize(wanted)}`] : [];
  return [...resize, ...journal, ...more.split(' ').filter(Boolean)];
}

function journalSize({ journalMebibytes = 64 }: WantedSize): number {
  return journalMebibytes;
}

/** KiB that the files of a tree use. */
export async function treeSize(tree: string): Promise<number> {
  const args = ['--summarize', '--one-file-system', '--block-size=1024', tree];
  const { stdout } = await run('du', args, { timeout: 1800 });
  return Number.parseInt(stdout, 10);
}

/** The same from the files alone: what a directory uses depends on what was in it before. */
export async function contentSize(tree: string): Promise<number> {
  const format = ['-printf', '%i %y %s\\n'];
  const { stdout } = await run('find', [tree, '-xdev', ...format], { timeout: 1800 });
  const files = new Map(
    stdout.split('\n').map((line) => {
      const [inode = '', type, bytes] = line.split(' ');
      return [inode, type === 'f' ? Math.ceil(Number(bytes) / 4096) * 4 : 4];
    }),
  );
  return [...files.values()].reduce((sum, kibibytes) => sum + kibibytes, 0);
}
