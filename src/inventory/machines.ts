import { type Selectable, sql, type Updateable } from 'kysely';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { type Db, type MachineState, type MachineTable, storeEvent } from '../engine/index.js';
import type { InventoryEvent } from './events.js';
import { showClaims } from './site-files.js';

export type Machine = Selectable<MachineTable>;

/** What others may see of a machine: everything but the hashes of its tokens. */
export type PublicMachine = Omit<Machine, 'token_hash' | 'next_token_hash'>;

export function publicMachine({ token_hash: _hash, next_token_hash: _next, ...machine }: Machine): PublicMachine {
  return machine;
}

/** States in which a machine counts as one of its profile's installations. */
const counted: readonly MachineState[] = ['matched', 'installing', 'installed', 'up'];

export function isCounted(machine: Pick<Machine, 'state'>): boolean {
  return counted.includes(machine.state);
}

/** False for a machine that is installed, or set aside until a person lets it go: failed, held, retired. */
export function mayInstall({ state }: Pick<Machine, 'state'>): boolean {
  return state === 'discovered' || state === 'matched' || state === 'installing';
}

/** Which states may follow; only a registration makes a machine `matched`. */
const transitions: Record<MachineState, readonly MachineState[]> = {
  discovered: ['failed', 'held', 'retired'],
  matched: ['installing', 'installed', 'failed', 'discovered', 'held', 'retired'],
  installing: ['installed', 'failed', 'discovered', 'held', 'retired'],
  installed: ['up', 'installing', 'failed', 'discovered', 'retired'],
  up: ['installed', 'discovered', 'retired'],
  failed: ['discovered', 'held', 'retired'],
  held: ['discovered', 'retired'],
  retired: ['discovered'],
};

/** Which machines are meant: all that is set must hold. */
export interface MachineFilter {
  id?: string;
  state?: MachineState;
  profile?: string;
  role?: string;
  /** The site in which it was matched: its absolute directory. */
  site?: string;
}

/** All machines, or those that a filter lets pass, by name. */
export async function listMachines(db: Db, filter: MachineFilter = {}): Promise<Machine[]> {
  let query = db.selectFrom('machine').selectAll();
  for (const column of ['id', 'state', 'profile', 'role', 'site'] as const) {
    const wanted = filter[column];
    if (wanted !== undefined) query = query.where(column, '=', wanted);
  }
  return await query.orderBy('name').orderBy('identity').execute();
}

/**
 * The machine with this name, id, identity or host name.
 * @throws StackwrightError `MachineUnknown`, `MachineAmbiguous`
 */
export async function findMachine(db: Db, wanted: string): Promise<Machine> {
  const found = await db
    .selectFrom('machine')
    .selectAll()
    .where((where) =>
      where.or([
        where(sql<string>`id::text`, '=', wanted.toLowerCase()),
        where('identity', '=', wanted.toLowerCase()),
        where('name', '=', wanted),
        where('host_name', '=', wanted),
      ]),
    )
    .orderBy('identity')
    .execute();
  const [machine, ...others] = found;
  if (!machine) {
    throw new StackwrightError('MachineUnknown', `no machine is called ${wanted}`, {
      value: wanted,
      hint: 'a machine is known by its name, id, UUID or host name, once it has booted from the network',
    });
  }
  if (others.length > 0) {
    throw new StackwrightError('MachineAmbiguous', `${found.length} machines are called ${wanted}`, {
      value: wanted,
      hint: `use one of ${found.map(({ identity }) => identity).join(', ')}`,
    });
  }
  return machine;
}

/** Makes the machine where it is not known; its row is locked until the transaction ends. */
export async function upsertMachine(db: Db, identity: string): Promise<{ machine: Machine; isNew: boolean }> {
  const machine = await db
    .insertInto('machine')
    .values({
      identity,
      name: identity.replaceAll(':', '-'),
      state: 'discovered',
      facts: '[]',
      variables: '{}',
      host_keys: '[]',
    })
    .onConflict((conflict) => conflict.column('identity').doUpdateSet({ updated_at: new Date() }))
    .returningAll()
    // xmax is 0 only in a row that was inserted.
    .returning(sql<boolean>`xmax = 0`.as('is_new'))
    .executeTakeFirstOrThrow();
  const { is_new: isNew, ...row } = machine;
  return { machine: row, isNew };
}

/**
 * Fails the machines whose ramdisk has been silent in the middle of an installation for so many
 * seconds: powered off, hung, or without a network. One that speaks at this moment is passed over.
 */
export async function failSilent(db: Db, seconds: number, reporter: Reporter): Promise<void> {
  const silent = (query: Db) =>
    query
      .selectFrom('machine')
      .select('id')
      .where('state', 'in', ['matched', 'installing'])
      .where(sql<boolean>`coalesce(heard_at, updated_at) < now() - make_interval(secs => ${seconds})`);
  for (const { id } of await silent(db).execute()) {
    const changed = await db.transaction().execute(async (transaction) => {
      const still = await silent(transaction).where('id', '=', id).forUpdate().skipLocked().executeTakeFirst();
      const reason = `nothing was heard of it for ${seconds} s: powered off or hung?`;
      return still && (await changeState(transaction, id, 'failed', reason, 'server'));
    });
    if (changed) await reportChange(db, changed, reporter);
  }
}

