import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stateDirectory } from '../../base/state.js';
import { openTemporary } from '../../base/temporary.js';
import { packBundle, unpackBundle } from './format.js';

const content = createHash('sha256').update('package').digest('hex');
const response = { url: 'http://x/a.deb', status: 200, headers: { etag: '"7"' }, sha256: content, bytes: 7 };
const description = {
  created: '2026-11-21T18:00:00.000Z',
  arch: 'amd64',
  elements: ['debian-minimal'],
  packages: [],
  environment: ['DIB_RELEASE'],
  responses: [response],
  unkept: ['https://example.org'],
};

let work: string;
let made: string;
let file: string;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-bundle-'));
  made = join(work, 'made');
  file = join(work, 'file.bundle');
  mkdirSync(join(made, 'http'), { recursive: true });
  mkdirSync(join(made, 'cache/source-repositories/code.git/refs/heads'), { recursive: true });
  writeFileSync(join(made, 'http', content), 'package');
  writeFileSync(join(made, 'cache/source-repositories/code.git/HEAD'), 'ref: refs/heads/main\n');
  await using temporary = openTemporary(stateDirectory(join(work, 'state')), 'test');
  await packBundle(made, description, file, { temporary });
});

afterEach(() => rmSync(work, { recursive: true }));

function unpack() {
  const directory = join(work, 'unpacked');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  return unpackBundle(file, directory);
}

/** Packs what was made once more, as it is now. */
function packAgain(): void {
  execFileSync('tar', ['-cf', file, '-C', made, ...readdirSync(made)]);
}

it('is read as it was written', async () => {
  const head = { path: 'source-repositories/code.git/HEAD', sha256: expect.any(String) };

  const { description: read, digest } = await unpack();

  expect(read).toEqual({ version: 1, ...description, cache: [head] });
  expect(digest).toBe(
    createHash('sha256')
      .update(readFileSync(join(made, 'bundle.json')))
      .digest('hex'),
  );
  expect(existsSync(join(work, 'unpacked/cache/source-repositories/code.git/refs/heads'))).toBe(true);
  expect(readdirSync(work).sort()).toEqual(['file.bundle', 'made', 'state', 'unpacked']);
});

it.each<[string, string, () => void]>([
  ['is not there', 'Cannot open: No such file or directory', () => rmSync(file)],
  ['is no tar', 'This does not look like a tar archive', () => writeFileSync(file, 'x'.repeat(5000))],
  ['is cut off', 'Unexpected EOF in archive', () => writeFileSync(file, readFileSync(file).subarray(0, 1000))],
  [
    'has no description',
    'it has no bundle.json',
    () => {
      rmSync(join(made, 'bundle.json'));
      packAgain();
    },
  ],
  [
    'has a description of another version',
    'bundle.json: ',
    () => {
      writeFileSync(join(made, 'bundle.json'), '{"version":2}');
      packAgain();
    },
  ],
  [
    'has other content',
    `http/${content} has not the content that it was made with`,
    () => {
      writeFileSync(join(made, 'http', content), 'packag3');
      packAgain();
    },
  ],
  [
    'lacks a file',
    `it has no http/${content}`,
    () => {
      rmSync(join(made, 'http', content));
      packAgain();
    },
  ],
  [
    'has a file that nobody knows',
    'it has cache/more, which bundle.json does not name',
    () => {
      writeFileSync(join(made, 'cache/more'), '');
      packAgain();
    },
  ],
])('is refused where it %s', async (_what, reason, spoil) => {
  spoil();

  await expect(unpack()).rejects.toMatchObject({ code: 'BundleInvalid', message: expect.stringContaining(reason) });
});
