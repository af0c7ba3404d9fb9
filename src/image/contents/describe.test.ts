import { execFileSync } from 'node:child_process';
import { linkSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stateDirectory } from '../../base/state.js';
import { firstPartyElements } from '../elements.js';
import { describeImage } from './describe.js';
import { parseStatus } from './dpkg.js';
import { shareOut } from './element-shares.js';
import { openImage } from './open.js';
import { keepImageRecord, readImageRecord } from './record.js';
import { makeSmallTree, writeFiles } from './small-image.fixture.js';

let work: string;
let tree: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-describe-'));
  tree = makeSmallTree(join(work, 'tree'));
});

afterEach(() => rmSync(work, { recursive: true }));

async function describeTree(elements?: string[], elementsPath: string[] = []) {
  await using contents = await openImage(tree, stateDirectory(join(work, 'state')));
  const record = elements && { identity: 'abc', elements };
  return await describeImage(contents, { record, elementsPath });
}

it('tells distribution, kernel, packages, and files that no package has brought', async () => {
  const image = await describeTree();

  expect(image).toMatchObject({
    format: 'tree',
    distribution: { id: 'debian', name: 'Debian GNU/Linux 12 (bookworm)', version: '12', codename: 'bookworm' },
    kernels: ['6.1.0-1-amd64'],
    installedBytes: 150 * 1024,
    elements: null,
    elementsUnknown: 'neither the image nor a record beside it names its elements',
  });
  expect(image.packages?.map(({ name }) => name)).toEqual(['base', 'libweb', 'web']);
  // /srv/own file, status, three lists, the manifest, /lib and /etc/os-release.
  expect(image.unpackaged.files).toBe(8);
});

it('adds up directories as du does, with holes and files of several names', async () => {
  writeFileSync(join(tree, 'srv/sparse'), 'begin');
  truncateSync(join(tree, 'srv/sparse'), 2 ** 30);
  writeFileSync(join(tree, 'srv/one'), 'x'.repeat(100_000));
  linkSync(join(tree, 'srv/one'), join(tree, 'srv/two'));
  const du = execFileSync('du', ['--block-size=1', '--max-depth=2', '--exclude=./proc', '.'], {
    cwd: tree,
    encoding: 'utf8',
  });

  const { directories } = await describeTree();

  const sizes = directories.map(({ path, allocatedBytes }) => `${allocatedBytes}\t${path === '/' ? '.' : `.${path}`}`);
  expect(sizes.sort()).toEqual(du.trim().split('\n').sort());
  expect(directories[0]?.path).toBe('/');
});

it('says so where an image has no dpkg', async () => {
  rmSync(join(tree, 'var/lib/dpkg'), { recursive: true });

  const image = await describeTree(['debian-minimal']);

  expect(image).toMatchObject({ packages: null, elements: null, elementsUnknown: 'the image has no dpkg' });
});

it('masks secrets in what it tells of the build', async () => {
  writeFiles(join(tree, 'etc/dib-manifests'), {
    dib_environment: [
      'declare -x DIB_DEV_USER_PASSWORD="hunter2 \\"x\\""',
      'declare -x DIB_DISTRIBUTION_MIRROR="http://me:geheim@mirror.example.org/debian"',
      'declare -x DIB_NOTE="two',
      'lines, \\$HOME and hunter2 \\"x\\""',
      'declare -x DIB_RELEASE="bookworm"',
      '',
    ].join('\n'),
    dib_arguments: 'image build keystone web --api-token 0123 -o out --root-label my-root\n',
    'dib-element-manifest': 'base\nweb\n',
  });

  const { provenance } = await describeTree();

  expect(provenance).toEqual({
    environment: {
      DIB_DEV_USER_PASSWORD: '********',
      DIB_DISTRIBUTION_MIRROR: 'http://********@mirror.example.org/debian',
      DIB_NOTE: 'two\nlines, $HOME and ********',
      DIB_RELEASE: 'bookworm',
    },
    arguments: 'image build keystone web --api-token ******** -o out --root-label my-root',
    elements: ['base', 'web'],
    gitSources: [
      {
        name: 'tool',
        path: '/opt/tool',
        location: 'https://git.example.org/tool',
        commit: '0123456789012345678901234567890123456789',
      },
    ],
  });
});

it('gives each package to the first element that wants it, and the rest to the operating system', () => {
  const packages = parseStatus(
    [
      'Package: libc\nInstalled-Size: 1',
      'Package: bash\nInstalled-Size: 2\nEssential: yes\nDepends: libc',
      'Package: ssh\nInstalled-Size: 4\nDepends: libssl, libc',
      'Package: libssl\nInstalled-Size: 8',
      'Package: web\nInstalled-Size: 16\nDepends: libssl',
      'Package: by-script\nInstalled-Size: 32',
    ].join('\n\n'),
  );
  const wants = new Map([
    ['server', ['ssh', 'not-installed']],
    ['site', ['web', 'bash']],
  ]);

  const shares = shareOut(packages, ['base', 'server', 'site'], wants);

  expect(shares).toEqual([
    { element: 'server', packages: 2, installedBytes: 12 * 1024 },
    { element: 'site', packages: 1, installedBytes: 16 * 1024 },
    { packages: 3, installedBytes: 35 * 1024 },
  ]);
});

it('reads what elements want from the elements path, in the order of their dependencies', async () => {
  writeFiles(join(work, 'elements'), {
    'a-site/element-deps': 'z-library\n',
    'a-site/package-installs.yaml': 'web:\n',
    'z-library/package-installs.yaml': 'the-library:\n',
    'z-library/pkg-map': '{"release": {"debian": {"bookworm": {"the-library": "libweb"}}}}',
  });
  const path = [join(work, 'elements'), firstPartyElements()];

  const known = await describeTree(['a-site', 'debian-minimal', 'z-library'], path);
  const missing = await describeTree(['no-such-element', 'debian-minimal'], path);

  expect(known.elements).toEqual([
    { element: 'z-library', packages: 1, installedBytes: 20 * 1024 },
    { element: 'a-site', packages: 1, installedBytes: 30 * 1024 },
    { packages: 1, installedBytes: 100 * 1024 },
  ]);
  expect(missing).toMatchObject({
    elements: null,
    elementsUnknown: 'the element no-such-element is not on the elements path',
  });
});

it('finds the record of an image beside it, and not that of another build', async () => {
  const record = { identity: 'abc', elements: ['base', 'web'] };
  const image = join(work, 'web.qcow2');
  writeFileSync(image, 'image');
  await keepImageRecord(join(work, 'web'), record, [{ path: image, bytes: 5 }]);
  writeFileSync(join(work, 'web.raw'), 'of another build');
  writeFileSync(`${tree}.json`, JSON.stringify({ path: tree, ...record }));

  const found = [image, tree, join(work, 'web.raw')].map(readImageRecord);
  writeFileSync(image, 'another image');

  expect(found).toEqual([expect.objectContaining(record), expect.objectContaining(record), undefined]);
  expect(readImageRecord(image)).toBeUndefined();
});
