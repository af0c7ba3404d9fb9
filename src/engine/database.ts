import { Kysely, Migrator, PostgresDialect } from 'kysely';
import pg from 'pg';
import { messageOf, StackwrightError } from '../base/errors.js';
import { maskEvent, type StackwrightEvent } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import { databaseUrl } from './cluster.js';
import { migrations } from './migrations/index.js';
import type { Database } from './schema.js';

export type Db = Kysely<Database>;

/**
 * Opens the database, started and brought to the current version where needed.
 * The caller ends it with `destroy()`.
 * @throws StackwrightError `MigrationFailed`, `PostgresMissing`, `PostgresNotStarted`
 */
export async function openDatabase(state: StateDirectory): Promise<Db> {
  // The time limit is also that of waiting for one of the connections.
  const pool = new pg.Pool({ connectionString: await databaseUrl(state), max: 10, connectionTimeoutMillis: 30_000 });
  // A restart of the database ends idle connections; the pool makes new ones.
  pool.on('error', () => {});
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error, results } = await migrator.migrateToLatest();
  if (error) {
    await db.destroy();
    const failed = results?.find((result) => result.status === 'Error')?.migrationName;
    throw new StackwrightError('MigrationFailed', `the database could not be brought up to date: ${messageOf(error)}`, {
      value: failed,
      hint: 'a newer Stackwright may have used this database: use that version, or another STACKWRIGHT_STATE',
      cause: error,
    });
  }
  return db;
}

/** Keeps an event; `about` ties it to a machine or a run. */
export async function storeEvent(
  db: Db,
  event: StackwrightEvent,
  about: { machineId?: string; runId?: string } = {},
): Promise<void> {
  const { code, level, message, data } = maskEvent(event);
  await db
    .insertInto('event')
    .values({
      code,
      level,
      message,
      data: JSON.stringify(data),
      machine_id: about.machineId ?? null,
      run_id: about.runId ?? null,
    })
    .execute();
}
