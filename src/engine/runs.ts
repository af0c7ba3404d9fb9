import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DBOS as DbosClass } from '@dbos-inc/dbos-sdk';
import pLimit, { type LimitFunction } from 'p-limit';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Json, Reporter, StackwrightEvent } from '../base/events.js';
import { mask } from '../base/mask.js';
import type { StateDirectory } from '../base/state.js';
import { databaseUrl } from './cluster.js';
import { type Db, storeEvent } from './database.js';
import { lockRun } from './run-lock.js';
import type { RunState } from './schema.js';

/** One piece of work. It may be started again after a crash in its middle, so it must be idempotent. */
export interface RunStep {
  /** Unique within the run and the same when the run is resumed, e.g. `puppet.memcached@ctl1`. */
  id: string;
  title: string;
  /** A host does one step at a time, in the order of the stage. */
  host?: string;
  /** What it returns is kept for later steps, in clear text: no secrets. */
  work(context: StepContext): Promise<Json | undefined>;
}

/** Steps that go side by side; the next stage starts when all of them are done. */
export interface RunStage {
  title: string;
  steps: RunStep[];
}

export interface StepContext {
  /** What the finished steps of earlier stages returned, by step id. */
  results: ReadonlyMap<string, Json>;
  /** Where the step's output goes; its directory is there. */
  logFile: string;
  /** The last start of this step was cut off (kill -9, power): what it began elsewhere may still be going on. */
  interrupted: boolean;
  reporter: Reporter;
}

export interface DurableRun {
  id: string;
  /** Logs go to `logs/` below it. */
  directory: string;
  /** Anything that describes the run to people and pages. */
  plan: Record<string, Json>;
  stages: RunStage[];
}

export interface StepFailure {
  step: string;
  host?: string;
  code: string;
  message: string;
  hint?: string;
  value?: string;
  logFile: string;
}

export interface RunOutcome {
  id: string;
  /** `cancelled`: somebody has asked the run to stop, and steps are left. */
  state: 'done' | 'failed' | 'cancelled';
  failures: StepFailure[];
}

export interface ExecuteOptions {
  state: StateDirectory;
  db: Db;
  reporter: Reporter;
  run: DurableRun;
  /** How many steps go at once over all hosts. */
  sideBySide?: number;
  /** Finished steps that are to be done again, by id; the run then has another attempt, though it had ended. */
  repeat?: ReadonlySet<string>;
}

/** Everything that a run reports; kept in the database with the run. */
export type RunEvent =
  | StackwrightEvent<'run.started', { run: string; attempt: number; steps: number; finished: number }>
  | StackwrightEvent<'run.step.started', StepEventData & { start: number }>
  | StackwrightEvent<'run.step.finished', StepEventData & { seconds: number }>
  | StackwrightEvent<'run.step.failed', StepEventData & { seconds: number; error: string; errorCode: string }>
  | StackwrightEvent<'run.cancel.asked', { run: string; by: string }>
  | StackwrightEvent<'run.finished', { run: string; state: string; failures: number; seconds: number }>;

// A type, because an interface is not assignable to an event's data.
type StepEventData = { run: string; step: string; title: string; host: string | null };

/**
 * Executes a run, or goes on with one that was cut off or has failed: finished steps are not repeated, the one in
 * flight runs again. The caller gives the same stages each time.
 *
 * A run is a DBOS workflow `RUN/ATTEMPT`, and DBOS's checkpoints are the authority on what is finished. After a crash
 * DBOS recovers the same workflow, because its executor is named after the run. A failed step is a checkpoint too
 * (its failure is its result, and its neighbours finish), so the workflow of a failed run has ended and cannot be
 * recovered; the next attempt is a new workflow that gets the finished steps and their results as its input.
 * `DBOS.forkWorkflow` would cut at a step's number and so repeat finished neighbours of a failed step.
 * The tables `run` and `run_step` are for people to look at; only the wish to cancel is read from there. A cancelled
 * attempt ends as a failed one does: the steps that were left out are no results.
 *
 * One process executes one run at a time, as DBOS exists once a process.
 * @throws StackwrightError `RunLocked` where another process executes it, `RunnerBusy`
 */
export async function executeRun(options: ExecuteOptions): Promise<RunOutcome> {
  const { state, run } = options;
  if (current) {
    throw new StackwrightError('RunnerBusy', `this process executes the run ${current.run.id} at the moment`, {
      value: run.id,
      hint: 'wait for its end, or start the other run from another process',
    });
  }
  const url = await databaseUrl(state);
  await using _lock = await lockRun(url, run.id);
  const execution = newExecution(options);
  current = execution;
  try {
    execution.finishedBefore = await recordRun(execution);
    return await executeLocked(execution, url);
  } finally {
    current = undefined;
    await execution.eventsStored();
  }
}

