import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../base/command.js';
import { firstPartyElements } from './elements.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-sources-'));
  for (const directory of ['mnt', 'hooks', 'cache', 'from']) mkdirSync(join(work, directory));
  cpSync(join(firstPartyElements(), 'cache-url', 'bin'), join(work, 'hooks', 'bin'), { recursive: true });
});

afterEach(() => rmSync(work, { recursive: true }));

/** Runs an element's script as extra-data.d does, with the fetched things below `work/mnt`. */
function script(path: string, env: Record<string, string> = {}): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(join(firstPartyElements(), path), {
    encoding: 'utf8',
    env: {
      PATH: '/usr/bin:/bin',
      HOME: work,
      TMP_MOUNT_PATH: join(work, 'mnt'),
      TMP_HOOKS_PATH: join(work, 'hooks'),
      DIB_IMAGE_CACHE: join(work, 'cache'),
      DIB_MANIFEST_IMAGE_DIR: '/etc/dib-manifests',
      IMAGE_NAME: '/srv/web',
      FROM: join(work, 'from'),
      ...env,
    },
  });
  return { status, stderr };
}

function sources(...lines: string[]): void {
  writeFileSync(join(work, 'hooks', 'source-repository-web'), lines.map((line) => `${line}\n`).join(''));
}

function fetchSources(env: Record<string, string> = {}) {
  return script('source-repositories/extra-data.d/98-source-repositories', env);
}

const inImage = (path: string) => readFileSync(join(work, 'mnt', path), 'utf8');

/** A repository with a branch, a tag and one more commit on master; returns the commit of the branch. */
function repository(): string {
  const git = (...args: string[]) => {
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
    return execFileSync('git', ['-C', join(work, 'from', 'web'), ...identity, ...args], { encoding: 'utf8' }).trim();
  };
  mkdirSync(join(work, 'from', 'web'));
  git('init', '--quiet', '--initial-branch=master');
  for (const [index, mark] of [['branch', 'side'], ['tag', 'v1'], undefined].entries()) {
    writeFileSync(join(work, 'from', 'web', 'count'), `${index}\n`);
    git('add', '.');
    git('commit', '--quiet', '-m', `${index}`);
    if (mark) git(...mark);
  }
  return git('rev-parse', 'side');
}

it('source-repositories fetches tar archives in part or whole, and files', () => {
  mkdirSync(join(work, 'from', 'top', 'sub'), { recursive: true });
  writeFileSync(join(work, 'from', 'top', 'sub', 'deep'), 'deep');
  execFileSync('tar', ['-C', join(work, 'from'), '-czf', join(work, 'from', 'web.tgz'), 'top']);
  sources(
    '# a comment',
    '',
    'all tar /opt/all file://$FROM/web.tgz .',
    'first-level tar /opt/first file://$FROM/web.tgz *',
    'part tar /opt/part "file://${FROM}/web.tgz" top/sub',
    'plain file /opt/plain/text file://$FROM/top/sub/deep',
  );

  expect(fetchSources()).toMatchObject({ status: 0 });

  expect(inImage('opt/all/top/sub/deep')).toBe('deep');
  expect(inImage('opt/first/sub/deep')).toBe('deep');
  expect(inImage('opt/part/deep')).toBe('deep');
  expect(inImage('opt/plain/text')).toBe('deep');
  expect(inImage('etc/dib-source-repositories')).toBe('/opt/all\n/opt/first\n/opt/part\n/opt/plain/text\n');
});

it('source-repositories checks out branches, tags, commits and other references', () => {
  const commit = repository();
  sources(
    'web git /opt/web file://$FROM/web',
    'side git /opt/side file://$FROM/web side',
    'tag git /opt/tag file://$FROM/web v1',
    `commit git /opt/commit file://$FROM/web ${commit}`,
    'ref git /opt/ref file://$FROM/web refs/heads/side',
  );

  expect(fetchSources()).toMatchObject({ status: 0 });

  const counts = ['web', 'side', 'tag', 'commit', 'ref'].map((name) => inImage(`opt/${name}/count`).trim());
  expect(counts).toEqual(['2', '0', '1', '0', '0']);
  const manifest = inImage('etc/dib-manifests/dib-manifest-git-web').split('\n');
  expect(manifest).toContain(`side git /opt/side file://${work}/from/web ${commit}`);
});

it('source-repositories takes what it has fetched from its cache when offline', () => {
  repository();
  sources('web git /opt/web file://$FROM/web');
  fetchSources();
  rmSync(join(work, 'from', 'web'), { recursive: true });
  rmSync(join(work, 'mnt', 'opt'), { recursive: true });

  expect(fetchSources({ DIB_OFFLINE: '1' })).toMatchObject({ status: 0 });
  expect(inImage('opt/web/count')).toBe('2\n');

  sources('other file /opt/other file://$FROM/other');
  expect(fetchSources({ DIB_OFFLINE: '1' })).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('is not in the cache'),
  });
});

