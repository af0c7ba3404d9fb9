import type { Json } from '../base/events.js';
import type { Db } from '../engine/index.js';
import type { SshTarget } from './ssh-access.js';

/**
 * Notes which role a machine installs. The first one holds until the machine boots its ramdisk again.
 * @returns false when the machine installs another role
 */
export async function bindRole(db: Db, machineId: string, role: string, version: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('machine')
    .set({ role, role_version: version })
    .where('id', '=', machineId)
    .where('state', '=', 'installing')
    .where((is) => is.or([is('role', 'is', null), is.and([is('role', '=', role), is('role_version', '=', version)])]))
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Keeps the public host keys that an installation made. The token is of no more use. */
export async function keepHostKeys(db: Db, machineId: string, hostKeys: string[]): Promise<void> {
  await db
    .updateTable('machine')
    .set({ host_keys: JSON.stringify(hostKeys), token_hash: null, next_token_hash: null })
    .where('id', '=', machineId)
    .execute();
}

/** Every machine that ssh may connect to: it has a name, an address and known host keys. */
export async function sshTargets(db: Db): Promise<SshTarget[]> {
  const machines = await db
    .selectFrom('machine')
    .select(['host_name', 'address', 'host_keys'])
    .where('state', 'in', ['installed', 'up'])
    .orderBy('host_name')
    .execute();
  return machines.flatMap(({ host_name, address, host_keys }) =>
    host_name && address && host_keys.length > 0 ? [{ hostName: host_name, address, hostKeys: host_keys }] : [],
  );
}

export interface StoredEvent {
  time: Date;
  code: string;
  level: string;
  message: string;
  data: Record<string, Json>;
  machine_id: string | null;
}

/** The latest events, newest first; only those of a machine where one is named. */
export async function listEvents(db: Db, limit: number, machineId?: string): Promise<StoredEvent[]> {
  const all = db
    .selectFrom('event')
    .select(['time', 'code', 'level', 'message', 'data', 'machine_id'])
    .orderBy('id', 'desc')
    .limit(limit);
  return machineId === undefined ? all.execute() : all.where('machine_id', '=', machineId).execute();
}
