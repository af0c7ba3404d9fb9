import { setTimeout as delay } from 'node:timers/promises';
import type { EventLevel } from '../base/events.js';
import { type Db, eventReader, isRunIdle } from '../engine/index.js';
import { knownRun } from './run-report.js';

/** An event of a run as it was kept. */
export interface LoggedEvent {
  time: Date;
  code: string;
  level: EventLevel;
  message: string;
}

/** Between two looks at the database. */
const POLL_MILLISECONDS = 300;

/**
 * What a run has reported, oldest first; without a name the latest run. With `follow` also what it reports until no
 * process executes it any more: from any terminal, however the run was started.
 * @throws StackwrightError `RunUnknown`
 */
export async function* runLog(db: Db, run?: string, options: { follow?: boolean } = {}): AsyncGenerator<LoggedEvent> {
  const id = await knownRun(db, run);
  const read = eventReader(db, id);
  let looksAtEnd = 0;
  for (;;) {
    // Asked before the events: a run lets go after its last step. Its messages come a moment later.
    if (!options.follow || (await isRunIdle(db, id))) looksAtEnd++;
    for (const { time, code, level, message } of await read()) yield { time, code, level, message };
    if (looksAtEnd === (options.follow ? 2 : 1)) return;
    await delay(POLL_MILLISECONDS);
  }
}
