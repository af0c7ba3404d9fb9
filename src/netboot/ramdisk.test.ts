import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../base/package-root.js';
import { parseModuleDependencies } from './ramdisk.js';

const scripts = join(packageRoot(), 'src', 'netboot', 'ramdisk');

it('reads which modules a module needs', () => {
  const text = 'kernel/a.ko: kernel/b.ko kernel/c.ko\nkernel/b.ko:\n';

  expect(parseModuleDependencies(text)).toEqual(
    new Map([
      ['kernel/a.ko', ['kernel/b.ko', 'kernel/c.ko']],
      ['kernel/b.ko', []],
    ]),
  );
});

it.each(readdirSync(scripts))('%s is a script that a POSIX shell can read', (name) => {
  execFileSync('sh', ['-n', join(scripts, name)]);
});

it('collects facts of this machine as tuples of four strings', () => {
  const facts: unknown = JSON.parse(
    execFileSync('sh', [join(scripts, 'facts.sh')], { encoding: 'utf8', stdio: 'pipe' }),
  );

  expect(facts).toContainEqual(['system', 'kernel', 'arch', 'x86_64']);
  for (const fact of facts as unknown[]) {
    expect(fact).toEqual([expect.any(String), expect.any(String), expect.any(String), expect.any(String)]);
  }
});
