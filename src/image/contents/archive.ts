import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode, StackwrightError } from '../../base/errors.js';
import type { Sandbox } from '../sandbox.js';
import { imageUnreadable } from './unreadable.js';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const described = z.object({ digest });
const ociIndex = z.object({ manifests: z.array(described).length(1) });
const ociManifest = z.object({ layers: z.array(described).length(1) });

/**
 * Unpacks a tar, compressed or not, with owners, modes and extended attributes.
 * @returns the directory of its files
 */
export async function unpackTar(archive: string, work: string, sandbox: Sandbox, image = archive): Promise<string> {
  const root = join(work, 'root');
  mkdirSync(root);
  const keep = ['--numeric-owner', '--same-owner', '--preserve-permissions', '--xattrs', '--xattrs-include=*'];
  await untar(image, sandbox, ['--file', archive, '--directory', root, ...keep]);
  return root;
}

/** Unpacks the one layer of an OCI archive as `writeOciArchive` packs it. */
export async function unpackOci(image: string, work: string, sandbox: Sandbox): Promise<string> {
  const layout = join(work, 'layout');
  mkdirSync(layout);
  await untar(image, sandbox, ['--file', image, '--directory', layout]);
  try {
    const read = (...path: string[]) => JSON.parse(readFileSync(join(layout, ...path), 'utf8'));
    const blob = (name: string) => ['blobs', 'sha256', name.slice('sha256:'.length)];
    const [manifest] = ociIndex.parse(read('index.json')).manifests;
    const [layer] = ociManifest.parse(read(...blob(manifest?.digest ?? ''))).layers;
    return await unpackTar(join(layout, ...blob(layer?.digest ?? '')), work, sandbox, image);
  } catch (cause) {
    if (!(cause instanceof z.ZodError || cause instanceof SyntaxError || hasCode(cause, 'ENOENT'))) throw cause;
    throw imageUnreadable(image, 'it is no OCI archive of one image with one layer', { cause });
  }
}

async function untar(image: string, sandbox: Sandbox, args: string[]): Promise<void> {
  try {
    await sandbox.run('tar', ['--extract', ...args], { cwd: '/', timeout: 7200 });
  } catch (cause) {
    if (!(cause instanceof StackwrightError) || cause.code !== 'CommandFailed') throw cause;
    throw imageUnreadable(image, 'tar cannot unpack it', { hint: cause.details.hint, cause });
  }
}
