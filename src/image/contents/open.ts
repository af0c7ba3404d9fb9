import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { hasCode } from '../../base/errors.js';
import type { StateDirectory } from '../../base/state.js';
import { openTemporary } from '../../base/temporary.js';
import { openSandbox, type Sandbox } from '../sandbox.js';
import { unpackOci, unpackTar } from './archive.js';
import { convertToRaw, mountDisk, mountSquashfs, type SeenRoot } from './disk.js';
import { imageUnreadable } from './unreadable.js';
import type { WalkedRoot } from './walk.js';

export type ImageFormat = 'tree' | 'squashfs' | 'tar' | 'oci' | 'raw' | 'qcow2' | 'vhd';

/** The files of an image, to be read only. They are there until this is disposed of. */
export interface ImageContents extends WalkedRoot, AsyncDisposable {
  /** The file or directory that was opened, absolute. */
  image: string;
  format: ImageFormat;
  /** Bytes of the image's file; undefined for a tree. */
  fileBytes?: number;
  /** Parts of the image that are not seen, each with the reason. */
  skipped: string[];
}

/**
 * Opens an image of any format that Stackwright writes, known by its content. File systems are
 * mounted read-only where only our own processes see them; archives, and disks that are not raw,
 * go to a temporary directory first. Nothing is left where this is interrupted in whatever way: the
 * mounts, and the programs that convert, end with us.
 * @throws StackwrightError `ImageUnreadable`; `SandboxFailed` where we may not mount
 */
export async function openImage(path: string, state: StateDirectory): Promise<ImageContents> {
  const image = resolve(path);
  const format = imageFormat(image);
  if (format === 'tree') {
    const nothing = async () => {};
    return { image, format, root: image, oneFileSystem: true, skipped: [], [Symbol.asyncDispose]: nothing };
  }
  const temporary = openTemporary(state, 'reading of an image');
  let sandbox: Sandbox | undefined;
  const close = async () => {
    await sandbox?.end();
    await temporary.undo();
  };
  try {
    const work = temporary.directory('image');
    sandbox = await openSandbox(temporary);
    const seen = await seeFiles(image, format, work, sandbox);
    const fileBytes = statSync(image).size;
    return { image, format, fileBytes, oneFileSystem: false, ...seen, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function seeFiles(
  image: string,
  format: Exclude<ImageFormat, 'tree'>,
  work: string,
  sandbox: Sandbox,
): Promise<SeenRoot> {
  switch (format) {
    case 'tar':
      return { root: await unpackTar(image, work, sandbox), skipped: [] };
    case 'oci':
      return { root: await unpackOci(image, work, sandbox), skipped: [] };
    case 'squashfs':
      return mountSquashfs(image, work, sandbox);
    case 'raw':
      return mountDisk(image, image, work, sandbox);
    default:
      return mountDisk(await convertToRaw(image, format, work, sandbox), image, work, sandbox);
  }
}

/** Knows a format by what every file of it has at a fixed place, whatever its name is. */
function imageFormat(image: string): ImageFormat {
  const file = openImageFile(image);
  try {
    const found = fstatSync(file);
    if (found.isDirectory()) return 'tree';
    if (!found.isFile()) throw imageUnreadable(image, 'it is neither a file nor a directory');
    const textAt = (position: number, length: number) => {
      const bytes = Buffer.alloc(length);
      readSync(file, bytes, 0, length, Math.max(position, 0));
      return bytes.toString('latin1');
    };
    if (textAt(0, 4) === 'hsqs') return 'squashfs';
    if (textAt(0, 4) === 'QFI\xfb') return 'qcow2';
    // One of a fixed size has it at its end only.
    if (textAt(0, 8) === 'conectix' || textAt(found.size - 512, 8) === 'conectix') return 'vhd';
    if (textAt(0, 2) === '\x1f\x8b') return 'tar';
    // An OCI archive is a tar too, and begins with a file of its layout.
    if (textAt(257, 5) === 'ustar') return /^(oci-layout|index\.json|blobs\/)/.test(textAt(0, 16)) ? 'oci' : 'tar';
    return 'raw';
  } finally {
    closeSync(file);
  }
}

function openImageFile(image: string): number {
  try {
    return openSync(image, 'r');
  } catch (error) {
    const reason = hasCode(error, 'ENOENT') ? 'there is no such file or directory' : 'it cannot be opened for reading';
    throw imageUnreadable(image, reason, { cause: error });
  }
}
