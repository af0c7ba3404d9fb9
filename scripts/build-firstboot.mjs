// Compiles the renderer of src/firstboot/renderer into one script for mujs, which knows ECMAScript 5: esbuild bundles,
// and TypeScript lowers, because esbuild cannot lower const, let and for-of.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Writes the script to `output`; where `previous` was made from the same source it is taken as it is. */
export async function buildFirstboot(output, previous) {
  const { build, transform } = await import('esbuild');
  const bundled = await build({
    absWorkingDir: root,
    entryPoints: ['src/firstboot/renderer/main.ts'],
    bundle: true,
    format: 'iife',
    target: 'es2020',
    charset: 'ascii',
    write: false,
    logLevel: 'warning',
  });
  const source = bundled.outputFiles[0].text;
  const head = `// stackwright-firstboot ${createHash('sha256').update(source).digest('hex').slice(0, 16)}\n`;
  let script = read(previous);
  if (!script?.startsWith(head)) {
    // Loading TypeScript takes longer than the rest of the build.
    const { default: typescript } = await import('typescript');
    const { outputText } = typescript.transpileModule(source, {
      compilerOptions: { target: 'ES5', module: 'None', allowJs: true, removeComments: true },
      fileName: 'stackwright-firstboot.js',
    });
    const { code } = await transform(outputText, { target: 'es5', minify: true, charset: 'ascii' });
    script = head + code;
  }
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, script);
}

function read(path) {
  try {
    return path && readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildFirstboot(process.argv[2] ?? join(root, 'dist/firstboot/stackwright-firstboot.js'));
}
