import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StackwrightError } from '../base/errors.js';
import { packageRoot } from '../base/package-root.js';
import { type DeployOptions, prepareRun } from './run.js';
import { isRecorded } from './run-report.js';

/**
 * Deploys what an answer file describes in a process of its own, which no terminal ends, and returns once that has taken
 * the run up. What it would say on a terminal is in `detached.log` of the run's directory.
 * @throws StackwrightError `RunNotTakenUp`, and as `deployRun`
 */
export async function detachRun(options: DeployOptions): Promise<{ run: string; directory: string }> {
  const { state, db } = options;
  const { run, directory } = await prepareRun(options, 'keep passwords');
  const file = join(directory, 'detached.log');
  const log = openSync(file, 'a', 0o600);
  const child = spawn(join(packageRoot(), 'bin', 'stackwright'), ['deploy', 'resume', run], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, STACKWRIGHT_STATE: state.root },
  });
  closeSync(log);
  child.once('error', () => {
    // Its status says so, too.
  });
  for (;;) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (await isRecorded(db, run)) break;
    if (hasEnded) {
      throw new StackwrightError('RunNotTakenUp', `the process that was to execute the run ${run} has ended`, {
        value: run,
        hint: readFileSync(file, 'utf8').trim(),
      });
    }
    await delay(100);
  }
  child.unref();
  return { run, directory };
}
