import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { openUpstream } from './diskimage-builder.js';
import { compareTrees, readTree } from './file-trees.js';

const upstream = openUpstream();
let work: string;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-trees-'));
});

afterAll(() => rmSync(work, { recursive: true }));

async function treeWith(shadow: string) {
  const tar = join(work, 'tree.tar');
  mkdirSync(join(work, 'etc'), { recursive: true });
  writeFileSync(join(work, 'etc', 'shadow'), shadow);
  await run('tar', ['--create', '--file', tar, '--directory', work, './etc']);
  return readTree(upstream, tar);
}

it.skipIf(upstream.missing)('compares passwords, and not the days on which they were set', async () => {
  const evening = await treeWith('root:*:20779:0:99999:7:::\nmessagebus:!:20779::::::\n');
  const morning = await treeWith('root:*:20779:0:99999:7:::\nmessagebus:!:20780::::::\n');
  const open = await treeWith('root::20779:0:99999:7:::\nmessagebus:!:20779::::::\n');

  expect(compareTrees(evening, morning)).toEqual([]);
  expect(compareTrees(evening, open)).toMatchObject([{ path: 'etc/shadow', property: 'content' }]);
});
