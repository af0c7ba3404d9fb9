import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import { openTemporary } from '../base/temporary.js';
import { reportRole } from './events.js';
import { getRole } from './store.js';

export interface ExportOptions {
  state: StateDirectory;
  reporter: Reporter;
  name: string;
  version: string;
  /** eDeploy's `install` directory. */
  directory: string;
  /** `tree` for an rsync daemon, `archive` (tar, packed by zstd) for an HTTP server. */
  format: 'tree' | 'archive';
}

/**
 * Lays a role where eDeploy's servers have it: `VERSION/ROLE/` or `VERSION/ROLE-VERSION.edeploy`. It
 * appears whole; one that is there already stays as it is.
 * @returns its path
 * @throws StackwrightError `RoleNotFound`, `ExportExists`
 */
export async function exportRole({ state, reporter, format, ...options }: ExportOptions): Promise<string> {
  const { name, version, file } = getRole(state, options.name, options.version);
  const parent = join(resolve(options.directory), version);
  const path = join(parent, format === 'tree' ? name : `${name}-${version}.edeploy`);
  if (existsSync(path)) {
    throw new StackwrightError('ExportExists', `there is a ${format} of ${name} ${version} already`, {
      value: path,
      hint: 'a role does not change under its version; remove the old one to write it again',
    });
  }
  await mkdir(parent, { recursive: true });
  await using temporary = openTemporary(state, 'role export');
  // In the same directory, because a tree is not moved between file systems.
  const tree = join(parent, `.${name}.${randomBytes(4).toString('hex')}`);
  temporary.add({ kind: 'directory', path: tree });
  await run('unsquashfs', ['-quiet', '-no-progress', '-dest', tree, file], { timeout: 1800 });
  if (format === 'tree') await rename(tree, path);
  else {
    const archive = `${tree}.edeploy`;
    temporary.add({ kind: 'file', path: archive });
    const whole = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--acls', '--sort=name'];
    const pack = ['--use-compress-program=zstd -3 -T0', '--file', archive, '-C', tree, '.'];
    await run('tar', ['--create', ...whole, ...pack], { timeout: 1800 });
    await rename(archive, path);
    await rm(tree, { recursive: true });
  }
  const message = `${name} ${version} is in ${path}`;
  reportRole(reporter, { code: 'role.exported', level: 'info', message, data: { name, version, format, path } });
  return path;
}
