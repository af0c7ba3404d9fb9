import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { type Db, storeEvent } from '../engine/index.js';
import type { InventoryEvent } from './events.js';
import { identityOf, type MachineTraits } from './facts.js';
import { type Machine, mayInstall, upsertMachine } from './machines.js';

/** A machine that was heard of so lately is alive: another boot does not take its place. */
const ALIVE_SECONDS = 15;

/** Machines that asked for a boot script and never sent facts: the oldest give way, whoever floods us. */
const MAXIMUM_STRANGERS = 10_000;

/**
 * A machine asks for its boot script: makes or finds it, and gives it the token of the ramdisk that
 * it will run. That of a boot before is void at once, or, where its installation is under way, when
 * the new ramdisk posts facts. The token of a machine that is not to be installed (installed, up,
 * failed, held, retired) is not changed: look at the state of the result.
 * @throws StackwrightError `MachineUnidentified`
 */
export async function touchBooting(db: Db, traits: MachineTraits, token: string, reporter: Reporter): Promise<Machine> {
  const { machine, isNew } = await upsertMachine(db, identityOf(traits));
  const touched = mayInstall(machine) ? await giveToken(db, machine, token) : machine;
  if (isNew) {
    const { id, name, identity } = touched;
    const data = { machine: id, name, identity };
    const event: InventoryEvent = {
      code: 'inventory.machine.discovered',
      level: 'info',
      message: `${name} is new`,
      data,
    };
    await storeEvent(db, event, { machineId: id });
    reporter.report(event);
    await dropStrangers(db);
  }
  return touched;
}

async function giveToken(db: Db, { id, state, reason }: Machine, token: string): Promise<Machine> {
  const fields =
    state === 'discovered'
      ? // Why it was refused before, its events still say.
        { token_hash: hashToken(token), next_token_hash: null, heard_at: new Date(), reason: null }
      : { next_token_hash: hashToken(token), reason };
  return await db
    .updateTable('machine')
    .set({ ...fields, updated_at: new Date() })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

async function dropStrangers(db: Db): Promise<void> {
  const oldest = db
    .selectFrom('machine')
    .select('id')
    .where('state', '=', 'discovered')
    .where(sql<boolean>`facts = '[]'::jsonb`)
    .orderBy('created_at', 'desc')
    .offset(MAXIMUM_STRANGERS);
  await db.deleteFrom('machine').where('id', 'in', oldest).execute();
}

/** SHA-256, hexadecimal: only this is stored. */
function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The machine whose token this is, heard of now; undefined for a void or unknown one. */
export async function machineByToken(db: Db, token: string): Promise<Machine | undefined> {
  if (token === '') return undefined;
  return await db
    .updateTable('machine')
    .set({ heard_at: new Date() })
    .where('token_hash', '=', hashToken(token))
    .returningAll()
    .executeTakeFirst();
}

/** The machine that has booted anew in the middle of its installation, and may only post facts. */
export async function machineByNextToken(db: Db, token: string): Promise<Machine | undefined> {
  if (token === '') return undefined;
  return await db.selectFrom('machine').selectAll().where('next_token_hash', '=', hashToken(token)).executeTakeFirst();
}

/**
 * The machine that posts facts with this token, locked until the transaction ends. At network boot a
 * machine may be known by its MAC only, and by its UUID from its facts: then the fresh row gives way
 * to the one that has the UUID, or takes the UUID itself.
 * @throws StackwrightError `TokenInvalid`; `MachineAlive` where another boot's installation is under way
 */
export async function takeToken(db: Db, token: string, identity: string): Promise<Machine> {
  const hash = hashToken(token);
  const machine = await db
    .selectFrom('machine')
    .selectAll()
    .where((is) => is.or([is('token_hash', '=', hash), is('next_token_hash', '=', hash)]))
    .forUpdate()
    .executeTakeFirst();
  if (!machine) {
    throw new StackwrightError('TokenInvalid', 'the token is void', {
      hint: 'the machine has booted again, or is installed: boot it from the network once more',
    });
  }
  if (machine.token_hash !== hash) await replaceToken(db, machine, hash);
  if (machine.identity === identity) return machine;
  const other = await db
    .selectFrom('machine')
    .selectAll()
    .where('identity', '=', identity)
    .forUpdate()
    .executeTakeFirst();
  if (!other) {
    await db.updateTable('machine').set({ identity }).where('id', '=', machine.id).execute();
    return { ...machine, identity };
  }
  if (machine.state !== 'discovered' || machine.profile !== null) return machine;
  await db.deleteFrom('machine').where('id', '=', machine.id).execute();
  if (mayInstall(other)) await replaceToken(db, other, hash);
  return other;
}

/** The ramdisk of another boot goes on as this machine, unless that one is at work. */
async function replaceToken(db: Db, machine: Machine, hash: string): Promise<void> {
  const underWay = machine.state === 'installing' && machine.token_hash !== null;
  const heard = machine.heard_at?.getTime() ?? 0;
  if (underWay && Date.now() - heard < ALIVE_SECONDS * 1000) {
    throw new StackwrightError('MachineAlive', `${machine.name} is being installed at this moment by another boot`, {
      value: machine.identity,
      hint: `a machine that was switched off is let in ${ALIVE_SECONDS} s after it was last heard of`,
    });
  }
  await db
    .updateTable('machine')
    .set({ token_hash: hash, next_token_hash: null, heard_at: new Date() })
    .where('id', '=', machine.id)
    .execute();
}
