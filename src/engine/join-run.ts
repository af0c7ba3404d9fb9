import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StackwrightError } from '../base/errors.js';
import { databaseUrl } from './cluster.js';
import { withDbos } from './dbos.js';
import { asExecution, type ExecuteOptions, type Execution } from './execution.js';
import type { RunEvent } from './run.js';
import { cancelRun } from './run-cancel.js';
import { isRunIdle, lockWorker } from './run-lock.js';
import { forgetWorker, LOST_AFTER_MILLISECONDS, workerName } from './run-workers.js';
import { executeRun } from './runs.js';
import type { RunState } from './schema.js';

/**
 * Helps another process with its run, from any machine with the same database, until the run ends: from the next stage
 * on whose steps may be done anywhere, it gets its share of them. Where the one that leads is gone, it leads, unless
 * somebody has asked the run to stop.
 * @throws StackwrightError `RunNotUnderWay`, and those of `executeRun`
 */
export async function joinRun(options: ExecuteOptions): Promise<{ id: string; state: RunState }> {
  const { db, run, reporter } = options;
  const found = await db.selectFrom('run').select('state').where('id', '=', run.id).executeTakeFirst();
  if (found?.state !== 'running') {
    throw new StackwrightError('RunNotUnderWay', `the run ${run.id} is ${found?.state ?? 'not known'}`, {
      value: run.id,
      hint: `stackwright deploy resume ${run.id} goes on with one that failed or was cancelled`,
    });
  }
  await mkdir(join(run.directory, 'logs'), { recursive: true, mode: 0o700 });
  for (;;) {
    const state = await asExecution(options, workerName(), (execution) => workAlong(options, execution));
    if (state !== 'running') return { id: run.id, state };
    const { cancelled_by: by } = await db
      .selectFrom('run')
      .select('cancelled_by')
      .where('id', '=', run.id)
      .executeTakeFirstOrThrow();
    const ended = by === null ? undefined : await cancelRun(db, reporter, { run: run.id, by });
    if (ended?.state === 'cancelled') return { id: run.id, state: 'cancelled' };
    try {
      return await executeRun(options);
    } catch (error) {
      // Another worker was faster.
      if (!(error instanceof StackwrightError) || error.code !== 'RunLocked') throw error;
    }
  }
}

/** Works until the run has ended, or until nobody leads it any more: then it is still `running`. */
async function workAlong({ state }: ExecuteOptions, execution: Execution): Promise<RunState> {
  const { db, run, reporter } = execution;
  const worker = execution.worker ?? '';
  const url = await databaseUrl(state);
  await using _lock = await lockWorker(url, worker);
  const report = (code: 'run.worker.joined' | 'run.worker.left', message: string) => {
    const event: RunEvent = { code, level: 'info', message, data: { run: run.id, worker } };
    reporter.report(event);
  };
  return await withDbos({ url, run: run.id, worker }, async (dbos) => {
    await dbos.registerQueue(worker, { minPollingIntervalMs: 100, onConflict: 'always_update' });
    await db.insertInto('run_worker').values({ name: worker, run_id: run.id }).execute();
    report('run.worker.joined', `${worker} works on the run ${run.id}`);
    const end = await endOfWork(execution);
    // Whoever leads next looks whether it was given something in this moment, as for one that died.
    if (end === 'running') return end;
    await forgetWorker(dbos, db, worker);
    report('run.worker.left', `${worker} has left the run ${run.id}`);
    return end;
  });
}

async function endOfWork(execution: Execution): Promise<RunState> {
  const { db, run } = execution;
  let idleSince: number | undefined;
  for (;;) {
    try {
      const { state } = await db.selectFrom('run').select('state').where('id', '=', run.id).executeTakeFirstOrThrow();
      if (state !== 'running') return state;
      idleSince = (await isRunIdle(db, run.id)) ? (idleSince ?? Date.now()) : undefined;
    } catch {
      // The database is away.
      idleSince = undefined;
    }
    const isLost = idleSince !== undefined && Date.now() - idleSince >= LOST_AFTER_MILLISECONDS;
    if (isLost && execution.shares === 0) return 'running';
    await delay(500);
  }
}
