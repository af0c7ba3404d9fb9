// An image is built twice: with everything at hand, and on a machine without a network from a bundle.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { json, leftovers, makeState, removeState, start } from './rig.js';

describe.skipIf(process.getuid?.() !== 0)('a bundle', () => {
  let state: string;
  let offline: string;
  let work: string;
  let server: Server | undefined;
  const answered: string[] = [];

  beforeAll(async () => {
    state = makeState();
    offline = makeState();
    work = join(state, 'work');
    server = createServer((request, response) => {
      answered.push(`${request.method} ${request.url}`);
      response.setHeader('last-modified', 'Sat, 01 Aug 2026 00:00:00 GMT');
      response.end('from a server\n');
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const repository = join(work, 'repository');
    write('repository/README', 'from a repository\n');
    const git = (...args: string[]) => execFileSync('git', ['-C', repository, ...args], { stdio: 'ignore' });
    git('init', '--initial-branch=main');
    git('add', '.');
    git('-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '-m', 'first');
    const sources = [`code git /opt/code ${repository} main`, `data file /opt/data http://127.0.0.1:${port}/data`];
    write('elements/probe/source-repository-probe', `${sources.join('\n')}\n`);
    write('elements/probe/element-deps', 'source-repositories\n');
    for (const phase of ['extra-data.d', 'install.d'])
      write(`elements/probe/${phase}/50-interfaces`, onlyLoopback, 0o755);
    write('elements/probe/install.d/60-download', download(port), 0o755);
  });

  afterAll(async () => {
    server?.close();
    for (const directory of [state, offline]) await removeState(directory);
  });

  function write(name: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(work, name)), { recursive: true });
    writeFileSync(join(work, name), text, { mode });
  }

  /** Both in the image and out of it: the network namespace of a process is what it sees in /proc. */
  const onlyLoopback = `#!/bin/bash
set -eu -o pipefail
[ -n "$DIB_OFFLINE" ] || exit 0
interfaces=$(sed -n 's/^ *\\([^ ]*\\):.*/\\1/p' /proc/net/dev)
[ "$interfaces" = lo ] || { echo "interfaces: $interfaces" >&2; exit 1; }
`;

  /** A script that downloads by itself, past every cache. */
  const download = (port: number) => `#!/bin/bash
set -eu -o pipefail
/usr/lib/apt/apt-helper download-file http://127.0.0.1:${port}/more /opt/more
`;

  const words = (packages = 'jq') => [
    'debian-minimal',
    'probe',
    '--elements-path',
    join(work, 'elements'),
    '-p',
    packages,
  ];

  it('holds all that a build fetches', async () => {
    const bundle = await json(state, 'image', 'bundle', ...words(), '-o', join(work, 'bundle'));
    await json(state, 'image', 'build', ...words(), '-o', join(work, 'online'));

    expect(bundle).toMatchObject({ path: join(work, 'bundle'), unkept: [] });
    expect(answered).toEqual(expect.arrayContaining(['GET /data', 'GET /more']));
  });

  it('is enough for the same tree, where scripts see no network and the host’s apt has a dead proxy', async () => {
    server?.closeAllConnections();
    server?.close();
    rmSync(join(work, 'repository'), { recursive: true });
    write('apt.conf', 'Acquire::http::Proxy "http://127.0.0.1:9";\nAcquire::Check-Valid-Until "true";\n');
    process.env.APT_CONFIG = join(work, 'apt.conf');
    const fromBundle = ['--offline', '--bundle', join(work, 'bundle')];

    await json(offline, 'image', 'build', ...words(), '-o', join(work, 'offline'), ...fromBundle);

    expect(await differences(join(work, 'online'), join(work, 'offline'))).toBe('');
  });

  it('is named where it lacks something', async () => {
    const fromBundle = ['--offline', '--bundle', join(work, 'bundle'), '--json'];
    const target = ['-o', join(work, 'other')];

    const { stderr } = await start(offline, ['image', 'build', ...words('hello'), ...target, ...fromBundle]).ended;

    const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
    expect(error).toMatchObject({ code: 'BundleLacks', value: expect.stringMatching(/\/hello_[^/]*\.deb$/) });
  });

  it('leaves nothing behind', () => {
    for (const directory of [state, offline]) {
      expect(leftovers(directory, 'none').filter((line) => !line.includes('postgres'))).toEqual([]);
      expect(readdirSync(join(directory, 'tmp'))).toEqual([]);
    }
  });
});

/**
 * Of content, owner, mode, links and extended attributes. Times are in files of ldconfig and git too, and
 * two manifests tell the command line.
 */
async function differences(one: string, other: string): Promise<string> {
  const manifests = ['arguments', 'environment'].map((name) => `/etc/dib-manifests/dib_${name}`);
  const others = ['/var/cache/ldconfig/aux-cache', '.git/index', '.git/logs', ...manifests];
  const compare = [
    '--dry-run',
    '--archive',
    '--no-times',
    '--hard-links',
    '--acls',
    '--xattrs',
    '--checksum',
    '--delete',
  ];
  const { stdout } = await run('rsync', [
    ...compare,
    '--itemize-changes',
    ...others.map((name) => `--exclude=${name}`),
    `${one}/`,
    `${other}/`,
  ]);
  return stdout;
}
