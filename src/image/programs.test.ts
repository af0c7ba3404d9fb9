import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../base/command.js';
import { firstPartyElements } from './elements.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-programs-'));
  mkdirSync(join(work, 'bin'));
  writeFileSync(join(work, 'web'), 'gcc\tgcc-12 g++-12\nnothing\t\nssh-server\topenssh-server\n');
});

afterEach(() => rmSync(work, { recursive: true }));

/** Runs a program as it is in the image, with a fake apt-get that writes down how it was called. */
async function call(element: string, program: string, args: string[]): Promise<{ status: number; stdout: string }> {
  writeFileSync(join(work, 'bin', 'apt-get'), `#!/bin/sh\necho "$@" >> ${work}/calls\n`, { mode: 0o755 });
  const env = {
    PATH: `${join(work, 'bin')}:${join(firstPartyElements(), 'pkg-map', 'bin')}:/usr/bin:/bin`,
    PKG_MAP_TABLES: work,
    SVC_MAP_TABLE: join(work, 'services'),
  };
  const path = join(firstPartyElements(), element, 'bin', program);
  const { status, stdout } = await run(path, args, { env, okStatuses: [0, 1, 2, 64] });
  return { status, stdout };
}

/** The calls of apt-get without the options that every call has. */
function calls(): string[] {
  const lines = readFileSync(join(work, 'calls'), 'utf8').trim().split('\n');
  const fixed = '--yes --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold ';
  return lines.map((line) => line.replace(fixed, '')).filter((line) => line !== 'update');
}

it('pkg-map prints what stands for a name', async () => {
  const found = await call('pkg-map', 'pkg-map', ['--element', 'web', 'ssh-server', 'nothing', 'gcc']);

  expect(found).toEqual({ status: 0, stdout: 'openssh-server\ngcc-12\ng++-12\n' });
});

it('pkg-map fails with 1 for an unknown name, unless it may be missing, and 2 without a map', async () => {
  expect(await call('pkg-map', 'pkg-map', ['--element', 'web', 'vim'])).toMatchObject({ status: 1 });
  expect(await call('pkg-map', 'pkg-map', ['--missing-ok', '--element=web', 'vim'])).toEqual({
    status: 0,
    stdout: 'vim\n',
  });
  expect(await call('pkg-map', 'pkg-map', ['--element', 'none', 'vim'])).toMatchObject({ status: 2 });
});

it('svc-map prints the services of names', async () => {
  writeFileSync(join(work, 'services'), 'web\tapache2\n');

  expect(await call('svc-map', 'svc-map', ['web', 'cron'])).toEqual({ status: 0, stdout: 'apache2 cron\n' });
});

it('install-packages installs, upgrades and removes', async () => {
  await call('dpkg', 'install-packages', ['vim', 'curl']);
  await call('dpkg', 'install-packages', ['-u']);
  await call('dpkg', 'install-packages', ['-e', 'vim']);

  expect(calls()).toEqual(['install vim curl', 'dist-upgrade', 'purge --auto-remove vim']);
});

it('install-packages maps names first, and does nothing where nothing is left', async () => {
  await call('dpkg', 'install-packages', ['-m', 'web', 'gcc', 'vim']);
  await call('dpkg', 'install-packages', ['-m', 'web', 'nothing']);
  await call('dpkg', 'install-packages', ['-m', 'without-map', 'vim']);

  expect(calls()).toEqual(['install gcc-12 g++-12 vim', 'install vim']);
});
