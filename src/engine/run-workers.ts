import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { DBOS as DbosClass } from '@dbos-inc/dbos-sdk';
import type { Db } from './database.js';
import { eventReader } from './event-reader.js';
import type { Execution } from './execution.js';
import type { RunEvent } from './run.js';
import { isWorkerGone } from './run-lock.js';

/** A worker that reconnects after a restart of the database has no lock for a moment. */
export const LOST_AFTER_MILLISECONDS = 3000;

/** Unique; people see it, so it begins with the machine. */
export function workerName(): string {
  return `${hostname()}.${process.pid}.${randomBytes(3).toString('hex')}`;
}

/** The workers that have joined a run, in the order in which they did, without those that are gone. */
export async function liveWorkers(db: Db, run: string): Promise<string[]> {
  const names = await workersOf(db, run);
  const gone = await Promise.all(names.map((name) => isWorkerGone(db, name)));
  return names.filter((_, at) => !gone[at]);
}

async function workersOf(db: Db, run: string): Promise<string[]> {
  const rows = await db
    .selectFrom('run_worker')
    .select('name')
    .where('run_id', '=', run)
    .orderBy('joined_at')
    .orderBy('name')
    .execute();
  return rows.map(({ name }) => name);
}

/**
 * What the process that leads a run does beside its own steps: it gives the shares of dead workers to whoever is left,
 * and reports what workers do. Ends with the returned handle.
 */
export function watchWorkers(
  dbos: typeof DbosClass,
  execution: Execution,
  report: (event: RunEvent) => void,
): AsyncDisposable {
  const stop = new AbortController();
  const read = eventReader(execution.db, execution.run.id);
  let isFirst = true;
  const watching = watch();

  async function watch(): Promise<void> {
    const goneSince = new Map<string, number>();
    while (!stop.signal.aborted) {
      try {
        await lookForLost(dbos, execution, goneSince);
        await tellOfWorkers();
      } catch {
        // The database is away: everything is looked at again when it is back.
      }
      await delay(1000, undefined, { signal: stop.signal }).catch(() => {});
    }
    await tellOfWorkers().catch(() => {});
  }

  /** Reports what workers have reported, but for what was there before. */
  async function tellOfWorkers(): Promise<void> {
    const events = (await read()) as (RunEvent & { time: Date })[];
    const ofWorkers = events.filter(({ code, data }) => 'worker' in data && data.worker && code !== 'run.worker.lost');
    if (!isFirst) for (const { time: _, ...event } of ofWorkers) report(event);
    isFirst = false;
  }

  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}

async function lookForLost(
  dbos: typeof DbosClass,
  execution: Execution,
  goneSince: Map<string, number>,
): Promise<void> {
  for (const name of await workersOf(execution.db, execution.run.id)) {
    if (!(await isWorkerGone(execution.db, name))) {
      goneSince.delete(name);
      continue;
    }
    const since = goneSince.get(name) ?? Date.now();
    goneSince.set(name, since);
    if (Date.now() - since >= LOST_AFTER_MILLISECONDS) await takeBack(dbos, execution, name);
  }
}

/** What the worker had begun goes on elsewhere, step by step; what it had only been given, too. */
async function takeBack(dbos: typeof DbosClass, { run, db, reporter }: Execution, name: string): Promise<void> {
  const open = await openWorkflows(dbos, run.id);
  const shares = open.filter(({ executorId, queueName }) => executorId === name || queueName === name);
  // To DBOS's own queue, which every process of the run listens to.
  if (shares.length > 0) await dbos.resumeWorkflows(shares.map(({ workflowID }) => workflowID));
  await forgetWorker(dbos, db, name);
  const event: RunEvent = {
    code: 'run.worker.lost',
    level: 'warn',
    message: `the worker ${name} is gone; ${shares.length === 0 ? 'it had nothing to do' : 'others go on with its steps'}`,
    data: { run: run.id, worker: name, shares: shares.length },
  };
  reporter.report(event);
}

/** What has not ended of a run, or of an attempt: of all that is named below it. */
export async function openWorkflows(dbos: typeof DbosClass, above: string) {
  return await dbos.listWorkflows({
    workflow_id_prefix: `${above}/`,
    status: ['PENDING', 'ENQUEUED'],
    loadInput: false,
    loadOutput: false,
  });
}

/** Its queue goes too. */
export async function forgetWorker(dbos: typeof DbosClass, db: Db, name: string): Promise<void> {
  await db.deleteFrom('run_worker').where('name', '=', name).execute();
  await dbos.deleteQueue(name);
}
