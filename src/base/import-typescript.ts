import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a file of a site in TypeScript or JavaScript exports. What it imports is bundled with it; types are not checked. */
export async function importTypescript(path: string): Promise<Record<string, unknown>> {
  const directory = await mkdtemp(join(tmpdir(), 'stackwright-import-'));
  try {
    const { build } = await import('esbuild');
    const outfile = join(directory, 'module.mjs');
    await build({
      entryPoints: [path],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
    });
    return await import(/* @vite-ignore */ pathToFileURL(outfile).href);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
