import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Element } from './elements.js';
import { generateHooks, isScriptName, sortHooks } from './hooks.js';
import { phaseScripts, readHooks, scriptOwner } from './hooks-view.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-hooks-'));
});

afterEach(() => rmSync(work, { recursive: true }));

function element(name: string, files: Record<string, number>): Element {
  const path = join(work, name);
  mkdirSync(path);
  for (const [file, mode] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), `${name} ${file}\n`);
    chmodSync(join(path, file), mode);
  }
  return { name, path, dependencies: [], provides: [] };
}

it('sorts scripts as upstream was measured to do', () => {
  const measured = '-dash 00-first A-up _u abc 1-a-2 05-x 7 9-z 010-c 10-a 10-b 20-x 20_x 40-link 99-last 100-y'.split(
    ' ',
  );

  expect(sortHooks([...measured].reverse())).toEqual(measured);
});

it('sorts any names as LANG=C sort -n does', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[-0-9A-Za-z_.]{1,8}$/), { minLength: 1, maxLength: 400 });

  fc.assert(
    fc.property(names, (list) => {
      const output = execFileSync('sort', ['-n'], { input: `${list.join('\n')}\n`, env: { LC_ALL: 'C' } });
      expect(sortHooks(list)).toEqual(output.toString().trimEnd().split('\n'));
    }),
    { numRuns: 60 },
  );
});

it('merges the first-level directories of elements, but tests', () => {
  const a = element('a', {
    'install.d/10-a': 0o755,
    'static/etc/a.conf': 0o644,
    'tests/t': 0o755,
    'README.rst': 0o644,
  });
  const b = element('b', { 'install.d/20-b': 0o755, 'static/etc/b.conf': 0o600 });

  const hooks = generateHooks([a, b], join(work, 'hooks'));

  expect(Object.fromEntries(hooks.owners)).toEqual({
    'install.d/10-a': 'a',
    'static/etc/a.conf': 'a',
    'install.d/20-b': 'b',
    'static/etc/b.conf': 'b',
  });
  expect(existsSync(join(hooks.path, 'tests'))).toBe(false);
  expect(statSync(join(hooks.path, 'static/etc/b.conf')).mode & 0o777).toBe(0o600);
});

it('names both elements that have a file of one name', () => {
  const a = element('a', { 'install.d/10-x': 0o755 });
  const b = element('b', { 'install.d/10-x': 0o755 });

  expect(() => generateHooks([a, b], join(work, 'hooks'))).toThrow('two elements have install.d/10-x: a and b');
});

it('runs executable files and links to them, and nothing else', () => {
  const a = element('a', {
    'install.d/10-run': 0o755,
    'install.d/20-plain': 0o644,
    'install.d/30-name.sh': 0o755,
    'install.d/40-dir/x': 0o755,
    'other/target': 0o755,
  });
  symlinkSync('../other/target', join(a.path, 'install.d/50-link'));

  const hooks = generateHooks([a], join(work, 'hooks'));

  expect(phaseScripts(readHooks(hooks.path), 'install.d')).toEqual(['10-run', '50-link']);
  expect(readFileSync(join(hooks.path, 'install.d/50-link'), 'utf8')).toBe('a other/target\n');
  expect(isScriptName('30-name.sh')).toBe(false);
});

it('brings the files that scripts read from the tree, and not those for the builder', () => {
  const a = element('a', {
    'source-repository-a': 0o644,
    'README.rst': 0o644,
    'pkg-map': 0o644,
    'install.d/1-a': 0o755,
  });
  const b = element('b', { 'README.rst': 0o644, notes: 0o644 });

  const hooks = generateHooks([a, b], join(work, 'hooks'));

  expect(readdirSync(hooks.path).sort()).toEqual(['install.d', 'notes', 'source-repository-a']);
});

it('knows the element of a script that another one was linked to', () => {
  const hooks = generateHooks([element('a', { 'install.d/a-source-install/50-a': 0o755 })], join(work, 'hooks'));
  symlinkSync('a-source-install/50-a', join(hooks.path, 'install.d/50-a'));

  expect(phaseScripts(readHooks(hooks.path), 'install.d')).toEqual(['50-a']);
  expect(scriptOwner(hooks, readHooks(hooks.path), 'install.d/50-a')).toBe('a');
  expect(scriptOwner(hooks, readHooks(hooks.path), 'install.d/01-package-installs')).toBeUndefined();
});
