import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../base/package-root.js';
import { parseFacts } from '../inventory/index.js';
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

it('collects what this machine is, of which the server makes facts', () => {
  const text = execFileSync('sh', [join(scripts, 'facts.sh')], { encoding: 'utf8', stdio: 'pipe' });

  const facts = parseFacts(text, 'facts.hw');

  expect(facts).toContainEqual(['system', 'kernel', 'arch', 'x86_64']);
  expect(facts).toContainEqual(['cpu', 'logical', 'number', expect.stringMatching(/^[1-9]\d*$/)]);
  expect(facts).toContainEqual(['memory', 'total', 'size', expect.stringMatching(/^[1-9]\d*$/)]);
  expect(facts).toContainEqual(['disk', 'logical', 'count', expect.stringMatching(/^\d+$/)]);
});