it('source-repositories obeys the overrides', () => {
  repository();
  writeFileSync(join(work, 'from', 'text'), 'text');
  sources('the-web git /opt/web https://example.org/web', 'skipped git /opt/skipped https://example.org/gone');

  const base = { DIB_GITREPOBASE: `file://${work}/from/`, DIB_INSTALLTYPE_skipped: 'package' };
  expect(fetchSources(base)).toMatchObject({ status: 0 });
  expect(inImage('opt/web/count')).toBe('2\n');
  rmSync(join(work, 'mnt/opt'), { recursive: true });

  const env = {
    DIB_REPOTYPE_the_web: 'file',
    DIB_REPOLOCATION_the_web: `file://${work}/from/text`,
    DIB_INSTALLTYPE_skipped: 'package',
  };
  expect(fetchSources(env)).toMatchObject({ status: 0 });
  expect(inImage('opt/web')).toBe('text');
  expect(existsSync(join(work, 'mnt/opt/skipped'))).toBe(false);
});

it('source-repositories fetches nothing with NO_SOURCE_REPOSITORIES, and never two to one place', () => {
  sources('a file /opt/x file://$FROM/a', 'b file /opt/x file://$FROM/a');
  writeFileSync(join(work, 'from', 'a'), 'a');

  expect(fetchSources({ NO_SOURCE_REPOSITORIES: '1' })).toMatchObject({ status: 0 });
  expect(existsSync(join(work, 'mnt/opt'))).toBe(false);
  expect(fetchSources()).toMatchObject({ status: 1, stderr: expect.stringContaining('b and a both go to /opt/x') });
});

it('install-types links the scripts of the wanted types, also of those that source-repositories decides', () => {
  for (const name of ['web-source', 'web-package', 'two-words-repo', 'two-words-source', 'db-source']) {
    mkdirSync(join(work, 'hooks/install.d', `${name}-install`), { recursive: true });
    writeFileSync(join(work, 'hooks/install.d', `${name}-install`, `50-${name}`), '');
  }
  sources('web package none none');
  fetchSources();

  expect(
    script('install-types/extra-data.d/99-enable-install-types', { DIB_INSTALLTYPE_two_words: 'repo' }),
  ).toMatchObject({ status: 0 });

  const linked = readdirSync(join(work, 'hooks/install.d')).filter((name) => name.startsWith('50-'));
  expect(linked).toEqual(['50-db-source', '50-two-words-repo', '50-web-package']);
});

it('dpkg takes the settings of the host’s apt, but its proxies only where the builder has none', () => {
  mkdirSync(join(work, 'mnt', 'usr', 'sbin'), { recursive: true });
  const file = join(work, 'apt.conf');
  const lines = ['http::Proxy "http://apt:3142";', 'http::Proxy::near "DIRECT";', 'Check-Valid-Until "true";'];
  writeFileSync(file, lines.map((line) => `Acquire::${line}\n`).join(''));
  const settings = (env: Record<string, string>) => {
    script('dpkg/extra-data.d/00-dpkg-settings', { APT_CONFIG: file, ...env });
    const text = inImage('etc/apt/apt.conf.d/95stackwright-build');
    return text.match(/^Acquire::(.*Proxy|Check-Valid-Until).*$/gm);
  };
  const proxies = ['Acquire::http::Proxy "http://apt:3142";', 'Acquire::http::Proxy::near "DIRECT";'];

  expect(settings({})).toEqual(expect.arrayContaining(proxies));
  const fromBundle = settings({ STACKWRIGHT_PROXY: 'http://127.0.0.1:3128', DIB_OFFLINE: '1' });
  expect(fromBundle).not.toEqual(expect.arrayContaining([expect.stringContaining('Proxy')]));
  expect(fromBundle?.at(-1)).toBe('Acquire::Check-Valid-Until "false";');
});

it('cache-url downloads what the server has newer, with -f always, nothing offline, and tells what is missing', async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers['if-modified-since'] ?? request.headers['cache-control']);
    if (request.url !== '/file') return response.writeHead(request.url === '/missing' ? 404 : 403).end();
    if (request.headers['if-modified-since']) return response.writeHead(304).end();
    return response.writeHead(200, { 'Last-Modified': 'Wed, 21 Oct 2015 07:28:00 GMT' }).end('hello');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const program = join(firstPartyElements(), 'cache-url/bin/cache-url');
  const file = join(work, 'deep', 'file');
  const okStatuses = [0, 1, 44];
  const call = async (...args: string[]) => (await run(program, args, { okStatuses })).status;
  const callOffline = async (path: string) =>
    (await run(program, [`${base}/file`, path], { okStatuses, env: { DIB_OFFLINE: '1' } })).status;
  try {
    expect(await call(`${base}/file`, file)).toBe(0);
    expect(await call(`${base}/file`, file)).toBe(0);
    expect(await call('-f', `${base}/file`, file)).toBe(0);
    expect(await call(`${base}/missing`, file)).toBe(44);
    expect(await call(`${base}/forbidden`, file)).toBe(1);
    expect(await callOffline(file)).toBe(0);
  } finally {
    server.close();
  }

  expect(readFileSync(file, 'utf8')).toBe('hello');
  expect(readdirSync(join(work, 'deep'))).toEqual(['file']);
  const since = 'Wed, 21 Oct 2015 07:28:00 GMT';
  expect(asked).toEqual([undefined, since, 'no-cache', since, since]);
});
