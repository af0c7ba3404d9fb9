import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type StateDirectory, stateDirectory } from '../../base/state.js';
import { mountsBelow } from '../../base/temporary.js';
import { readInside } from '../inside.js';
import { writeOciArchive } from '../oci-archive.js';
import { openImage } from './open.js';
import { makeDisk, makeSmallTree, writeFiles } from './small-image.fixture.js';
import { walkFiles } from './walk.js';

let work: string;
let tree: string;
let state: StateDirectory;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-contents-'));
  state = stateDirectory(join(work, 'state'));
  tree = makeSmallTree(join(work, 'tree'));
});

afterEach(() => {
  expect(readdirSync(state.path('tmp'), { encoding: 'utf8' })).toEqual([]);
  expect(mountsBelow(work)).toEqual([]);
  expect(
    execFileSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'], { encoding: 'utf8' }),
  ).not.toContain(work);
  rmSync(work, { recursive: true });
});

/** Path, type, mode, owner and size of each file, without what a file system has of its own. */
async function listing(image: string): Promise<string[]> {
  mkdirSync(state.path('tmp'), { recursive: true });
  await using contents = await openImage(image, state);
  const files = [...walkFiles(contents)].filter(({ path }) => path !== '/' && path !== '/lost+found');
  return files.map(({ path, type, mode, uid, gid, bytes }) => {
    return [path, type, mode.toString(8), uid, gid, type === 'directory' ? '' : bytes].join(' ');
  });
}

const tool = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });
const place = (name: string) => join(work, name);

it('sees the same files in every format', async () => {
  tool('mksquashfs', tree, place('a.squash'), '-quiet', '-no-progress', '-wildcards', '-e', 'proc/*');
  tool('tar', '-cf', place('a.tar'), '-C', tree, '.');
  tool('tar', '-czf', place('a.tgz'), '-C', tree, '.');
  cpSync(place('a.tar'), place('layer.tar'));
  mkdirSync(place('oci'));
  await writeOciArchive(
    { layer: place('layer.tar'), arch: 'amd64', reference: 'a', compress: true },
    place('a.oci.tar'),
    place('oci'),
  );
  makeDisk(place('whole.raw'), '', [{ start: 0, size: 32, make: ['mke2fs', '-q', '-t', 'ext4', '-d', tree] }]);
  makeDisk(place('a.raw'), 'label: dos\nstart=1MiB,type=83\n', [
    { start: 1, size: 31, make: ['mke2fs', '-q', '-t', 'ext4', '-d', tree] },
  ]);
  tool('qemu-img', 'convert', '-O', 'qcow2', '-c', place('a.raw'), place('a.qcow2'));
  tool('qemu-img', 'convert', '-O', 'vpc', '-o', 'force_size=on', place('a.raw'), place('a.vhd'));
  const fixed = 'subformat=fixed,force_size=on';
  tool('qemu-img', 'convert', '-O', 'vpc', '-o', fixed, place('a.raw'), place('fixed.vhd'));
  const expected = await listing(tree);
  expect(expected).toContain('/usr/bin/web file 4755 0 0 7');
  expect(expected.filter((line) => line.startsWith('/proc'))).toEqual([]);

  for (const name of [
    'a.squash',
    'a.tar',
    'a.tgz',
    'a.oci.tar',
    'whole.raw',
    'a.raw',
    'a.qcow2',
    'a.vhd',
    'fixed.vhd',
  ]) {
    expect({ name, files: await listing(place(name)) }).toEqual({ name, files: expected });
  }
});

