import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { StackwrightError } from '../base/errors.js';
import { readTextIfExistsSync } from '../base/files.js';
import type { StateDirectory } from '../base/state.js';

const roleFile = 'role.squashfs';

/** `role.json`: what is known of a published role beside its file. */
export const roleRecord = z.object({
  name: z.string(),
  version: z.string(),
  /** SHA-256 of `role.squashfs`, hexadecimal. */
  sha256: z.string(),
  /** Of `role.squashfs`. */
  bytes: z.number(),
  /** Of the files when they are unpacked: a disk must have more than that. */
  unpackedBytes: z.number(),
  createdAt: z.string(),
  /** What the image was built from, see `imageIdentity`. */
  imageIdentity: z.string(),
  /** Of its newest kernel; null for a role without one. */
  kernelVersion: z.string().nullable(),
  elements: z.array(z.string()),
});

export type RoleRecord = z.infer<typeof roleRecord>;

/** A published role: a tree under a name and version. It never changes. */
export interface Role extends RoleRecord {
  directory: string;
  /** The squashfs file that machines fetch. */
  file: string;
}

/**
 * Checks a role's name or version: they are directory names and stand in URLs and kernel command
 * lines. Versions are written as eDeploy does, e.g. `D12-F.1.0.0`.
 * @throws StackwrightError `RoleNameInvalid`
 */
export function checkRoleName(what: 'name' | 'version', value: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(value)) return;
  throw new StackwrightError('RoleNameInvalid', `the ${what} of a role cannot be ${JSON.stringify(value)}`, {
    value,
    hint: 'letters, digits and . _ + - are allowed, 64 at most, the first a letter or digit; for example D12-F.1.0.0',
    exitStatus: 2,
  });
}

export function roleDirectory(state: StateDirectory, name: string, version: string): string {
  return state.path('roles', name, version);
}

/** Every published role, sorted by name and version (numbers in a version by their value). */
export function listRoles(state: StateDirectory): Role[] {
  const names = directories(state.path('roles'));
  return names.flatMap((name) =>
    directories(state.path('roles', name)).flatMap((version) => readRole(state, name, version) ?? []),
  );
}

/** @throws StackwrightError `RoleNotFound` with the roles that there are */
export function getRole(state: StateDirectory, name: string, version: string): Role {
  const role = readRole(state, name, version);
  if (role) return role;
  const versions = listRoles(state).filter((other) => other.name === name);
  const known = versions.length > 0 ? versions : listRoles(state);
  throw new StackwrightError('RoleNotFound', `there is no role ${name} ${version}`, {
    value: `${name} ${version}`,
    hint:
      known.length > 0
        ? `published are ${known.map((role) => `${role.name} ${role.version}`).join(', ')}`
        : 'none is published; build one with stackwright image build ELEMENT --role NAME --version VERSION',
  });
}

/** As `getRole`, undefined where it is not published. */
export function readRole(state: StateDirectory, name: string, version: string): Role | undefined {
  checkRoleName('name', name);
  checkRoleName('version', version);
  return readRoleDirectory(roleDirectory(state, name, version), `${name} ${version}`);
}

/**
 * The role that a path means: its directory or its `role.squashfs`, wherever it is.
 * @returns undefined where the path is of something else
 */
export function readRoleAt(path: string): Role | undefined {
  const directory = basename(path) === roleFile ? dirname(resolve(path)) : resolve(path);
  return existsSync(join(directory, roleFile)) ? readRoleDirectory(directory, `in ${directory}`) : undefined;
}

function readRoleDirectory(directory: string, what: string): Role | undefined {
  const text = readTextIfExistsSync(join(directory, 'role.json'));
  if (text === undefined) return undefined;
  const parsed = roleRecord.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new StackwrightError('RoleDamaged', `the record of role ${what} cannot be read`, {
      file: join(directory, 'role.json'),
      value: parsed.error.issues[0]?.message,
      hint: `publish it again with --force, or remove ${directory}`,
    });
  }
  return { ...parsed.data, directory, file: join(directory, roleFile) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema reports it.
    return undefined;
  }
}

function directories(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^[A-Za-z0-9]/.test(entry.name))
    .map((entry) => entry.name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
