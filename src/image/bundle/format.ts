import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { run } from '../../base/command.js';
import { hasCode, StackwrightError } from '../../base/errors.js';
import type { TemporaryState } from '../../base/temporary.js';
import { recordedResponse } from './responses.js';

/** What a bundle says of itself in `bundle.json`; see docs/reference/image-bundle.md. */
export const bundleDescription = z.strictObject({
  version: z.literal(1),
  created: z.iso.datetime(),
  arch: z.string(),
  /** Resolved. */
  elements: z.array(z.string()),
  packages: z.array(z.string()),
  /** The caller's variables `DIB_…`, without their values, which may be secrets. */
  environment: z.array(z.string()),
  responses: z.array(recordedResponse),
  /** The regular files below `cache/`. */
  cache: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
  /** Servers of whose answers nothing is in the bundle but what an element has put into `cache/`. */
  unkept: z.array(z.string()),
});

export type BundleDescription = z.infer<typeof bundleDescription>;

const descriptionName = 'bundle.json';

/** The directories of a bundle: contents of responses, and the image cache of the build. */
export const bundleDirectories = { http: 'http', cache: 'cache' } as const;

/**
 * Writes a bundle from a directory that has what it holds. It appears under its name when it is whole.
 * @returns its bytes, and how many files of the image cache are in it
 */
export async function packBundle(
  directory: string,
  description: Omit<BundleDescription, 'cache' | 'version'>,
  file: string,
  { temporary, signal }: { temporary: TemporaryState; signal?: AbortSignal },
): Promise<{ bytes: number; files: number }> {
  const cache: BundleDescription['cache'] = [];
  const cacheDirectory = join(directory, bundleDirectories.cache);
  for (const path of await filesBelow(cacheDirectory)) {
    cache.push({ path: relative(cacheDirectory, path), sha256: await hashFile(path) });
  }
  const whole: BundleDescription = { version: 1, ...description, cache };
  await writeFile(join(directory, descriptionName), `${JSON.stringify(whole, null, 1)}\n`);
  const unfinished = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}`);
  temporary.add({ kind: 'file', path: unfinished });
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  const entries = [descriptionName, ...Object.values(bundleDirectories)];
  const words = ['--create', '--file', unfinished, '--sort=name', ...owner, '--directory', directory, ...entries];
  await run('tar', words, { timeout: 3600, signal });
  await rename(unfinished, file);
  return { bytes: (await stat(file)).size, files: cache.length };
}

/**
 * Unpacks a bundle and checks that everything is there, and nothing else.
 * @returns what it says of itself, and its digest, which stands for all of its content
 * @throws StackwrightError `BundleInvalid`
 */
export async function unpackBundle(
  file: string,
  directory: string,
  signal?: AbortSignal,
): Promise<{ description: BundleDescription; digest: string }> {
  const invalid = (reason: string, cause?: unknown) =>
    new StackwrightError('BundleInvalid', `${file} is no bundle that can be built from: ${reason}`, {
      file,
      hint: 'copy it again, or make it anew with stackwright image bundle',
      cause,
    });
  const extract = ['--extract', '--file', file, '--no-same-owner', '--directory', directory];
  try {
    await run('tar', extract, { timeout: 3600, signal });
  } catch (error) {
    if (error instanceof StackwrightError && error.code === 'CommandFailed') {
      throw invalid(error.details.hint?.split('\n')[0] ?? 'it is no tar', error);
    }
    throw error;
  }
  const text = await readFile(join(directory, descriptionName), 'utf8').catch((error) => {
    throw hasCode(error, 'ENOENT') ? invalid(`it has no ${descriptionName}`) : error;
  });
  const { success, data: description, error } = bundleDescription.safeParse(parseJson(text));
  if (!success) throw invalid(`${descriptionName}: ${z.prettifyError(error)}`);
  const wanted = new Map([
    ...description.responses.map(({ sha256 }) => [join(bundleDirectories.http, sha256), sha256] as const),
    ...description.cache.map(({ path, sha256 }) => [join(bundleDirectories.cache, path), sha256] as const),
  ]);
  for (const path of await filesBelow(directory)) {
    const name = relative(directory, path);
    if (name === descriptionName) continue;
    const sha256 = wanted.get(name);
    if (sha256 === undefined) throw invalid(`it has ${name}, which ${descriptionName} does not name`);
    if ((await hashFile(path)) !== sha256) throw invalid(`${name} has not the content that it was made with`);
    wanted.delete(name);
  }
  const [missing] = wanted.keys();
  if (missing !== undefined) throw invalid(`it has no ${missing}`);
  return { description, digest: createHash('sha256').update(text).digest('hex') };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema says that it is nothing.
    return undefined;
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name)).sort();
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  return hash.digest('hex');
}
