import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { sql } from 'kysely';
import type { Reporter } from '../base/events.js';
import { type Db, storeEvent } from '../engine/index.js';
import type { InventoryEvent } from './events.js';
import { FACTS_SIZE_LIMIT, parseFacts } from './facts.js';

/** Keeps the bundle of which a machine's facts were made; the one before goes. */
export async function keepHardware(db: Db, machineId: string, text: string): Promise<void> {
  const values = { bundle: await promisify(gzip)(text), time: new Date() };
  await db
    .insertInto('hardware')
    .values({ machine_id: machineId, ...values })
    .onConflict((conflict) => conflict.column('machine_id').doUpdateSet(values))
    .execute();
}

/**
 * Makes the facts of a machine anew from what it sent, as after an update that understands more of
 * it. Its profile and record stay as they are. False where nothing is kept, or nothing has changed.
 */
export async function deriveFacts(db: Db, machineId: string, reporter: Reporter): Promise<boolean> {
  const row = await db.selectFrom('hardware').select('bundle').where('machine_id', '=', machineId).executeTakeFirst();
  if (!row) return false;
  const text = await promisify(gunzip)(row.bundle, { maxOutputLength: FACTS_SIZE_LIMIT });
  const facts = JSON.stringify(parseFacts(text.toString('utf8'), 'the kept bundle'));
  const changed = await db
    .updateTable('machine')
    .set({ facts, updated_at: new Date() })
    .where('id', '=', machineId)
    .where(sql<boolean>`facts != ${facts}::jsonb`)
    .returning('name')
    .executeTakeFirst();
  if (!changed) return false;
  const event: InventoryEvent = {
    code: 'inventory.machine.derived',
    level: 'info',
    message: `the facts of ${changed.name} were made anew`,
    data: { machine: machineId },
  };
  await storeEvent(db, event, { machineId });
  reporter.report(event);
  return true;
}
