import { setTimeout as delay } from 'node:timers/promises';
import { StackwrightError } from '../base/errors.js';
import { readTextIfExists } from '../base/files.js';

/**
 * Waits for a process that was started until it is ready.
 * @throws StackwrightError `ProcessNotStarted` with the end of its log, where it ends or takes more than a minute
 */
export async function waitUntil(
  ready: () => Promise<boolean>,
  alive: () => boolean,
  what: string,
  logFile: string,
): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await ready())) {
    if (!alive() || Date.now() > deadline) {
      const log = (await readTextIfExists(logFile)) ?? '';
      throw new StackwrightError('ProcessNotStarted', `${what} did not start`, {
        value: log.trim().split('\n').slice(-8).join('\n'),
        hint: `its output is in ${logFile}`,
      });
    }
    await delay(50);
  }
}
