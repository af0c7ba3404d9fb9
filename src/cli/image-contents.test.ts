import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../base/package-root.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-cli-image-'));
  for (const version of ['1', '2']) {
    const directory = join(work, `state/roles/web/D12-${version}`);
    const tree = join(work, `tree-${version}`);
    mkdirSync(directory, { recursive: true });
    mkdirSync(join(tree, 'etc'), { recursive: true });
    mkdirSync(join(tree, 'var/lib/dpkg'), { recursive: true });
    writeFileSync(join(tree, 'etc/os-release'), 'ID=debian\nPRETTY_NAME="Debian 12"\nVERSION_ID=12\n');
    const status = `Package: web\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\nInstalled-Size: 2000\n`;
    writeFileSync(join(tree, 'var/lib/dpkg/status'), status);
    execFileSync('mksquashfs', [tree, join(directory, 'role.squashfs'), '-quiet', '-no-progress']);
    const record = {
      name: 'web',
      version: `D12-${version}`,
      sha256: '',
      bytes: 1,
      unpackedBytes: 1,
      createdAt: '2026-01-01T00:00:00.000Z',
      imageIdentity: `identity ${version}`,
      kernelVersion: null,
      elements: ['no-such-element'],
    };
    writeFileSync(join(directory, 'role.json'), JSON.stringify(record));
  }
});

afterEach(() => rmSync(work, { recursive: true }));

function image(...words: string[]) {
  const env = { ...process.env, CI: 'true', STACKWRIGHT_STATE: join(work, 'state') };
  return spawnSync(join(packageRoot(), 'bin/stackwright'), ['image', ...words], { encoding: 'utf8', env, cwd: work });
}

it('shows a role by name and version, and by its file', () => {
  const byName = image('show', 'web', 'D12-1');
  const byFile = image('show', 'state/roles/web/D12-1');

  expect(byName.stderr).toBe('');
  expect(byFile.stdout).toBe(byName.stdout);
  expect(byName.stdout).toMatch(/^distribution {2}Debian 12$/m);
  expect(byName.stdout).toMatch(/^packages {6}1, 2.0 MB installed$/m);
  expect(byName.stdout).toMatch(/^identity {6}identity 1$/m);
  expect(byName.stdout).toContain('│ web     │ 1       │ amd64        │ 2.0 MB    │');
  expect(byName.stdout).toContain(
    'Sizes by element are not known: the element no-such-element is not on the elements path',
  );
});

it('lists files with their packages', () => {
  const { stdout } = image('show', '--files', 'tree-1');
  const asJson = JSON.parse(image('show', '--files', '--json', 'tree-1').stdout);

  expect(stdout).toMatch(/^- 0644 0:0 +\d+ - +\/etc\/os-release$/m);
  expect(asJson.list).toContainEqual(expect.objectContaining({ path: '/etc/os-release', type: 'file', mode: '0644' }));
});

it('compares as diff(1) does: status 0 for equal, 1 for different, 2 for trouble', () => {
  const equal = image('diff', 'tree-1', 'web', 'D12-1');
  const different = image('diff', 'web', 'D12-1', 'web', 'D12-2');
  const asJson = image('diff', '--json', 'tree-1', 'tree-2');
  const trouble = image('diff', 'tree-1', 'nowhere', '--json');
  const unclear = image('diff', 'tree-1', 'tree-1', 'tree-1');

  expect([equal, different, asJson, trouble, unclear].map(({ status }) => status)).toEqual([0, 1, 1, 2, 2]);
  expect(equal.stdout).toBe('');
  expect(different.stdout).toContain('│ upgraded │ web     │ 1      │ 2     │');
  expect(different.stdout).toMatch(/^~ +0 B {2}\/var\/lib\/dpkg\/status {2}\(content\)$/m);
  expect(JSON.parse(asJson.stdout)).toMatchObject({ equal: false, packages: [{ change: 'upgraded', name: 'web' }] });
  expect(JSON.parse(trouble.stderr)).toMatchObject({ error: { code: 'ImageUnreadable' } });
  expect(unclear.stderr).toContain('[ImageWordsUnclear]');
});

it('writes a bill of materials to standard output or to a file', () => {
  const { stdout } = image('bom', 'web', 'D12-2');
  image('bom', '--format', 'cyclonedx', 'tree-2', '-o', 'bill.json');

  expect(JSON.parse(stdout)).toMatchObject({ spdxVersion: 'SPDX-2.3', name: 'web D12-2' });
  expect(JSON.parse(readFileSync(join(work, 'bill.json'), 'utf8'))).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
  });
});