/** What the workflow is given and gives back; DBOS stores both. */
interface AttemptInput {
  run: string;
  attempt: number;
  /** Results of the steps that earlier attempts have finished. */
  finished: Record<string, Json>;
}

interface AttemptOutput {
  finished: Record<string, Json>;
  failures: StepFailure[];
  /** Steps were left out because somebody has asked the run to stop. */
  cancelled?: boolean;
}

type StepOutcome = { ok: true; result: Json } | { ok: false; failure: StepFailure } | { ok: false; cancelled: true };

interface Execution {
  run: DurableRun;
  db: Db;
  reporter: Reporter;
  limit: LimitFunction;
  repeat: ReadonlySet<string>;
  /** Step id → its place in `run_step`, from 1. */
  positions: Map<string, number>;
  finishedBefore: number;
  /** Seen by this process: what an earlier one has left out for it is no reason to stop now. */
  cancelSeen: boolean;
  eventsStored(): Promise<void>;
}

// DBOS exists once a process and finds a workflow's function by name; the workflow finds its steps here.
let current: Execution | undefined;
let registered: ((input: AttemptInput) => Promise<AttemptOutput>) | undefined;

function newExecution({ db, run, reporter, sideBySide, repeat }: ExecuteOptions): Execution {
  const steps = run.stages.flatMap((stage) => stage.steps);
  const storing = new Set<Promise<void>>();
  const stored = {
    report(event: StackwrightEvent) {
      reporter.report(event);
      if (event.level === 'debug') return;
      // That an event could not be kept must not end a deployment.
      const storage = storeEvent(db, event, { runId: run.id }).catch(() => {});
      storing.add(storage);
      storage.finally(() => storing.delete(storage));
    },
  };
  return {
    run,
    db,
    reporter: stored,
    limit: pLimit(sideBySide ?? 50),
    repeat: repeat ?? new Set(),
    positions: new Map(steps.map((step, index) => [step.id, index + 1])),
    finishedBefore: 0,
    cancelSeen: false,
    eventsStored: async () => {
      await Promise.all(storing);
    },
  };
}

async function executeLocked(execution: Execution, url: string): Promise<RunOutcome> {
  const { run, db } = execution;
  const started = Date.now();
  const { DBOS } = await import('@dbos-inc/dbos-sdk');
  registered ??= DBOS.registerWorkflow(attemptWorkflow, { name: 'run', maxRecoveryAttempts: 10_000 });
  DBOS.setConfig({
    // Its queue is the run's alone: another process that executes another run does not take from it.
    name: `run-${run.id}`,
    systemDatabaseUrl: url,
    systemDatabasePoolSize: 5,
    // Setting it, DBOS sends two queries at once at every connection, which pg warns of on standard error.
    systemDatabaseIdleTransactionTimeoutMs: 0,
    useListenNotify: false,
    // At launch DBOS recovers what this executor has left, and nothing of another run.
    executorID: `run:${run.id}`,
    // Pinned: a newer Stackwright goes on with the runs of an older one (the domain compares the steps). DBOS wants
    // versions to be unique over applications.
    applicationVersion: `run-1-${run.id}`,
    listenQueues: [],
    logLevel: 'error',
    logger: silentLogger,
  });
  try {
    await DBOS.launch();
    const output = await latestAttempt(DBOS, execution, registered);
    const outcome: RunOutcome = {
      id: run.id,
      state: output.cancelled ? 'cancelled' : output.failures.length === 0 ? 'done' : 'failed',
      failures: output.failures,
    };
    await finishRun(db, outcome);
    reportEnd(execution, outcome, (Date.now() - started) / 1000);
    return outcome;
  } finally {
    await DBOS.shutdown();
  }
}

