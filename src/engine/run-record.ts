import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from './database.js';
import type { DurableRun, RunOutcome } from './run.js';
import type { RunState } from './schema.js';

/** Writes down that a run is under way; answers how many steps are finished already. */
export async function recordRun(db: Db, run: DurableRun): Promise<number> {
  const plan = JSON.stringify(run.plan);
  await db
    .insertInto('run')
    .values({ id: run.id, state: 'running', directory: run.directory, plan, error: null })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({ state: 'running', error: null, finished_at: null, cancelled_by: null }),
    )
    .execute();
  const rows = run.stages
    .flatMap((stage) => stage.steps)
    .map((step, index) => ({
      run_id: run.id,
      position: index + 1,
      title: step.title,
      host: step.host ?? null,
      state: 'waiting' as const,
      starts: 0,
    }));
  for (let from = 0; from < rows.length; from += 1000) {
    await db
      .insertInto('run_step')
      .values(rows.slice(from, from + 1000))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  const done = await db
    .selectFrom('run_step')
    .select(db.fn.countAll().as('steps'))
    .where('run_id', '=', run.id)
    .where('state', '=', 'done')
    .executeTakeFirstOrThrow();
  return Number(done.steps);
}

/** Whether somebody wants the run to stop: whoever cancels it writes that into its row, from any machine. */
export async function isCancelled(db: Db, run: string): Promise<boolean> {
  const row = await patiently(() =>
    db.selectFrom('run').select('cancelled_by').where('id', '=', run).executeTakeFirst(),
  );
  return typeof row?.cancelled_by === 'string';
}

/** A step by its run and its place in it, from 1. */
export interface StepPlace {
  run: string;
  position: number;
}

/** Which start of the step this is, and whether the last one was cut off. */
export async function recordStart(
  db: Db,
  { run, position }: StepPlace,
  { logFile, worker }: { logFile: string; worker: string | null },
): Promise<{ start: number; interrupted: boolean }> {
  return await patiently(async () => {
    const before = await db
      .selectFrom('run_step')
      .select(['state', 'starts'])
      .where('run_id', '=', run)
      .where('position', '=', position)
      .executeTakeFirstOrThrow();
    const start = before.starts + 1;
    await db
      .updateTable('run_step')
      .set({ state: 'running', starts: start, log_file: logFile, worker, seconds: null, error: null })
      .where('run_id', '=', run)
      .where('position', '=', position)
      .execute();
    return { start, interrupted: before.state === 'running' };
  });
}

export async function recordEnd(
  db: Db,
  { run, position }: StepPlace,
  end: { state: 'done' | 'failed'; seconds: number; error: string | null },
): Promise<void> {
  await patiently(() =>
    db.updateTable('run_step').set(end).where('run_id', '=', run).where('position', '=', position).execute(),
  );
}

export async function recordFinish(db: Db, outcome: RunOutcome): Promise<void> {
  const state: RunState = outcome.state;
  const error =
    outcome.failures.length === 0 ? null : outcome.failures.map((failure) => `${failure.step}: ${failure.message}`);
  await patiently(() =>
    db
      .updateTable('run')
      .set({ state, error: error?.join('\n') ?? null, finished_at: new Date() })
      .where('id', '=', outcome.id)
      .execute(),
  );
}

/** A restart of the database takes some seconds; a deployment of an hour does not end for that. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 20) throw error;
      await delay(500);
    }
  }
}
