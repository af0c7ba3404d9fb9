import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../base/command.js';
import { silentReporter } from '../base/events.js';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { exportRole, getRole, listRoles, type PublishOptions, publishRole } from './index.js';

let work: string;
let state: StateDirectory;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-role-'));
  state = stateDirectory(join(work, 'state'));
  mkdirSync(join(work, 'tree', 'etc'), { recursive: true });
  writeFileSync(join(work, 'tree', 'etc', 'hostname'), 'one\n', { mode: 0o640 });
});

afterEach(() => rmSync(work, { recursive: true }));

function publication(identity: string, more: Partial<PublishOptions> = {}): PublishOptions {
  const tree = { path: join(work, 'tree'), identity, elements: ['web'], kernelVersion: '6.1.0-1-amd64' };
  return { tree, name: 'web', version: 'D12-F.1.0.0', state, reporter: silentReporter, ...more };
}

it('publishes a tree with its record', async () => {
  const role = await publishRole(publication('a'));

  expect(role).toMatchObject({ name: 'web', imageIdentity: 'a', kernelVersion: '6.1.0-1-amd64', elements: ['web'] });
  const content = readFileSync(role.file);
  expect(role.sha256).toBe(createHash('sha256').update(content).digest('hex'));
  expect(role.bytes).toBe(content.length);
  const { stdout } = await run('unsquashfs', ['-lls', role.file]);
  expect(stdout).toMatch(/^-rw-r----- .* squashfs-root\/etc\/hostname$/m);
  expect(getRole(state, 'web', 'D12-F.1.0.0')).toEqual(role);
  expect(readdirSync(state.path('roles', 'web'))).toEqual(['D12-F.1.0.0']);
});

it('changes nothing when the same image is published again', async () => {
  const first = await publishRole(publication('a'));
  const second = await publishRole(publication('a'));

  expect(second).toEqual(first);
});

it('replaces another image under the same name and version only when told', async () => {
  await publishRole(publication('a'));

  await expect(publishRole(publication('b'))).rejects.toMatchObject({ code: 'RoleExists' });
  const replaced = await publishRole(publication('b', { force: true }));

  expect(replaced.imageIdentity).toBe('b');
  expect(readdirSync(state.path('roles', 'web'))).toEqual(['D12-F.1.0.0']);
});

it('lays a role where eDeploy’s rsync and HTTP servers have it, and leaves what is there', async () => {
  const { name, version } = await publishRole(publication('a'));
  const options = { state, reporter: silentReporter, name, version, directory: join(work, 'install') };

  const tree = await exportRole({ ...options, format: 'tree' });
  const archive = await exportRole({ ...options, format: 'archive' });

  expect(tree).toBe(join(work, 'install/D12-F.1.0.0/web'));
  expect(archive).toBe(join(work, 'install/D12-F.1.0.0/web-D12-F.1.0.0.edeploy'));
  expect(statSync(join(tree, 'etc/hostname')).mode & 0o777).toBe(0o640);
  const { stdout } = await run('tar', ['--list', '--verbose', '--zstd', '--file', archive]);
  expect(stdout).toMatch(/^-rw-r----- .* \.\/etc\/hostname$/m);
  expect(readdirSync(join(work, 'install/D12-F.1.0.0')).sort()).toEqual(['web', 'web-D12-F.1.0.0.edeploy']);
  await expect(exportRole({ ...options, format: 'tree' })).rejects.toMatchObject({ code: 'ExportExists' });
});

it('agrees when the same image is published twice at once', async () => {
  const roles = await Promise.all([publishRole(publication('a')), publishRole(publication('a'))]);

  expect(roles[1]).toEqual(roles[0]);
  expect(readdirSync(state.path('roles', 'web'))).toEqual(['D12-F.1.0.0']);
});

it('leaves nothing when packing fails', async () => {
  rmSync(join(work, 'tree'), { recursive: true });

  await expect(publishRole(publication('a'))).rejects.toMatchObject({ code: 'CommandFailed' });
  expect(existsSync(state.path('roles', 'web', 'D12-F.1.0.0'))).toBe(false);
  expect(readdirSync(state.path('roles', 'web'))).toEqual([]);
});

it('lists roles by name, and versions by their numbers', async () => {
  for (const version of ['1.10.0', '1.9.0']) await publishRole(publication('a', { version }));
  await publishRole(publication('a', { name: 'db' }));

  expect(listRoles(state).map(({ name, version }) => `${name} ${version}`)).toEqual([
    'db D12-F.1.0.0',
    'web 1.9.0',
    'web 1.10.0',
  ]);
});

it('says which versions there are when one is not', async () => {
  await publishRole(publication('a'));

  expect(() => getRole(state, 'web', '2')).toThrow(
    expect.objectContaining({
      code: 'RoleNotFound',
      details: expect.objectContaining({ hint: 'published are web D12-F.1.0.0' }),
    }),
  );
});

it.each(['../x', '', 'a/b', '.hidden', 'a b', `${'x'.repeat(65)}`])('refuses the version %j', async (version) => {
  await expect(publishRole(publication('a', { version }))).rejects.toMatchObject({ code: 'RoleNameInvalid' });
});

it('reports a damaged record and does not take it for a role', async () => {
  const role = await publishRole(publication('a'));
  writeFileSync(join(role.directory, 'role.json'), '{"name":');

  expect(() => getRole(state, 'web', 'D12-F.1.0.0')).toThrow(expect.objectContaining({ code: 'RoleDamaged' }));
});
