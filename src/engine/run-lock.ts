import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { StackwrightError } from '../base/errors.js';
import type { Db } from './database.js';

/**
 * Taken by the process that leads the run. The lock is held by a connection of its own: PostgreSQL lets it go when this
 * process ends, however it ends.
 * @throws StackwrightError `RunLocked`
 */
export async function lockRun(url: string, id: string): Promise<AsyncDisposable> {
  const lock = await holdLock(url, runLock(id));
  if (lock) return lock;
  throw new StackwrightError('RunLocked', `another process executes the run ${id}`, {
    value: id,
    hint: `stackwright deploy show ${id} says how far it is, stackwright deploy worker ${id} helps it`,
  });
}

/** Held by a worker for as long as it lives; its name is its own. */
export async function lockWorker(url: string, name: string): Promise<AsyncDisposable> {
  const lock = await holdLock(url, workerLock(name));
  if (lock) return lock;
  throw new Error(`there is a worker ${name} already`);
}

/** True where no process leads the run: a run in state `running` was then cut off. */
export async function isRunIdle(db: Db, id: string): Promise<boolean> {
  return !(await isHeld(db, runLock(id)));
}

export async function isWorkerGone(db: Db, name: string): Promise<boolean> {
  return !(await isHeld(db, workerLock(name)));
}

/** True where no process leads the run, nor begins to before the end of this transaction. */
export async function keepRunIdle(transaction: Db, id: string): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(${runLock(id)}, 0)) AS free`.execute(transaction);
  return rows[0]?.free ?? false;
}

/** Looks only: whoever tried to take the lock would be in the way of its owner for that moment. */
async function isHeld(db: Db, name: string): Promise<boolean> {
  // PostgreSQL shows the two halves of the number.
  const { rows } = await sql`
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32) | objid::bigint = hashtextextended(${name}, 0)`.execute(db);
  return rows.length > 0;
}

async function holdLock(url: string, name: string): Promise<AsyncDisposable | undefined> {
  let client = await connect(url);
  let closing = false;
  if (!(await tryLock(client, name))) {
    await client.end();
    return undefined;
  }
  client.on('error', retake);

  // The database was restarted: DBOS goes on by itself, so the lock is taken again.
  async function retake(): Promise<void> {
    while (!closing) {
      try {
        client = await connect(url);
        client.on('error', retake);
        await tryLock(client, name);
        return;
      } catch {
        await delay(500);
      }
    }
  }

  return {
    async [Symbol.asyncDispose]() {
      closing = true;
      await client.end().catch(() => {});
    },
  };
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, keepAlive: true, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function tryLock(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken',
    [name],
  );
  return rows[0]?.taken ?? false;
}

/** Text of the number that PostgreSQL locks. */
function runLock(id: string): string {
  return `stackwright run ${id}`;
}

function workerLock(name: string): string {
  return `stackwright worker ${name}`;
}
