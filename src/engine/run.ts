import type { Json, Reporter, StackwrightEvent } from '../base/events.js';

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
  /** Its steps need nothing of the machine that leads the run: workers that have joined it share them. */
  anywhere?: boolean;
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

/** Everything that a run reports; kept in the database with the run. */
export type RunEvent =
  | StackwrightEvent<'run.started', { run: string; attempt: number; steps: number; finished: number }>
  | StackwrightEvent<'run.step.started', StepEventData & { start: number }>
  | StackwrightEvent<'run.step.finished', StepEventData & { seconds: number }>
  | StackwrightEvent<'run.step.failed', StepEventData & { seconds: number; error: string; errorCode: string }>
  | StackwrightEvent<'run.cancel.asked', { run: string; by: string }>
  | StackwrightEvent<'run.worker.joined', { run: string; worker: string }>
  | StackwrightEvent<'run.worker.left', { run: string; worker: string }>
  | StackwrightEvent<'run.worker.lost', { run: string; worker: string; shares: number }>
  | StackwrightEvent<'run.finished', { run: string; state: string; failures: number; seconds: number }>;

// A type, because an interface is not assignable to an event's data.
export type StepEventData = {
  run: string;
  step: string;
  title: string;
  host: string | null;
  /** Who executes it, where that is not the process that leads the run. */
  worker: string | null;
};
