import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { silentReporter } from '../base/events.js';
import { cancelRun } from './run-cancel.js';
import { killLeader, runProcesses } from './run-processes.fixture.js';
import { LOST_AFTER_MILLISECONDS } from './run-workers.js';

const run = runProcesses();

it('gives a worker its share of a stage that may be done anywhere', async () => {
  const { leader, worker } = await bothAtWork();
  const [leading, joined] = [run.resultOf(leader), run.resultOf(worker)];
  run.letGo('one@a', 'one@b', 'two@a', 'too@a', 'two@b', 'three@a');

  expect(await leading).toEqual({ id: run.id, state: 'done', failures: [] });
  expect(await joined).toEqual({ id: run.id, state: 'done' });
  expect(run.trace().filter((line) => line.includes('as worker'))).toEqual(['begin two@b after one@a as worker']);
  expect(run.trace()).toContain('begin two@a after one@a');
  expect(await workersOfSteps()).toEqual([null, null, null, null, expect.stringMatching(/\.[0-9a-f]{6}$/), null]);
  expect(await hasWorkers(0)()).toBe(true);
  expect((await sql`SELECT name FROM dbos.queues`.execute(run.db)).rows).toEqual([]);
});

it('goes on elsewhere with the step of a worker that was killed', async () => {
  const { leader, worker } = await bothAtWork();
  const leading = run.resultOf(leader);
  run.letGo('one@a', 'one@b');
  await run.until(() => run.traced('begin two@b after one@a as worker'));
  await run.kill(worker);
  run.letGo('two@a', 'too@a', 'two@b', 'three@a');

  expect(await leading).toMatchObject({ state: 'done' });
  expect(run.trace()).toContain('begin two@b interrupted after one@a');
  expect((await run.rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 1, 1, 2, 1]);
  expect(await hasWorkers(0)()).toBe(true);
  const lost = await run.db.selectFrom('event').select('data').where('code', '=', 'run.worker.lost').execute();
  expect(lost).toMatchObject([{ data: { run: run.id, shares: 1 } }]);
});

it('is led by a worker when who led it was killed', async () => {
  const { leader, worker } = await bothAtWork();
  const joined = run.resultOf(worker);
  run.letGo('one@a', 'one@b');
  await run.until(() => run.traced('begin two@b') && run.traced('begin two@a'));
  await killLeader(run, leader);
  // The worker knows by then that nobody leads, and does not lead before its own step has ended.
  await delay(LOST_AFTER_MILLISECONDS + 2000);
  run.letGo('two@b', 'two@a', 'too@a', 'three@a');

  expect(await joined).toEqual({ id: run.id, state: 'done', failures: [] });
  expect(run.trace()).toContain('begin two@a interrupted after one@a as worker');
  // What the worker did when the leader was killed counts.
  expect((await run.rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 2, 1, 1, 1]);
  expect(await run.runRow()).toMatchObject({ state: 'done' });
});

it('is cancelled by a worker when who led it was killed while it stopped', async () => {
  const { leader, worker } = await bothAtWork();
  const joined = run.resultOf(worker);
  run.letGo('one@a', 'one@b', 'two@b');
  await run.until(() => run.traced('begin two@a') && run.traced('end two@b'));
  await cancelRun(run.db, silentReporter, { run: run.id, by: 'operator ann' });
  await killLeader(run, leader);

  expect(await joined).toEqual({ id: run.id, state: 'cancelled' });
  expect(await run.runRow()).toMatchObject({ state: 'cancelled', cancelled_by: 'operator ann' });
  run.letGo('two@a', 'too@a', 'three@a');
  expect(await run.resultOf(run.start())).toMatchObject({ state: 'done' });
});

it('keeps its worker when it is taken up again', async () => {
  const { leader, worker } = await bothAtWork();
  const joined = run.resultOf(worker);
  run.letGo('one@a', 'one@b', 'two@a', 'too@a');
  await run.until(() => run.traced('begin two@b'));
  await run.until(() => run.isKept('too@a'));
  await killLeader(run, leader);
  const leading = run.resultOf(run.start());
  run.letGo('two@b', 'three@a');

  expect(await leading).toMatchObject({ state: 'done' });
  expect(await joined).toEqual({ id: run.id, state: 'done' });
  expect((await run.rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 1, 1, 1, 1]);
});

it('stops in a worker too when it is cancelled, and says so to it', async () => {
  const { leader, worker } = await bothAtWork();
  const [leading, joined] = [run.resultOf(leader), run.resultOf(worker)];
  run.letGo('one@a');
  await run.until(() => run.traced('end one@a'));
  await cancelRun(run.db, silentReporter, { run: run.id, by: 'operator ann' });
  run.letGo('one@b');

  expect(await leading).toMatchObject({ state: 'cancelled' });
  expect(await joined).toEqual({ id: run.id, state: 'cancelled' });
  expect(run.traced('begin two')).toBe(false);
  // Nothing is left to join.
  expect(await run.resultOf(run.start('join'))).toMatchObject({ code: 'RunNotUnderWay', value: run.id });
});

async function bothAtWork() {
  const leader = run.start();
  await run.until(() => run.traced('begin'));
  const worker = run.start('join');
  await run.until(hasWorkers(1));
  return { leader, worker };
}

function hasWorkers(count: number) {
  return async () => {
    const rows = await run.db.selectFrom('run_worker').select('name').where('run_id', '=', run.id).execute();
    return rows.length === count;
  };
}

async function workersOfSteps(): Promise<(string | null)[]> {
  const steps = run.db.selectFrom('run_step').select('worker').where('run_id', '=', run.id).orderBy('position');
  return (await steps.execute()).map(({ worker }) => worker);
}