/** Waits for the attempt that was recovered, or starts the next one. A finished run is not executed again. */
async function latestAttempt(
  dbos: typeof DbosClass,
  execution: Execution,
  workflow: (input: AttemptInput) => Promise<AttemptOutput>,
): Promise<AttemptOutput> {
  const { repeat, run } = execution;
  const { id } = run;
  let finished: Record<string, Json> = {};
  for (let attempt = 1; ; attempt++) {
    const workflowID = `${id}/${attempt}`;
    const status = await dbos.getWorkflowStatus(workflowID);
    if (status?.status === 'SUCCESS') {
      const output = status.output as AttemptOutput;
      if (output.failures.length === 0 && !output.cancelled && repeat.size === 0) return output;
      finished = output.finished;
    } else if (status === null) {
      const kept = Object.fromEntries(Object.entries(finished).filter(([step]) => !repeat.has(step)));
      const handle = await dbos.startWorkflow(workflow, { workflowID })({ run: id, attempt, finished: kept });
      return await handle.getResult();
    } else if (status.status === 'PENDING' || status.status === 'ENQUEUED') {
      // Recovered at launch: DBOS puts it into its own queue and takes it out again within a second.
      const output = await dbos.retrieveWorkflow<AttemptOutput>(workflowID).getResult({ pollingIntervalMs: 100 });
      if (!output.cancelled || execution.cancelSeen) return output;
      // It was cut off while it stopped, and is to go on now.
      finished = output.finished;
    } else {
      // ERROR and the like: a fault of ours or the database's. Its checkpoints count all the same.
      finished = { ...finished, ...(await finishedSteps(dbos, workflowID)) };
    }
  }
}

async function finishedSteps(dbos: typeof DbosClass, workflowID: string): Promise<Record<string, Json>> {
  const finished: Record<string, Json> = {};
  for (const step of (await dbos.listWorkflowSteps(workflowID)) ?? []) {
    const outcome = step.error ? undefined : (step.output as StepOutcome | undefined);
    if (outcome?.ok) finished[step.name] = outcome.result;
  }
  return finished;
}

/** Deterministic, as DBOS wants it: the order in which steps are called depends on the input alone. */
async function attemptWorkflow(input: AttemptInput): Promise<AttemptOutput> {
  const { DBOS } = await import('@dbos-inc/dbos-sdk');
  const execution = current;
  if (execution?.run.id !== input.run) throw new Error(`no steps are known for run ${input.run}`);
  const finished: Record<string, Json> = { ...input.finished };
  reportStart(execution, input.attempt);
  for (const [index, stage] of execution.run.stages.entries()) {
    const waiting = stage.steps.filter((step) => !(step.id in finished));
    const results = new Map(Object.entries(finished));
    // Called all at once and in order; each then waits until the last one of its host is done and kept.
    const lastOfHost = new Map<string, Promise<unknown>>();
    const outcomes = await Promise.all(
      waiting.map((step) => {
        const before = step.host === undefined ? undefined : lastOfHost.get(step.host);
        const work = async () => {
          await before;
          return await execution.limit(() => executeStep(execution, step, index, results));
        };
        const outcome = DBOS.runStep(work, { name: step.id });
        if (step.host !== undefined) lastOfHost.set(step.host, Promise.allSettled([outcome]));
        return outcome;
      }),
    );
    const failures: StepFailure[] = [];
    let cancelled = false;
    for (const [at, outcome] of outcomes.entries()) {
      const step = waiting[at];
      if (outcome.ok && step) finished[step.id] = outcome.result;
      if ('failure' in outcome) failures.push(outcome.failure);
      if ('cancelled' in outcome) cancelled = true;
    }
    if (cancelled) return { finished, failures, cancelled };
    if (failures.length > 0) return { finished, failures };
  }
  return { finished, failures: [] };
}

async function executeStep(
  execution: Execution,
  step: RunStep,
  stage: number,
  results: ReadonlyMap<string, Json>,
): Promise<StepOutcome> {
  const { run, reporter } = execution;
  if (await isToStop(execution)) return { ok: false, cancelled: true };
  const logFile = join(run.directory, 'logs', logName(stage, step.id));
  const { start, interrupted } = await recordStart(execution, step, logFile);
  const about: StepEventData = { run: run.id, step: step.id, title: step.title, host: step.host ?? null };
  const where = step.host === undefined ? step.title : `${step.host}: ${step.title}`;
  const again = interrupted ? ' (was cut off, goes on)' : start > 1 ? ' (again)' : '';
  report(reporter, {
    code: 'run.step.started',
    level: 'info',
    message: `${where}${again}`,
    data: { ...about, start },
  });
  const began = Date.now();
  const secondsSince = () => Math.round((Date.now() - began) / 10) / 100;
  try {
    const result = (await step.work({ results, logFile, interrupted, reporter })) ?? null;
    const seconds = secondsSince();
    await recordEnd(execution, step, { state: 'done', seconds, error: null });
    report(reporter, {
      code: 'run.step.finished',
      level: 'info',
      message: `${where}: done in ${seconds} s`,
      data: { ...about, seconds },
    });
    return { ok: true, result };
  } catch (error) {
    const seconds = secondsSince();
    const failure = describeFailure(error, step, logFile);
    await recordEnd(execution, step, { state: 'failed', seconds, error: JSON.stringify(failure) });
    report(reporter, {
      code: 'run.step.failed',
      level: 'error',
      message: `${where}: ${failure.message}`,
      data: { ...about, seconds, error: failure.message, errorCode: failure.code },
    });
    return { ok: false, failure };
  }
}

