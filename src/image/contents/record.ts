import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readTextIfExistsSync, writeFileAtomic } from '../../base/files.js';

const recordSchema = z.object({
  identity: z.string(),
  elements: z.array(z.string()),
  /** Bytes by name of file: a file of another build has no part in this. */
  files: z.record(z.string(), z.number()).optional(),
});

/** What the builder knows of an image: a hash of all that it was built from, and its elements. */
export interface ImageRecord {
  identity: string;
  elements: string[];
}

/**
 * Keeps the record of images beside them, in `OUTPUT.d/image.json`. (diskimage-builder keeps
 * manifests in that directory.)
 * @param output path of the images without their endings
 */
export async function keepImageRecord(
  output: string,
  { identity, elements }: ImageRecord,
  images: { path: string; bytes: number }[],
): Promise<void> {
  const files = Object.fromEntries(images.map(({ path, bytes }) => [basename(path), bytes]));
  const text = JSON.stringify({ identity, elements, files }, null, 2);
  await writeFileAtomic(join(`${output}.d`, 'image.json'), `${text}\n`);
}

/**
 * The record of an image that is beside it: of a tree `DIRECTORY.json`, of a file what
 * `keepImageRecord` has written.
 * @returns undefined where there is none, or that of another build
 */
export function readImageRecord(image: string): ImageRecord | undefined {
  if (statSync(image).isDirectory()) return parseRecord(`${image}.json`);
  const record = parseRecord(join(`${image.replace(imageEnding, '')}.d`, 'image.json'));
  return record?.files?.[basename(image)] === statSync(image).size ? record : undefined;
}

const imageEnding = /\.(oci\.tar|tar\.gz|tgz|tar|squash|squashfs|raw|qcow2|vhd)$/;

function parseRecord(file: string): z.infer<typeof recordSchema> | undefined {
  try {
    return recordSchema.parse(JSON.parse(readTextIfExistsSync(file) ?? ''));
  } catch {
    // A file of something else.
    return undefined;
  }
}
