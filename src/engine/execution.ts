import pLimit, { type LimitFunction } from 'p-limit';
import { StackwrightError } from '../base/errors.js';
import type { Reporter, StackwrightEvent } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import { type Db, storeEvent } from './database.js';
import type { DurableRun } from './run.js';

export interface ExecuteOptions {
  state: StateDirectory;
  db: Db;
  reporter: Reporter;
  run: DurableRun;
  /** How many steps this process does at once over all hosts. */
  sideBySide?: number;
  /** Finished steps that are to be done again, by id; the run then has another attempt, though it had ended. */
  repeat?: ReadonlySet<string>;
}

/** A run as this process works on it. */
export interface Execution {
  run: DurableRun;
  db: Db;
  reporter: Reporter;
  limit: LimitFunction;
  repeat: ReadonlySet<string>;
  /** Step id → its place in `run_step`, from 1. */
  positions: Map<string, number>;
  finishedBefore: number;
  /** The name of a worker that has joined the run; null in the process that leads it. */
  worker: string | null;
  /** Shares of stages that are worked on. */
  shares: number;
}

// DBOS exists once a process and finds a workflow's function by name; the workflow finds its steps here.
let current: Execution | undefined;

/** @throws Error where this process works on another run, or on none */
export function executionOf(run: string): Execution {
  if (current?.run.id !== run) throw new Error(`no steps are known for run ${run}`);
  return current;
}

/**
 * Works with DBOS on a run; events are kept in the database beside being reported.
 * @throws StackwrightError `RunnerBusy`
 */
export async function asExecution<T>(
  { db, run, reporter, sideBySide, repeat }: ExecuteOptions,
  worker: string | null,
  work: (execution: Execution) => Promise<T>,
): Promise<T> {
  if (current) {
    throw new StackwrightError('RunnerBusy', `this process executes the run ${current.run.id} at the moment`, {
      value: run.id,
      hint: 'wait for its end, or start the other run from another process',
    });
  }
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
  const steps = run.stages.flatMap((stage) => stage.steps);
  const execution: Execution = {
    run,
    db,
    reporter: stored,
    limit: pLimit(sideBySide ?? 50),
    repeat: repeat ?? new Set(),
    positions: new Map(steps.map((step, index) => [step.id, index + 1])),
    finishedBefore: 0,
    worker,
    shares: 0,
  };
  current = execution;
  try {
    return await work(execution);
  } finally {
    current = undefined;
    await Promise.all(storing);
  }
}
