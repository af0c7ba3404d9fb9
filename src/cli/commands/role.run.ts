import { stateDirectory } from '../../base/state.js';
import { exportRole, getRole, listRoles, type Role } from '../../role/index.js';
import { type CliContext, command } from '../context.js';
import { megabytes, plainTable } from '../table.js';
import type { RoleExportFlags, RoleFlags } from './role.js';

export async function roleList(this: CliContext, flags: RoleFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const roles = listRoles(stateDirectory());
    if (flags.json) return this.printJson(roles);
    const rows = plainTable(['name', 'version', 'size', 'unpacked', 'kernel', 'published']);
    for (const role of roles) {
      const kernel = role.kernelVersion ?? 'none';
      rows.push([
        role.name,
        role.version,
        megabytes(role.bytes),
        megabytes(role.unpackedBytes),
        kernel,
        role.createdAt.slice(0, 16).replace('T', ' '),
      ]);
    }
    this.print(rows.toString());
  });
}

export async function roleShow(this: CliContext, flags: RoleFlags, name: string, version: string): Promise<void> {
  await command(this, flags.json, async () => {
    const role = getRole(stateDirectory(), name, version);
    if (flags.json) return this.printJson(role);
    for (const [title, value] of lines(role)) this.print(`${title.padEnd(10)} ${value}`);
  });
}

export async function roleExport(
  this: CliContext,
  flags: RoleExportFlags,
  name: string,
  version: string,
  directory: string,
): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const path = await exportRole({ state, reporter, name, version, directory, format: flags.format });
    if (flags.json) this.printJson({ path });
  });
}

function lines(role: Role): [title: string, value: string][] {
  return [
    ['role', `${role.name} ${role.version}`],
    ['file', role.file],
    ['size', `${megabytes(role.bytes)}, unpacked ${megabytes(role.unpackedBytes)}`],
    ['sha256', role.sha256],
    ['kernel', role.kernelVersion ?? 'none'],
    ['elements', role.elements.join(' ')],
    ['image', role.imageIdentity],
    ['published', role.createdAt],
  ];
}
