// Compiles src/ and plugins/ into dist/, where it is out of date. bin/stackwright calls this too, so it must be
// fast when there is nothing to do.
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stampFile = join(dist, 'stamp');
const firstbootScript = 'firstboot/stackwright-firstboot.js';

/** Builds where a source is newer than, or not the same set as, at the last build. */
export async function build() {
  const stamp = sourceStamp();
  if (readStamp() === stamp) return false;
  const [{ build: bundle }, { buildFirstboot }] = await Promise.all([
    import('esbuild'),
    import('./build-firstboot.mjs'),
  ]);
  const next = join(root, `dist.${process.pid}`);
  const bundling = bundle({
    absWorkingDir: root,
    entryPoints: entryPoints(),
    outdir: next,
    outbase: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'warning',
  });
  try {
    await Promise.all([bundling, buildFirstboot(join(next, firstbootScript), join(dist, firstbootScript))]);
  } catch (error) {
    rmSync(next, { recursive: true, force: true });
    throw error;
  }
  writeFileSync(join(next, 'stamp'), stamp);
  // Several commands may find the build out of date at once: the whole directory changes in one step.
  rmSync(dist, { recursive: true, force: true });
  try {
    renameSync(next, dist);
  } catch {
    rmSync(next, { recursive: true, force: true });
  }
  return true;
}

function entryPoints() {
  const plugins = readdirSync(join(root, 'plugins'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `plugins/${entry.name}/index.ts`);
  return ['src/cli/main.ts', ...plugins];
}

function sourceStamp() {
  const lines = [process.version];
  const inputs = ['src', 'plugins', 'package.json', 'scripts/build.mjs', 'scripts/build-firstboot.mjs'];
  for (const top of inputs) visit(join(root, top), lines);
  return lines.join('\n');
}

function visit(path, lines) {
  const found = statSync(path);
  if (found.isFile()) {
    if (/\.(ts|tsx|json|mjs)$/.test(path)) lines.push(`${path} ${found.mtimeMs} ${found.size}`);
    return;
  }
  for (const name of readdirSync(path).sort()) visit(join(path, name), lines);
}

function readStamp() {
  try {
    return readFileSync(stampFile, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build();
}
