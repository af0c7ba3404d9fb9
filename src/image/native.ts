import { promisify } from 'node:util';
import { StackwrightError } from '../base/errors.js';

/** What Node 20 has not, from libraries that every Debian has: dpkg itself needs them. */
export interface Native {
  /** @param level 1 to 19 */
  zstdCompressor(level: number): ZstdCompressor;
  /** Where in a sparse file data begins, at this place or after it; undefined where none is left. */
  nextData(descriptor: number, position: number): number | undefined;
}

/** Compresses in a thread of its own, one call at a time: it has a context of zstd. */
export interface ZstdCompressor {
  /** @returns how many bytes of `target` are one frame with all of `source`; undefined where it does not fit */
  compress(source: Buffer, target: Buffer): Promise<number | undefined>;
  /** Not while it compresses. */
  free(): void;
}

/** @throws StackwrightError `LibraryMissing` */
export async function loadNative(): Promise<Native> {
  const { default: koffi } = await import('koffi');
  const load = (name: string, debianPackage: string) => {
    try {
      return koffi.load(name);
    } catch (cause) {
      const hint = `apt-get install ${debianPackage}`;
      throw new StackwrightError('LibraryMissing', `the library ${name} cannot be loaded`, { hint, cause });
    }
  };
  const zstd = load('libzstd.so.1', 'libzstd1');
  const create = zstd.func('void *ZSTD_createCCtx()');
  const free = zstd.func('size_t ZSTD_freeCCtx(void *context)');
  const compress = zstd.func(
    'size_t ZSTD_compressCCtx(void *context, _Out_ void *target, size_t room, const void *source, size_t bytes, int level)',
  );
  const inThread: (...values: unknown[]) => Promise<unknown> = promisify((...values) => compress.async(...values));
  const seek = load('libc.so.6', 'libc6').func('int64_t lseek64(int descriptor, int64_t offset, int whence)');
  return {
    zstdCompressor(level) {
      const context = create();
      return {
        async compress(source, target) {
          const size = Number(await inThread(context, target, target.length, source, source.length, level));
          // An error is a size that nothing can have.
          return size <= target.length ? size : undefined;
        },
        free: () => free(context),
      };
    },
    nextData(descriptor, position) {
      const fromData = 3;
      const found = Number(seek(descriptor, position, fromData));
      return found < 0 ? undefined : found;
    },
  };
}
