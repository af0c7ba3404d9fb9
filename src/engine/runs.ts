import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DBOS as DbosClass } from '@dbos-inc/dbos-sdk';
import type { Json } from '../base/events.js';
import { databaseUrl } from './cluster.js';
import { withDbos } from './dbos.js';
import { asExecution, type ExecuteOptions, type Execution } from './execution.js';
import type { RunEvent, RunOutcome } from './run.js';
import { lockRun } from './run-lock.js';
import { isCancelled, recordFinish, recordRun } from './run-record.js';
import { openWorkflows, watchWorkers } from './run-workers.js';
import { type AttemptOutput, type AttemptWorkflow, finishedSteps } from './run-workflow.js';

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
 * One process leads a run; others may join it (`joinRun`). A worker's share of a stage is a workflow of its own,
 * `RUN/ATTEMPT/STAGE/WORKER`, in a queue that has the worker's name. DBOS exists once a process, so a process works on
 * one run at a time.
 * @throws StackwrightError `RunLocked` where another process leads it, `RunnerBusy`
 */
export async function executeRun(options: ExecuteOptions): Promise<RunOutcome> {
  const { state, run, reporter } = options;
  const url = await databaseUrl(state);
  return await asExecution(options, null, async (execution) => {
    await using _lock = await lockRun(url, run.id);
    await mkdir(join(run.directory, 'logs'), { recursive: true, mode: 0o700 });
    execution.finishedBefore = await recordRun(execution.db, run);
    const started = Date.now();
    return await withDbos({ url, run: run.id }, async (dbos, attempt) => {
      // What workers report is kept already.
      await using _watch = watchWorkers(dbos, execution, (event) => reporter.report(event));
      const output = await latestAttempt(dbos, execution, attempt);
      const outcome: RunOutcome = {
        id: run.id,
        state: output.cancelled ? 'cancelled' : output.failures.length === 0 ? 'done' : 'failed',
        failures: output.failures,
      };
      await recordFinish(execution.db, outcome);
      reportEnd(execution, outcome, (Date.now() - started) / 1000);
      return outcome;
    });
  });
}

/** Waits for the attempt that was recovered, or starts the next one. A finished run is not executed again. */
async function latestAttempt(
  dbos: typeof DbosClass,
  execution: Execution,
  workflow: AttemptWorkflow,
): Promise<AttemptOutput> {
  const { repeat, run, db } = execution;
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
      if (!output.cancelled || (await isCancelled(db, id))) return output;
      // It was cut off while it stopped, and is to go on now: the wish went when this process took the run up.
      finished = output.finished;
    } else {
      // ERROR and the like: a fault of ours or the database's. Its checkpoints count all the same.
      await cancelShares(dbos, workflowID);
      finished = { ...finished, ...(await finishedSteps(dbos, workflowID)) };
    }
  }
}

/** Shares that an attempt has left behind would be done beside the next one. */
async function cancelShares(dbos: typeof DbosClass, workflowID: string): Promise<void> {
  const open = await openWorkflows(dbos, workflowID);
  if (open.length > 0) await dbos.cancelWorkflows(open.map((share) => share.workflowID));
}

function reportEnd({ reporter }: Execution, outcome: RunOutcome, seconds: number): void {
  const failures = outcome.failures.length;
  const failed = `failed at ${failures} ${failures === 1 ? 'step' : 'steps'}`;
  const event: RunEvent = {
    code: 'run.finished',
    level: outcome.state === 'failed' ? 'error' : 'info',
    message: `run ${outcome.id}: ${outcome.state === 'failed' ? failed : outcome.state} after ${seconds.toFixed(1)} s`,
    data: { run: outcome.id, state: outcome.state, failures, seconds },
  };
  reporter.report(event);
}
