import {
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
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fillCaches, type ImageRoot, leaveCaches, takeCaches, tidy } from './root.js';

let work: string;
let root: ImageRoot;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-root-'));
  root = await openBuild('one');
});

afterEach(() => rmSync(work, { recursive: true }));

/** As a build has it; no sandbox is needed here. */
async function openBuild(name: string): Promise<ImageRoot> {
  const caches = { apt: join(work, name), packages: join(work, 'packages') } as ImageRoot;
  await fillCaches(caches);
  return caches;
}

function write(...path: string[]): void {
  const file = join(work, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, path.join('/'));
}

it('takes apt’s caches out of a step’s changes, keeps packages, and leaves what is not apt’s', async () => {
  write('changes/var/cache/apt/pkgcache.bin');
  write('changes/var/cache/apt/archives/a_1_all.deb');
  write('changes/var/cache/apt/archives/lock');
  write('changes/var/cache/other.bin');

  await takeCaches(root, join(work, 'changes'));

  expect(readdirSync(join(work, 'packages'))).toEqual(['a_1_all.deb']);
  expect(readdirSync(root.apt).sort()).toEqual(['archives', 'pkgcache.bin']);
  expect(readdirSync(join(work, 'changes/var/cache/apt'))).toEqual(['archives']);
  expect(readdirSync(join(work, 'changes/var/cache/apt/archives'))).toEqual(['lock']);
  expect(readdirSync(join(work, 'changes/var/cache'))).toEqual(['apt', 'other.bin']);
});

it('has packages and read lists for later builds, without a second copy', async () => {
  write('one/archives/a_1_all.deb');
  write('one/srcpkgcache.bin');
  write('one/pkgcache.bin');

  await leaveCaches(root);
  await leaveCaches(root);
  const two = await openBuild('two');

  expect(readdirSync(two.apt).sort()).toEqual(['archives', 'srcpkgcache.bin']);
  expect(readdirSync(join(two.apt, 'archives')).sort()).toEqual(['a_1_all.deb', 'partial']);
  expect(statSync(join(two.apt, 'srcpkgcache.bin')).ino).toBe(statSync(join(root.apt, 'srcpkgcache.bin')).ino);

  rmSync(join(two.apt, 'srcpkgcache.bin'));
  write('two/srcpkgcache.bin');
  await leaveCaches(two);

  expect(readFileSync(join(work, 'packages/srcpkgcache.bin'), 'utf8')).toBe('two/srcpkgcache.bin');
  expect(readFileSync(join(root.apt, 'srcpkgcache.bin'), 'utf8')).toBe('one/srcpkgcache.bin');
  expect(readdirSync(join(work, 'packages')).sort()).toEqual(['a_1_all.deb', 'srcpkgcache.bin']);
});

it('empties logs and removes caches of the image, and never those of the host to which its links lead', async () => {
  write('host/log/syslog');
  write('host/cache/apt/archives/a_1_all.deb');
  write('image/real/log/syslog');
  write('image/var/cache/apt/archives/b_1_all.deb');
  symlinkSync('/real/log', join(work, 'image/var/log'));
  write('other/var/lib/file');
  symlinkSync(join(work, 'host/log'), join(work, 'other/var/log'));
  symlinkSync(join(work, 'host/cache'), join(work, 'other/var/cache'));

  await tidy(join(work, 'image'));
  await tidy(join(work, 'other'));

  expect(readFileSync(join(work, 'image/real/log/syslog'), 'utf8')).toBe('');
  expect(readdirSync(join(work, 'image/var/cache/apt/archives'))).toEqual([]);
  expect(readFileSync(join(work, 'host/log/syslog'), 'utf8')).toBe('host/log/syslog');
  expect(readdirSync(join(work, 'host/cache/apt/archives'))).toEqual(['a_1_all.deb']);
});
