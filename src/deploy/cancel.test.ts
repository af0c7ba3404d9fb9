import { mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { silentReporter } from '../base/events.js';
import { executeRun, type RunStage } from '../engine/index.js';
import { scratchState } from '../engine/scratch.fixture.js';
import { cancelDeployment } from './cancel.js';
import { runLog } from './run-log.js';
import { latestUnfinished, listRuns, showRun } from './run-report.js';

const scratch = scratchState();
const by = 'operator ann@ctl';

it('shows who has cancelled a run, while it stops and afterwards, and offers it for resuming', async () => {
  const { state, db } = scratch;
  let letGo = () => {};
  const gate = new Promise<undefined>((resolve) => {
    letGo = () => resolve(undefined);
  });
  const step = (id: string) => ({ id, title: id, host: 'a', work: () => gate });
  const stages: RunStage[] = [{ title: 'both', steps: [step('one@a'), step('two@a')] }];
  const directory = state.path('runs', 'slow');
  mkdirSync(directory, { recursive: true });
  const run = { id: 'slow', directory, plan: {}, stages };
  const ended = executeRun({ state, db, reporter: silentReporter, run });
  await expect.poll(async () => (await listRuns(db))[0]?.state, { timeout: 30_000 }).toBe('running');
  await expect.poll(async () => (await showRun(db, 'slow')).report[0]?.state, { timeout: 30_000 }).toBe('running');

  await cancelDeployment(db, silentReporter, { run: 'slow', by });

  expect(await showRun(db, 'slow')).toMatchObject({ state: 'cancelling', cancelledBy: by });
  letGo();
  expect(await ended).toMatchObject({ state: 'cancelled' });
  expect(await showRun(db, 'slow')).toMatchObject({
    state: 'cancelled',
    cancelledBy: by,
    done: 1,
    report: [{ state: 'done' }, { state: 'waiting' }],
  });
  expect(await latestUnfinished(db)).toBe('slow');
  const told: string[] = [];
  for await (const { message } of runLog(db, 'slow')) told.push(message);
  expect(told).toContain(`${by} wants the run slow to stop after its present steps`);
  await expect(cancelDeployment(db, silentReporter, { run: 'slow', by })).rejects.toMatchObject({
    code: 'RunEnded',
    message: 'the run slow is cancelled and has nothing to cancel',
  });
});

it('does not know a run that nobody has started', async () => {
  await expect(cancelDeployment(scratch.db, silentReporter, { run: 'nobody', by })).rejects.toMatchObject({
    code: 'RunUnknown',
  });
});
