import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DBOS as DbosClass } from '@dbos-inc/dbos-sdk';
import pLimit, { type LimitFunction } from 'p-limit';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Json, Reporter, StackwrightEvent } from '../base/events.js';
import { mask } from '../base/mask.js';
import type { StateDirectory } from '../base/state.js';
import { databaseUrl } from './cluster.js';
import { type Db, storeEvent } from './database.js';
import type { DurableRun, RunEvent, RunOutcome, RunStep, StepEventData, StepFailure } from './run.js';
import { lockRun } from './run-lock.js';
import { isCancelled, recordEnd, recordFinish, recordRun, recordStart } from './run-record.js';

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
    await mkdir(join(run.directory, 'logs'), { recursive: true, mode: 0o700 });
    execution.finishedBefore = await recordRun(execution.db, run);
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
    await recordFinish(db, outcome);
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
  const { run, db, reporter } = execution;
  execution.cancelSeen ||= await isCancelled(db, run.id);
  if (execution.cancelSeen) return { ok: false, cancelled: true };
  const place = { run: run.id, position: execution.positions.get(step.id) ?? 0 };
  const logFile = join(run.directory, 'logs', logName(stage, step.id));
  const { start, interrupted } = await recordStart(db, place, logFile);
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
    await recordEnd(db, place, { state: 'done', seconds, error: null });
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
    await recordEnd(db, place, { state: 'failed', seconds, error: JSON.stringify(failure) });
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
