import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

function codesInSource(): string[] {
  const codes = new Set<string>();
  for (const top of ['src', 'plugins']) {
    for (const name of readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      const text = readFileSync(join(root, top, name), 'utf8');
      for (const [, code] of text.matchAll(/new StackwrightError\(\s*'([A-Za-z]+)'/g)) codes.add(code ?? '');
    }
  }
  return [...codes].sort();
}

it('docs/errors.md lists every error code of the source, and no other', () => {
  const text = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
  const documented = [...text.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map((match) => match[1]);

  expect(documented.sort()).toEqual(codesInSource());
});
