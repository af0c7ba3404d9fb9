import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../base/package-root.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-commands-'));
  for (const name of ['disk-image-create', 'ramdisk-image-create']) {
    copyFileSync(join(packageRoot(), 'bin', name), join(work, name));
  }
  const variables = 'env | grep -E "^(DIB_|RAMDISK_|CALLERS=|STACKWRIGHT_STATE=)" | sort > "$(dirname "$0")/variables"';
  const program = ['#!/bin/bash', variables, 'echo "$*"', 'echo progress >&2', ''].join('\n');
  writeFileSync(join(work, 'stackwright'), program, { mode: 0o755 });
});

afterEach(() => rmSync(work, { recursive: true }));

/** The command line of stackwright that a command becomes, and the variables that it sees. */
function called(name: string, ...args: string[]): { line: string; variables: string[] } {
  const env = { PATH: process.env.PATH, CALLERS: 'own', STACKWRIGHT_STATE: '/state' };
  const line = execFileSync(join(work, name), args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] });
  const variables = readFileSync(join(work, 'variables'), 'utf8').trim().split('\n');
  return { line: line.trim(), variables };
}

it('disk-image-create gives its options to image build', () => {
  const options = '-a x86_64 -o web -t raw,tar -u -n -p vim -p less --checksum --image-size 8 --docker-target web:1';

  expect(called('disk-image-create', ...options.split(' '), 'debian-minimal', 'vm').line).toBe(
    'image build --arch amd64 --no-compress --no-base --checksum --packages vim,less --type raw,tar --image-size=8 ' +
      '--docker-target=web:1 --output web debian-minimal vm',
  );
  expect(called('disk-image-create', 'vm').line).toBe('image build --type qcow2 --output image vm');
});

it('ramdisk-image-create gives those that a ramdisk has to image ramdisk', () => {
  const options = '-a arm64 -o probe -t raw -u -p vim --image-size 8 --root-label root --ramdisk-element own -x -x';

  expect(called('ramdisk-image-create', ...options.split(' '), 'debian-minimal')).toEqual({
    line: 'image ramdisk --arch arm64 --no-compress --packages vim --output probe debian-minimal',
    variables: [
      'CALLERS=own',
      `DIB_ARGS=${options} debian-minimal`,
      'DIB_DEBUG_TRACE=2',
      'RAMDISK_ELEMENT=own',
      'STACKWRIGHT_STATE=/state',
    ],
  });
});

it('-c takes the caller’s variables away, and leaves those of the options', () => {
  expect(called('disk-image-create', '--offline', '-c', '--install-type', 'package', 'vm').variables).toEqual([
    'DIB_ARGS=--offline -c --install-type package vm',
    'DIB_DEFAULT_INSTALLTYPE=package',
    'DIB_OFFLINE=1',
    'STACKWRIGHT_STATE=/state',
  ]);
});

it('--logfile keeps what is printed, and leaves results on standard output', async () => {
  const log = join(work, 'log');

  expect(called('disk-image-create', '--logfile', log, 'vm').line).toBe('image build --type qcow2 --output image vm');
  await expect.poll(() => readFileSync(log, 'utf8'), { timeout: 60_000 }).toContain('progress');
  expect(readFileSync(log, 'utf8')).toContain('image build');
});
