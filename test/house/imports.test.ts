import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const src = new URL('../../src', import.meta.url).pathname;
const faces = ['cli', 'server'];
const foundations = ['base', 'engine'];

interface Import {
  from: string;
  to: string;
}

/** Every relative import of product code, as paths below src. */
function imports(): Import[] {
  const found: Import[] = [];
  for (const name of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    const text = readFileSync(join(src, name), 'utf8');
    for (const [, path] of text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
      found.push({ from: name, to: relative(src, resolve(src, dirname(name), path ?? '')) });
    }
  }
  return found;
}

const top = (path: string) => path.split('/')[0] ?? '';

it('imports run one way: cli, server → domains → engine → base', () => {
  const wrong = imports().filter(({ from, to }) => {
    const [a, b] = [top(from), top(to)];
    if (a === b || b === '..') return false;
    if (a === 'base') return true;
    if (a === 'engine') return b !== 'base';
    if (a === 'cli') return false;
    if (a === 'server') return b === 'cli';
    return faces.includes(b);
  });

  expect(wrong).toEqual([]);
});

it('a domain is used only through its index.ts', () => {
  const wrong = imports().filter(({ from, to }) => {
    const [a, b] = [top(from), top(to)];
    if (a === b || b === '..' || b === 'base' || (foundations.includes(b) && a === 'engine')) return false;
    return !to.endsWith(`${b}/index.js`);
  });

  expect(wrong).toEqual([]);
});
