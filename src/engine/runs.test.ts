import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type StackwrightEvent, silentReporter } from '../base/events.js';
import { cancelRun } from './run-cancel.js';
import { isRunIdle } from './run-lock.js';
import { killLeader, runProcesses } from './run-processes.fixture.js';

const run = runProcesses();

it('executes stages in order, a host one step at a time, and keeps a row a step', async () => {
  run.letGo('one@a', 'one@b', 'two@a', 'too@a', 'two@b', 'three@a');

  const outcome = await run.resultOf(run.start());

  expect(outcome).toEqual({ id: run.id, state: 'done', failures: [] });
  const lines = run.trace();
  expect(lines.indexOf('begin too@a after one@a')).toBeGreaterThan(lines.indexOf('end two@a'));
  expect(lines.at(-1)).toBe('end three@a');
  expect(await run.rows()).toEqual([
    ['one', 'a', 'done', 1],
    ['one', 'b', 'done', 1],
    ['two', 'a', 'done', 1],
    ['too', 'a', 'done', 1],
    ['two', 'b', 'done', 1],
    ['three', 'a', 'done', 1],
  ]);
});

it('repeats after kill -9 only what was in flight, and says so to the step', async () => {
  run.letGo('one@a', 'one@b', 'two@b');
  const first = run.start();
  await run.until(() => run.trace().includes('end two@b') && run.traced('begin two@a'));
  await run.until(() => run.isKept('two@b'));
  await killLeader(run, first);
  expect(await isRunIdle(run.db, run.id)).toBe(true);

  run.letGo('two@a', 'too@a', 'three@a');
  const outcome = await run.resultOf(run.start());

  expect(outcome).toMatchObject({ state: 'done' });
  expect(run.trace().filter((line) => line.startsWith('begin one@') || line.startsWith('begin two@b'))).toHaveLength(3);
  expect(run.trace()).toContain('begin two@a interrupted after one@a');
  expect(await run.rows()).toEqual([
    ['one', 'a', 'done', 1],
    ['one', 'b', 'done', 1],
    ['two', 'a', 'done', 2],
    ['too', 'a', 'done', 1],
    ['two', 'b', 'done', 1],
    ['three', 'a', 'done', 1],
  ]);
});

it('keeps a failure with code and hint, lets its neighbours finish, and goes on at the failed step', async () => {
  run.letGo('one@a', 'one@b', 'two@a', 'too@a', 'two@b', 'three@a');
  writeFileSync(join(run.directory, 'fail.two@a'), '');

  const failed = await run.resultOf(run.start());

  expect(failed).toMatchObject({
    state: 'failed',
    failures: [
      { step: 'two@a', host: 'a', code: 'CommandFailed', message: 'two is broken', hint: 'mend it', value: 'a' },
    ],
  });
  expect((await run.rows()).map(([, , stepState]) => stepState)).toEqual([
    'done',
    'done',
    'failed',
    'done',
    'done',
    'waiting',
  ]);
  rmSync(join(run.directory, 'fail.two@a'));
  expect(await run.resultOf(run.start())).toMatchObject({ state: 'done' });
  expect((await run.rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 2, 1, 1, 1]);
  // A finished run is looked up, not executed.
  expect(await run.resultOf(run.start())).toMatchObject({ state: 'done' });
  expect((await run.rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 2, 1, 1, 1]);
});

it('does not let two processes execute one run', async () => {
  const first = run.start();
  await run.until(() => run.trace().length > 0);

  const second = await run.resultOf(run.start());

  expect(second).toMatchObject({ code: 'RunLocked', value: run.id });
  expect(await isRunIdle(run.db, run.id)).toBe(false);
  await killLeader(run, first);
});

it('stops after what it is doing when another process cancels it, and goes on when resumed', async () => {
  run.letGo('one@a', 'one@b', 'two@b');
  const running = run.resultOf(run.start());
  await run.until(() => run.traced('begin two@a'));
  const told: StackwrightEvent[] = [];

  const cancelled = await cancelRun(
    run.db,
    { report: (event) => told.push(event) },
    { run: run.id, by: 'operator ann' },
  );
  run.letGo('two@a', 'too@a', 'three@a');

  expect(cancelled).toEqual({ run: run.id, state: 'cancelling' });
  expect(told).toMatchObject([{ code: 'run.cancel.asked', data: { run: run.id, by: 'operator ann' } }]);
  expect(await running).toEqual({ id: run.id, state: 'cancelled', failures: [] });
  expect(run.trace()).toContain('end two@a');
  expect(run.trace().join()).not.toContain('begin too@a');
  expect(await run.runRow()).toMatchObject({ state: 'cancelled', cancelled_by: 'operator ann' });
  expect(await cancelRun(run.db, silentReporter, { run: run.id, by: 'operator ann' })).toBeUndefined();

  expect(await run.resultOf(run.start())).toMatchObject({ state: 'done' });
  expect(await run.runRow()).toMatchObject({ state: 'done', cancelled_by: null });
  expect((await run.rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 1, 1, 1, 1]);
});

it('cancels at once what nobody executes, and repeats what was cut off when resumed', async () => {
  run.letGo('one@a', 'one@b');
  const first = run.start();
  await run.until(() => run.traced('begin two@b'));
  await killLeader(run, first);

  const cancelled = await cancelRun(run.db, silentReporter, { run: run.id, by: 'operator ann' });

  expect(cancelled).toEqual({ run: run.id, state: 'cancelled' });
  expect(await run.runRow()).toMatchObject({ state: 'cancelled' });
  run.letGo('two@a', 'too@a', 'two@b', 'three@a');
  expect(await run.resultOf(run.start())).toMatchObject({ state: 'done' });
  expect(run.trace()).toContain('begin two@b interrupted after one@a');
});

it('goes on though it was killed while it stopped', async () => {
  run.letGo('one@a', 'one@b');
  const first = run.start();
  await run.until(() => ['two@a', 'two@b'].every((step) => run.traced(`begin ${step}`)));
  await cancelRun(run.db, silentReporter, { run: run.id, by: 'operator ann' });
  run.letGo('two@a');
  // The step that follows on the host is left out, and that is kept, while the other host is still at work.
  await run.until(() => run.isKept('too@a'));
  await killLeader(run, first);

  run.letGo('too@a', 'two@b', 'three@a');
  expect(await run.resultOf(run.start())).toMatchObject({ state: 'done' });
  expect((await run.rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 1, 1, 2, 1]);
});

it('leaves alone the run of another process that was cut off', async () => {
  const other = run.start();
  await run.until(() => run.trace().length > 0);
  await killLeader(run, other);
  const before = await run.rows();
  const otherId = run.id;

  run.next(`${otherId}-next`);
  run.letGo('one@a', 'one@b', 'two@a', 'too@a', 'two@b', 'three@a');
  expect(await run.resultOf(run.start())).toMatchObject({ state: 'done' });

  run.next(otherId);
  expect(await run.rows()).toEqual(before);
});