it('puts the file systems of a disk together by its fstab, and names what it cannot', async () => {
  writeFiles(tree, { 'etc/fstab': '# where\nLABEL=root / ext4 defaults 0 1\nLABEL=boot /boot ext4 defaults 0 2\n' });
  writeFiles(place('kernels'), { 'vmlinuz-6.1': 'kernel' });
  writeFiles(place('spare'), { note: 'nobody mounts this' });
  const ext4 = ['mke2fs', '-q', '-t', 'ext4'] as const;
  makeDisk(
    place('a.raw'),
    'label: gpt\nsize=4MiB\nsize=2MiB\nsize=4MiB\nsize=3MiB\nsize=10MiB\nsize=1MiB,type=21686148-6449-6E6F-744E-656564454649\n',
    [
      { start: 1, size: 4, make: [...ext4, '-L', 'boot', '-d', place('kernels')] },
      { start: 5, size: 2, make: ['mkswap'] },
      { start: 7, size: 4, make: [...ext4, '-L', 'spare', '-d', place('spare')] },
      { start: 14, size: 10, make: [...ext4, '-L', 'root', '-d', tree] },
    ],
  );

  await using contents = await openImage(place('a.raw'), state);

  expect(readInside(contents.root, '/boot/vmlinuz-6.1')).toBe('kernel');
  expect(contents.skipped).toEqual([
    'partition 4: without a known file system, which this host cannot mount',
    'partition 3: ext4, which /etc/fstab does not mount',
  ]);
});

it('finds partitions on a disk with sectors of 4096 bytes', async () => {
  const root = place('root.ext4');
  writeFileSync(root, '');
  tool('truncate', '--size=16M', root);
  tool('mke2fs', '-q', '-t', 'ext4', '-d', tree, root);
  tool('truncate', '--size=32M', place('a.raw'));
  const loop = execFileSync('losetup', ['--find', '--show', '--sector-size', '4096', place('a.raw')], {
    encoding: 'utf8',
  });
  try {
    const script = ['--quiet', '--no-reread', '--no-tell-kernel', loop.trim()];
    execFileSync('sfdisk', script, { input: 'label: gpt\nstart=4MiB,size=16MiB\n' });
  } finally {
    tool('losetup', '--detach', loop.trim());
  }
  tool('dd', `if=${root}`, `of=${place('a.raw')}`, 'bs=1M', 'seek=4', 'conv=notrunc');

  expect(await listing(place('a.raw'))).toEqual(await listing(tree));
});

it.each([
  ['a file that is missing', () => {}, 'there is no such file or directory'],
  [
    'a file of another kind',
    () => writeFileSync(place('image'), 'text\n'.repeat(1000)),
    'no partition of it has a root',
  ],
  ['a squashfs that is cut off', () => writeFileSync(place('image'), 'hsqs'.padEnd(5000)), 'cannot mount it'],
  ['a tar that is cut off', () => writeFileSync(place('image'), '\x1f\x8b\x08', 'latin1'), 'tar cannot unpack it'],
  [
    'a disk that rests on another file',
    () => {
      tool('truncate', '--size=1M', place('base.raw'));
      tool('qemu-img', 'create', '-f', 'qcow2', '-b', place('base.raw'), '-F', 'raw', place('image'));
    },
    'it rests on another file',
  ],
])('refuses %s', async (_what, make, reason) => {
  mkdirSync(state.path('tmp'), { recursive: true });
  make();

  const opening = openImage(place('image'), state);

  await expect(opening).rejects.toMatchObject({
    code: 'ImageUnreadable',
    message: expect.stringContaining(reason),
    details: { value: place('image'), exitStatus: 2 },
  });
});

it('follows links as in the image, never out of it', () => {
  mkdirSync(state.path('tmp'), { recursive: true });
  writeFiles(work, { secret: 'of the host' });
  writeFiles(tree, { 'etc/name': 'of the image' });
  symlinkSync('/etc/name', join(tree, 'absolute'));
  symlinkSync('../../../etc/name', join(tree, 'etc/upwards'));
  symlinkSync('../../secret', join(tree, 'etc/out'));
  symlinkSync('circle', join(tree, 'circle'));
  tool('mkfifo', join(tree, 'pipe'));

  const texts = ['/absolute', '/etc/upwards', '/etc/out', '/circle', '/pipe', '/etc/name/below'].map((path) =>
    readInside(tree, path),
  );

  expect(readFileSync(join(work, 'secret'), 'utf8')).toBe('of the host');
  expect(texts).toEqual(['of the image', 'of the image', undefined, undefined, undefined, undefined]);
});
