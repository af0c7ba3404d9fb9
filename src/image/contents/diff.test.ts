import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { diffImages } from './diff.js';
import { makeSmallTree, writeFiles } from './small-image.fixture.js';
import { comparePaths, readableName, walkFiles } from './walk.js';

let work: string;
let before: string;
let after: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-diff-'));
  before = makeSmallTree(join(work, 'before'));
  after = join(work, 'after');
  cpSync(before, after, { recursive: true, verbatimSymlinks: true });
});

afterEach(() => rmSync(work, { recursive: true }));

async function diff(everyFile = false) {
  const walked = (root: string) => ({ root, oneFileSystem: true });
  const { packages, files } = await diffImages(walked(before), walked(after), everyFile);
  const lines = files.map(({ change, path, aspects }) => [change, readableName(path), ...aspects].join(' '));
  return { packages, lines };
}

/** Sets versions of packages in the status of the second image. */
function setVersions(versions: Record<string, string>): void {
  const file = join(after, 'var/lib/dpkg/status');
  let text = readFileSync(file, 'utf8');
  for (const [name, version] of Object.entries(versions)) {
    text = text.replace(new RegExp(`(Package: ${name}\n[^]*?\nVersion: ).*`), `$1${version}`);
  }
  writeFileSync(file, text);
}

it('finds a copy equal', async () => {
  expect(await diff(true)).toEqual({ packages: [], lines: [] });
});

it('tells what of a file is another', async () => {
  writeFiles(after, { 'srv/own file': 'mint', 'srv/longer': 'new' });
  chmodSync(join(after, 'usr/lib/libweb.so.1'), 0o600);
  chownSync(join(after, 'usr/share/doc/base/copyright'), 33, 34);
  rmSync(join(after, 'usr/share/doc/web'));
  symlinkSync('base', join(after, 'usr/share/doc/web'));
  rmSync(join(after, 'boot'), { recursive: true });
  writeFileSync(join(after, 'boot'), '');
  rmSync(join(after, 'etc/dib-manifests'), { recursive: true });
  execFileSync('setfattr', ['--name=user.note', '--value=a', join(after, 'usr/bin/web')]);

  const { packages, lines } = await diff();

  expect(packages).toEqual([]);
  expect(lines).toEqual([
    'changed /boot type mode',
    'removed /etc/dib-manifests',
    'removed /etc/dib-manifests/dib-manifest-git-image',
    'added /srv/longer',
    'changed /srv/own file content',
    'changed /usr/bin/web attributes',
    'changed /usr/lib/libweb.so.1 mode',
    'changed /usr/share/doc/base/copyright owner',
    'changed /usr/share/doc/web target',
  ]);
});

it('folds the files of packages that differ into these, unless all are wanted', async () => {
  setVersions({ libweb: '1.0', web: '1:0.9' });
  writeFiles(after, {
    'usr/lib/libweb.so.1': 'newer library',
    'usr/bin/web': 'older',
    'var/lib/dpkg/info/libweb:amd64.postinst': 'exit 0',
    'srv/own file': 'mine too',
  });

  const folded = await diff();
  const unfolded = await diff(true);

  expect(folded.packages).toEqual([
    {
      change: 'upgraded',
      name: 'libweb',
      architecture: 'amd64',
      before: '1.0~rc1',
      after: '1.0',
      installedBytes: 0,
      files: 2,
    },
    {
      change: 'downgraded',
      name: 'web',
      architecture: 'amd64',
      before: '1:1.0-1+b1',
      after: '1:0.9',
      installedBytes: 0,
      files: 1,
    },
  ]);
  expect(folded.lines).toEqual(['changed /srv/own file content', 'changed /var/lib/dpkg/status content']);
  expect(unfolded.packages.map(({ files }) => files)).toEqual([0, 0]);
  expect(unfolded.lines).toHaveLength(5);
});

it('tells packages that came and went', async () => {
  const file = join(after, 'var/lib/dpkg/status');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('Package: web\n', 'Package: site\n'));

  const { packages } = await diff();

  expect(packages.map(({ change, name, installedBytes }) => [change, name, installedBytes])).toEqual([
    ['added', 'site', 30 * 1024],
    ['removed', 'web', -30 * 1024],
  ]);
});

it('walks through names of any bytes in the order in which paths are compared', () => {
  for (const name of ['a', 'a-b', 'a.b', 'a/c', 'ab'])
    writeFiles(work, { [`names/${name === 'a' ? 'a/b' : name}`]: '' });
  writeFileSync(Buffer.concat([Buffer.from(join(work, 'names/')), Buffer.from([0xff, 0x0a])]), '');

  const paths = [...walkFiles({ root: join(work, 'names'), oneFileSystem: true })].map(({ path }) => path);

  expect(paths).toEqual([...paths].sort(comparePaths));
  expect(paths.map(readableName)).toEqual(['/', '/a', '/a/b', '/a/c', '/a-b', '/a.b', '/ab', '/\ufffd\\x0a']);
});

it('orders paths as their lists of names', () => {
  const names = fc.array(fc.stringMatching(/^[!-.0-~]{1,3}$/), { maxLength: 4 });
  fc.assert(
    fc.property(names, names, (a, b) => {
      const at = a.findIndex((name, index) => name !== b[index]);
      const [one, other] = [a[at], b[at]];
      const expected = at < 0 ? a.length - b.length : other === undefined || (one ?? '') > other ? 1 : -1;

      expect(Math.sign(comparePaths(`/${a.join('/')}`, `/${b.join('/')}`))).toBe(Math.sign(expected));
    }),
  );
});
