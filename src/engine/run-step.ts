import { join } from 'node:path';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { mask } from '../base/mask.js';
import type { Execution } from './execution.js';
import type { RunEvent, RunStep, StepEventData, StepFailure } from './run.js';
import { isCancelled, recordEnd, recordStart } from './run-record.js';

/** What DBOS keeps of a step. */
export type StepOutcome =
  | { ok: true; result: Json }
  | { ok: false; failure: StepFailure }
  /** Left out, because somebody has asked the run to stop. */
  | { ok: false; cancelled: true };

/** Does a step, reports it, and writes down how it ended; a failure is an outcome too. */
export async function executeStep(
  execution: Execution,
  step: RunStep,
  stage: number,
  results: ReadonlyMap<string, Json>,
): Promise<StepOutcome> {
  const { run, db, reporter, worker } = execution;
  const report = (event: RunEvent) => reporter.report(event);
  if (await isCancelled(db, run.id)) return { ok: false, cancelled: true };
  const place = { run: run.id, position: execution.positions.get(step.id) ?? 0 };
  const logFile = join(run.directory, 'logs', logName(stage, step.id));
  const { start, interrupted } = await recordStart(db, place, { logFile, worker });
  const about: StepEventData = { run: run.id, step: step.id, title: step.title, host: step.host ?? null, worker };
  const where = step.host === undefined ? step.title : `${step.host}: ${step.title}`;
  const again = interrupted ? ' (was cut off, goes on)' : start > 1 ? ' (again)' : '';
  report({ code: 'run.step.started', level: 'info', message: `${where}${again}`, data: { ...about, start } });
  const began = Date.now();
  const secondsSince = () => Math.round((Date.now() - began) / 10) / 100;
  try {
    const result = (await step.work({ results, logFile, interrupted, reporter })) ?? null;
    const seconds = secondsSince();
    await recordEnd(db, place, { state: 'done', seconds, error: null });
    report({
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
    report({
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
