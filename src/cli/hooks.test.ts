import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../base/package-root.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
  mkdirSync(join(directory, 'extras.d'));
  writeFileSync(join(directory, 'settings'), `DEST=${directory}/dest\nGREETING=hello\n`);
});

afterEach(() => rmSync(directory, { recursive: true }));

function run(script: string, ...phases: string[]) {
  writeFileSync(join(directory, 'extras.d', '70-x.sh'), script);
  const flags = ['--extras-dir', join(directory, 'extras.d'), '--settings', join(directory, 'settings')];
  const env = { ...process.env, STACKWRIGHT_STATE: join(directory, 'state') };
  return spawnSync(join(packageRoot(), 'bin', 'stackwright'), ['hooks', 'run', ...flags, ...phases], {
    encoding: 'utf8',
    env,
  });
}

it('hooks run passes on what hooks say, each stream to its own, and ends with status 0', () => {
  const { status, stdout, stderr } = run('echo "$GREETING $1 $2"; echo aside >&2', 'source', 'stack install');

  expect(stdout).toBe('hello source \nhello stack install\n');
  expect(stderr).toBe('aside\naside\n');
  expect(status).toBe(0);
});

it('hooks run ends with status 1 where a hook fails, and with 2 for a phase that there is not', () => {
  const failed = run('echo before\ncat /nowhere\n', 'unstack');

  expect(failed.status).toBe(1);
  expect(failed.stdout).toBe('before\n');
  expect(failed.stderr).toContain(
    'error 70-x.sh in the phase unstack failed: cat /nowhere ended with status 1 [HookFailed]\n' +
      `  at    ${directory}/extras.d/70-x.sh:2\n`,
  );
  expect(run('true', 'stack', 'install').status).toBe(2);
});
