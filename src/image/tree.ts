import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import { readTextIfExistsSync, writeFileAtomic } from '../base/files.js';
import { openTemporary } from '../base/temporary.js';
import { type BuildOptions, buildTree } from './build.js';
import { resolveElements } from './elements.js';
import { hostArchitecture } from './environment.js';
import { reportImage } from './events.js';
import { imageIdentity } from './identity.js';
import { saveManifests } from './manifests.js';

const treeRecord = z.object({ path: z.string(), identity: z.string(), elements: z.array(z.string()) });

/** A tree that stays, with what it was built from; kept beside it as `DIRECTORY.json`. */
export type KeptTree = z.infer<typeof treeRecord>;

/**
 * Builds a tree into a directory, unless the one that is there was built from the same.
 * @throws StackwrightError `TreeExists`, and those of `buildTree`
 */
export async function ensureTree(options: BuildOptions & { output: string; force?: boolean }): Promise<KeptTree> {
  const output = resolve(options.output);
  const file = `${output}.json`;
  const arch = options.arch ?? hostArchitecture();
  const elements = resolveElements(options.elements, options.elementsPath, { ...options, arch });
  const identity = imageIdentity({ ...options, elements, arch });
  const existing = existsSync(output) ? readRecord(file) : undefined;
  if (existing?.identity === identity) {
    const data = { path: output, identity };
    reportImage(options.reporter, {
      code: 'image.unchanged',
      level: 'info',
      message: `${output} is built already`,
      data,
    });
    return existing;
  }
  if (existsSync(output) && !options.force) {
    throw new StackwrightError('TreeExists', `${output} exists and was built from something else`, {
      value: output,
      hint: 'remove it, name another directory, or replace it with --force',
    });
  }
  await using tree = await buildTree(options);
  const made = `${output}.${process.pid}`;
  await using temporary = openTemporary(options.state, 'tree copy');
  temporary.add({ kind: 'directory', path: made });
  await mkdir(dirname(output), { recursive: true });
  await run('cp', ['--archive', tree.path, made], { timeout: 1800, signal: options.signal });
  await saveManifests(tree.manifests, output);
  await rm(file, { force: true });
  await rm(output, { recursive: true, force: true });
  await rename(made, output);
  const record: KeptTree = { path: output, identity, elements: tree.elements };
  await writeFileAtomic(file, `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

function readRecord(file: string): KeptTree | undefined {
  try {
    return treeRecord.parse(JSON.parse(readTextIfExistsSync(file) ?? ''));
  } catch {
    // A directory that we did not build.
    return undefined;
  }
}
