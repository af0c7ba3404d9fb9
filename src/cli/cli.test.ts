import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../base/package-root.js';

const bin = join(packageRoot(), 'bin');

/** As in a CI system, which sets CI: no colours there either. */
function stackwright(...args: string[]) {
  return spawnSync(join(bin, 'stackwright'), args, { encoding: 'utf8', env: { ...process.env, CI: 'true' } });
}

describe('the command line', () => {
  it.each([[['nothere']], [['serve', '--bad']], [['deploy', '--timeout', 'soon', '--answer-file', 'x']]])(
    'ends with status 2 for wrong usage: %j',
    (args) => {
      const { status, stderr } = stackwright(...args);

      expect(stderr).not.toBe('');
      expect(status).toBe(2);
    },
  );

  it('tells wrong usage as every other error, and as JSON with --json', () => {
    expect(stackwright('deply').stderr).toMatch(/^error No command registered for `deply`.* \[WrongUsage\]\n {2}hint /);
    const { status, stderr } = stackwright('deploy', '--nope', '--json');

    expect(status).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'WrongUsage', message: expect.stringContaining('--nope') },
    });
  });

  it('ends with status 1 for a failure, which is JSON with --json', () => {
    const { status, stderr } = stackwright('site', 'check', '/nowhere', '--json');

    expect(status).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'SiteInvalid' } });
  });

  it('colours nothing that does not go to a terminal', () => {
    const { stdout, stderr } = stackwright('doctor');

    expect(stdout).toContain('│ ok ');
    expect(stdout + stderr).not.toContain('\x1b');
    expect(stackwright('site', 'check', '/nowhere').stderr).toMatch(/^error /);
  });

  it('completes commands and flags in bash', () => {
    const script = [
      '. <(stackwright completion bash)',
      'ask() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"; _stackwright; echo "${COMPREPLY[*]}"; }',
      'ask stackwright lab po',
      'ask stackwright lab power-on --b',
    ].join('\n');

    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env });

    expect(stdout).toBe('power-on power-off\n--boot\n');
  });
});