function describeFailure(error: unknown, step: RunStep, logFile: string): StepFailure {
  const about = { step: step.id, ...(step.host === undefined ? {} : { host: step.host }), logFile };
  if (!(error instanceof StackwrightError)) {
    const stack = error instanceof Error ? error.stack : undefined;
    return { ...about, code: 'StepBroken', message: mask(messageOf(error)), ...(stack ? { hint: mask(stack) } : {}) };
  }
  const { hint, value } = error.details;
  return {
    ...about,
    code: error.code,
    message: mask(error.message),
    ...(hint === undefined ? {} : { hint: mask(hint) }),
    ...(value === undefined ? {} : { value: mask(value) }),
  };
}

function logName(stage: number, id: string): string {
  return `${String(stage + 1).padStart(2, '0')}-${id.replaceAll(/[^A-Za-z0-9._@-]/g, '_')}.log`;
}

/** Answers how many steps are finished already. */
async function recordRun({ db, run }: Execution): Promise<number> {
  await mkdir(join(run.directory, 'logs'), { recursive: true, mode: 0o700 });
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

/** Asked before each step: whoever cancels a run writes that into its row, from any machine. */
async function isToStop(execution: Execution): Promise<boolean> {
  const { db, run } = execution;
  const row = await patiently(() =>
    db.selectFrom('run').select('cancelled_by').where('id', '=', run.id).executeTakeFirst(),
  );
  execution.cancelSeen ||= typeof row?.cancelled_by === 'string';
  return execution.cancelSeen;
}

async function recordStart(
  { db, run, positions }: Execution,
  step: RunStep,
  logFile: string,
): Promise<{ start: number; interrupted: boolean }> {
  const position = positions.get(step.id) ?? 0;
  return await patiently(async () => {
    const before = await db
      .selectFrom('run_step')
      .select(['state', 'starts'])
      .where('run_id', '=', run.id)
      .where('position', '=', position)
      .executeTakeFirstOrThrow();
    const start = before.starts + 1;
    await db
      .updateTable('run_step')
      .set({ state: 'running', starts: start, log_file: logFile, seconds: null, error: null })
      .where('run_id', '=', run.id)
      .where('position', '=', position)
      .execute();
    return { start, interrupted: before.state === 'running' };
  });
}

async function recordEnd(
  { db, run, positions }: Execution,
  step: RunStep,
  end: { state: 'done' | 'failed'; seconds: number; error: string | null },
): Promise<void> {
  await patiently(() =>
    db
      .updateTable('run_step')
      .set(end)
      .where('run_id', '=', run.id)
      .where('position', '=', positions.get(step.id) ?? 0)
      .execute(),
  );
}

async function finishRun(db: Db, outcome: RunOutcome): Promise<void> {
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

function reportStart(execution: Execution, attempt: number): void {
  const { run, reporter, finishedBefore } = execution;
  const steps = execution.positions.size;
  const message = `run ${run.id}: ${steps} steps${finishedBefore > 0 ? `, ${finishedBefore} of them finished before` : ''}`;
  report(reporter, {
    code: 'run.started',
    level: 'info',
    message,
    data: { run: run.id, attempt, steps, finished: finishedBefore },
  });
}

function reportEnd(execution: Execution, outcome: RunOutcome, seconds: number): void {
  const failures = outcome.failures.length;
  const failed = `failed at ${failures} ${failures === 1 ? 'step' : 'steps'}`;
  const end = outcome.state === 'failed' ? failed : outcome.state;
  report(execution.reporter, {
    code: 'run.finished',
    level: outcome.state === 'failed' ? 'error' : 'info',
    message: `run ${outcome.id}: ${end} after ${seconds.toFixed(1)} s`,
    data: { run: outcome.id, state: outcome.state, failures, seconds },
  });
}

function report(reporter: Reporter, event: RunEvent): void {
  reporter.report(event);
}

const silentLogger = { info: () => {}, debug: () => {}, warn: () => {}, error: () => {} };
