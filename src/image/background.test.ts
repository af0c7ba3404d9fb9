import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readTextIfExistsSync } from '../base/files.js';
import { startShell } from './background.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-background-'));
});

afterEach(() => rmSync(work, { recursive: true }));

/** Writes its own number and that of a child, and goes on. */
const program = 'cd "$1"; sleep 300 & echo $$ $! > new; mv new processes; wait';

async function processes(): Promise<number[]> {
  const text = await vi.waitUntil(() => readTextIfExistsSync(join(work, 'processes')), { timeout: 20_000 });
  return text.trim().split(' ').map(Number);
}

function runs(process: number): boolean {
  const status = readTextIfExistsSync(`/proc/${process}/stat`) ?? '';
  return status !== '' && !status.includes(') Z ');
}

it('ends all of a program with whom it was started for', async () => {
  const background = startShell(program, [work]);
  const started = await processes();

  expect(started.map(runs)).toEqual([true, true]);
  await background[Symbol.asyncDispose]();

  await vi.waitUntil(() => !started.some(runs), { timeout: 20_000 });
});

it('leaves nothing where its builder is killed', async () => {
  const script = join(work, 'builder.mjs');
  await build({
    stdin: {
      contents: `import { startShell } from './background.js'; startShell(${JSON.stringify(program)}, [${JSON.stringify(work)}]);`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  const builder = spawn(process.execPath, [script], { stdio: 'ignore' });
  const started = await processes();

  builder.kill('SIGKILL');

  await vi.waitUntil(() => !started.some(runs), { timeout: 20_000 });
});