/** What others know of a machine: its role, host name, address and host keys. State has its own function. */
export type MachineFields = Pick<
  Updateable<MachineTable>,
  'role' | 'role_version' | 'host_name' | 'address' | 'host_keys' | 'reason'
>;

/** @throws StackwrightError `MachineUnknown` */
export async function updateMachine(db: Db, machineId: string, fields: MachineFields): Promise<Machine> {
  const machine = await db
    .updateTable('machine')
    .set({ ...fields, updated_at: new Date() })
    .where(sql<string>`id::text`, '=', machineId)
    .returningAll()
    .executeTakeFirst();
  return machine ?? unknownMachine(machineId);
}

/**
 * Brings a machine into another state, and gives its profile's count back where it no longer counts
 * as installed. Its CMDB entry stays its own, except when it is retired. `discovered` lets an
 * installed machine be installed again.
 * @param by who wants it: `machine`, `server`, or `operator NAME`
 * @throws StackwrightError `MachineStateInvalid`, `MachineUnknown`
 */
export async function setMachineState(
  db: Db,
  machineId: string,
  state: MachineState,
  reason: string,
  reporter: Reporter,
  by = 'server',
): Promise<Machine> {
  const changed = await db
    .transaction()
    .execute((transaction) => changeState(transaction, machineId, state, reason, by));
  await reportChange(db, changed, reporter);
  return changed.machine;
}

interface StateChange {
  machine: Machine;
  events: InventoryEvent[];
  claimChanged: boolean;
}

async function reportChange(db: Db, { machine, events, claimChanged }: StateChange, reporter: Reporter): Promise<void> {
  for (const event of events) reporter.report(event);
  if (claimChanged && machine.site) await showClaims(db, machine.site, reporter);
}

/** Within a transaction; what it returns is reported and shown after the commit. */
export async function changeState(
  db: Db,
  machineId: string,
  state: MachineState,
  reason: string,
  by: string,
): Promise<StateChange> {
  const before = await db
    .selectFrom('machine')
    .selectAll()
    .where(sql<string>`id::text`, '=', machineId)
    .forUpdate()
    .executeTakeFirst();
  if (!before) return unknownMachine(machineId);
  if (before.state === state) return { machine: before, events: [], claimChanged: false };
  if (!transitions[before.state].includes(state)) {
    throw new StackwrightError('MachineStateInvalid', `${before.name} is ${before.state} and cannot become ${state}`, {
      value: state,
      hint: `from ${before.state} it can become ${transitions[before.state].join(', ')}`,
    });
  }
  const claimChanged = await giveBack(db, before, state);
  const isOver = state === 'up' || state === 'held' || state === 'retired';
  const machine = await db
    .updateTable('machine')
    .set({ state, reason, updated_at: new Date(), ...(isOver ? { token_hash: null, next_token_hash: null } : {}) })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const event: InventoryEvent = {
    code: 'inventory.machine.state',
    level: state === 'failed' ? 'error' : 'info',
    message: `${machine.name} is ${state}: ${reason} (${by})`,
    data: { machine: machine.id, from: before.state, to: state, reason, by },
  };
  await storeEvent(db, event, { machineId: machine.id });
  return { machine, events: [event], claimChanged };
}

async function giveBack(db: Db, before: Machine, state: MachineState): Promise<boolean> {
  const uncounted = isCounted(before) && !counted.includes(state);
  if (uncounted) await returnCount(db, before);
  if (state === 'retired') await releaseRecord(db, before.id);
  return uncounted || state === 'retired';
}

/** One more of the machine's profile may be installed. */
export async function returnCount(db: Db, { site, profile }: Pick<Machine, 'site' | 'profile'>): Promise<void> {
  if (site === null || profile === null) return;
  await db
    .updateTable('profile')
    .set((row) => ({ remaining: row('remaining', '+', 1) }))
    .where('site', '=', site)
    .where('name', '=', profile)
    .where('remaining', 'is not', null)
    .execute();
}

/** The machine's CMDB entry is free for others, as it was before the claim. */
export async function releaseRecord(db: Db, machineId: string): Promise<void> {
  await db
    .updateTable('record')
    .set({
      machine_id: null,
      used: false,
      // jsonb - text[] removes keys.
      entry: sql`entry - 'used' - ARRAY(SELECT jsonb_array_elements_text(added))`,
      added: '[]',
    })
    .where('machine_id', '=', machineId)
    .execute();
}

function unknownMachine(machineId: string): never {
  throw new StackwrightError('MachineUnknown', `no machine has the id ${machineId}`, {
    value: machineId,
    hint: 'it may have been deleted meanwhile',
  });
}
