import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { StackwrightError } from '../base/errors.js';
import type { Db } from './database.js';

/** Held by a connection of its own: PostgreSQL lets it go when this process ends, however it ends. */
export async function lockRun(url: string, id: string): Promise<AsyncDisposable> {
  let client = await connect(url);
  let closing = false;
  const taken = await tryLock(client, id);
  if (!taken) {
    await client.end();
    throw new StackwrightError('RunLocked', `another process executes the run ${id}`, {
      value: id,
      hint: `wait for its end; stackwright deploy show ${id} says how far it is`,
    });
  }
  client.on('error', retake);

  // The database was restarted: DBOS goes on by itself, so the lock is taken again.
  async function retake(): Promise<void> {
    while (!closing) {
      try {
        client = await connect(url);
        client.on('error', retake);
        await tryLock(client, id);
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

async function tryLock(client: pg.Client, id: string): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken',
    [lockName(id)],
  );
  return rows[0]?.taken ?? false;
}

/** True where no process executes the run: a run in state `running` was then cut off. */
export async function isRunIdle(db: Db, id: string): Promise<boolean> {
  // A transaction lock is let go at the end of this statement.
  const { rows } = await sql<{ free: boolean }>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(${lockName(id)}, 0)) AS free`.execute(db);
  return rows[0]?.free ?? false;
}

/** Text of the number that PostgreSQL locks for a run. */
function lockName(id: string): string {
  return `stackwright run ${id}`;
}
