import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { type CancelledRun, cancelRun, type Db } from '../engine/index.js';
import { showRun } from './run-report.js';

/**
 * Stops a run after the steps that are going on, wherever it is executed; `resumeRun` goes on with it.
 * @throws StackwrightError `RunUnknown`, `RunEnded`
 */
export async function cancelDeployment(
  db: Db,
  reporter: Reporter,
  wish: { run: string; by: string },
): Promise<CancelledRun> {
  const { run, state } = await showRun(db, wish.run);
  const cancelled = await cancelRun(db, reporter, wish);
  if (cancelled) return cancelled;
  throw new StackwrightError('RunEnded', `the run ${run} is ${state} and has nothing to cancel`, {
    value: run,
    hint: 'stackwright unstack stops what it has started; stackwright deploy list shows all runs',
  });
}
