import { StackwrightError } from '../base/errors.js';
import { type Db, isRunIdle, type StepFailure } from '../engine/index.js';

export interface StepReport {
  title: string;
  host: string | null;
  state: 'waiting' | 'running' | 'done' | 'failed';
  /** More than one where it was interrupted or failed before. */
  starts: number;
  seconds: number | null;
  logFile: string | null;
  /** The worker that executed it and has the log; null for the process that led the run. */
  worker: string | null;
  error: StepFailure | null;
}

export interface RunReport {
  run: string;
  /**
   * `interrupted`: nobody executes it, and it is not finished; `resumeRun` goes on. `cancelling`: it stops after its
   * present steps.
   */
  state: 'running' | 'cancelling' | 'interrupted' | 'done' | 'failed' | 'cancelled';
  directory: string;
  createdAt: Date;
  finishedAt: Date | null;
  steps: number;
  done: number;
  error: string | null;
  /** Who has asked it to stop. */
  cancelledBy: string | null;
}

/** Newest first. */
export async function listRuns(db: Db): Promise<RunReport[]> {
  const rows = await db
    .selectFrom('run')
    .leftJoin('run_step', 'run_step.run_id', 'run.id')
    .select(({ fn }) => [
      'run.id',
      'run.state',
      'run.directory',
      'run.created_at',
      'run.finished_at',
      'run.error',
      'run.cancelled_by',
      fn.count('run_step.position').as('steps'),
      fn.count('run_step.position').filterWhere('run_step.state', '=', 'done').as('done'),
    ])
    .groupBy('run.id')
    .orderBy('run.created_at', 'desc')
    .execute();
  const reports: RunReport[] = [];
  for (const row of rows) {
    reports.push({
      run: row.id,
      state: row.state === 'running' ? await stateUnderWay(db, row.id, row.cancelled_by) : row.state,
      directory: row.directory,
      createdAt: row.created_at,
      finishedAt: row.finished_at,
      steps: Number(row.steps),
      done: Number(row.done),
      error: row.error,
      cancelledBy: row.cancelled_by,
    });
  }
  return reports;
}

async function stateUnderWay(db: Db, run: string, cancelledBy: string | null) {
  if (await isRunIdle(db, run)) return 'interrupted';
  return cancelledBy === null ? 'running' : 'cancelling';
}

/**
 * Without a name the latest run.
 * @throws StackwrightError `RunUnknown`
 */
export async function showRun(db: Db, run?: string): Promise<RunReport & { report: StepReport[] }> {
  const id = await knownRun(db, run);
  const found = (await listRuns(db)).find((entry) => entry.run === id);
  if (!found) throw unknownRun(id);
  return { ...found, report: await stepReports(db, id) };
}

/** Whether a process has ever taken the run up. */
export async function isRecorded(db: Db, run: string): Promise<boolean> {
  return (await db.selectFrom('run').select('id').where('id', '=', run).executeTakeFirst()) !== undefined;
}

/** @throws StackwrightError `RunUnknown` */
export async function knownRun(db: Db, run?: string): Promise<string> {
  const runs = db.selectFrom('run').select('id').orderBy('created_at', 'desc');
  const found = await (run === undefined ? runs : runs.where('id', '=', run)).executeTakeFirst();
  if (!found) throw unknownRun(run);
  return found.id;
}

export async function stepReports(db: Db, run: string): Promise<StepReport[]> {
  const rows = await db.selectFrom('run_step').selectAll().where('run_id', '=', run).orderBy('position').execute();
  return rows.map(({ title, host, state, starts, seconds, log_file, worker, error }) => ({
    title,
    host,
    state,
    starts,
    seconds,
    logFile: log_file,
    worker,
    error: error as StepFailure | null,
  }));
}

/** @throws StackwrightError `NothingToResume` */
export async function latestUnfinished(db: Db): Promise<string> {
  const found = await db
    .selectFrom('run')
    .select('id')
    .where('state', '!=', 'done')
    .orderBy('created_at', 'desc')
    .executeTakeFirst();
  if (found) return found.id;
  throw new StackwrightError('NothingToResume', 'no run is interrupted, cancelled or has failed', {
    hint: 'stackwright deploy list shows all runs',
  });
}

export function unknownRun(run?: string): StackwrightError {
  return new StackwrightError('RunUnknown', run === undefined ? 'there is no run' : `there is no run ${run}`, {
    ...(run === undefined ? {} : { value: run }),
    hint: 'stackwright deploy list shows all runs',
  });
}
