import type { Reporter } from '../base/events.js';
import { type Db, storeEvent } from './database.js';
import type { RunEvent } from './run.js';
import { keepRunIdle } from './run-lock.js';

export interface CancelledRun {
  run: string;
  /** `cancelling`: a process executes it, and stops when the steps that are going on have ended. */
  state: 'cancelling' | 'cancelled';
}

/**
 * Asks a run to stop, whichever process executes it on whichever machine: it begins no step any more. One that nobody
 * executes is cancelled at once. `executeRun` goes on with it.
 * @param by who wants it, e.g. `operator ann@ctl`
 * @returns undefined where the run is not under way
 */
export async function cancelRun(
  db: Db,
  reporter: Reporter,
  { run, by }: { run: string; by: string },
): Promise<CancelledRun | undefined> {
  return await db.transaction().execute(async (transaction) => {
    const found = await transaction
      .selectFrom('run')
      .select('state')
      .where('id', '=', run)
      .forUpdate()
      .executeTakeFirst();
    if (found?.state !== 'running') return undefined;
    const idle = await keepRunIdle(transaction, run);
    await transaction
      .updateTable('run')
      .set({ cancelled_by: by, ...(idle ? { state: 'cancelled' as const, finished_at: new Date() } : {}) })
      .where('id', '=', run)
      .execute();
    const event: RunEvent = {
      code: 'run.cancel.asked',
      level: 'warn',
      message: idle
        ? `${by} has cancelled the run ${run}`
        : `${by} wants the run ${run} to stop after its present steps`,
      data: { run, by },
    };
    reporter.report(event);
    await storeEvent(transaction, event, { runId: run });
    return { run, state: idle ? 'cancelled' : 'cancelling' };
  });
}
