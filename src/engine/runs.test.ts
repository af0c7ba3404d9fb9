import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type StackwrightEvent, silentReporter } from '../base/events.js';
import { packageRoot } from '../base/package-root.js';
import type { StateDirectory } from '../base/state.js';
import type { Db } from './database.js';
import { cancelRun } from './run-cancel.js';
import { isRunIdle } from './run-lock.js';
import { scratchState } from './scratch.fixture.js';

const scratch = scratchState();
let state: StateDirectory;
let db: Db;
let program: string;
let directory: string;
let id: string;
let count = 0;
const children: ChildProcess[] = [];

beforeAll(async () => {
  ({ state, db } = scratch);
  // Below the package, so that it finds its libraries.
  program = join(packageRoot(), 'node_modules', '.cache', `runs.fixture.${process.pid}.mjs`);
  await build({
    entryPoints: [join(packageRoot(), 'src/engine/runs.fixture.ts')],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => rmSync(program, { force: true }));

beforeEach(() => {
  id = `run-${++count}`;
  directory = state.path('runs', id);
  mkdirSync(directory, { recursive: true });
});

it('executes stages in order, a host one step at a time, and keeps a row a step', async () => {
  letGo('one@a', 'one@b', 'two@a', 'too@a', 'two@b', 'three@a');

  const outcome = await resultOf(start());

  expect(outcome).toEqual({ id, state: 'done', failures: [] });
  const lines = trace();
  expect(lines.indexOf('begin too@a after one@a')).toBeGreaterThan(lines.indexOf('end two@a'));
  expect(lines.at(-1)).toBe('end three@a');
  expect(await rows()).toEqual([
    ['one', 'a', 'done', 1],
    ['one', 'b', 'done', 1],
    ['two', 'a', 'done', 1],
    ['too', 'a', 'done', 1],
    ['two', 'b', 'done', 1],
    ['three', 'a', 'done', 1],
  ]);
});

it('repeats after kill -9 only what was in flight, and says so to the step', async () => {
  letGo('one@a', 'one@b', 'two@b');
  const first = start();
  await until(() => trace().includes('end two@b') && trace().some((line) => line.startsWith('begin two@a')));
  await until(() => isKept('two@b'));
  await kill(first);
  expect(await isRunIdle(db, id)).toBe(true);

  letGo('two@a', 'too@a', 'three@a');
  const outcome = await resultOf(start());

  expect(outcome).toMatchObject({ state: 'done' });
  expect(trace().filter((line) => line.startsWith('begin one@') || line.startsWith('begin two@b'))).toHaveLength(3);
  expect(trace()).toContain('begin two@a interrupted after one@a');
  expect(await rows()).toEqual([
    ['one', 'a', 'done', 1],
    ['one', 'b', 'done', 1],
    ['two', 'a', 'done', 2],
    ['too', 'a', 'done', 1],
    ['two', 'b', 'done', 1],
    ['three', 'a', 'done', 1],
  ]);
});

it('keeps a failure with code and hint, lets its neighbours finish, and goes on at the failed step', async () => {
  letGo('one@a', 'one@b', 'two@a', 'too@a', 'two@b', 'three@a');
  writeFileSync(join(directory, 'fail.two@a'), '');

  const failed = await resultOf(start());

  expect(failed).toMatchObject({
    state: 'failed',
    failures: [
      { step: 'two@a', host: 'a', code: 'CommandFailed', message: 'two is broken', hint: 'mend it', value: 'a' },
    ],
  });
  expect((await rows()).map(([, , stepState]) => stepState)).toEqual([
    'done',
    'done',
    'failed',
    'done',
    'done',
    'waiting',
  ]);
  rmSync(join(directory, 'fail.two@a'));
  expect(await resultOf(start())).toMatchObject({ state: 'done' });
  expect((await rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 2, 1, 1, 1]);
  // A finished run is looked up, not executed.
  expect(await resultOf(start())).toMatchObject({ state: 'done' });
  expect((await rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 2, 1, 1, 1]);
});

it('does not let two processes execute one run', async () => {
  const first = start();
  await until(() => trace().length > 0);

  const second = await resultOf(start());

  expect(second).toMatchObject({ code: 'RunLocked', value: id });
  expect(await isRunIdle(db, id)).toBe(false);
  await kill(first);
});

it('stops after what it is doing when another process cancels it, and goes on when resumed', async () => {
  letGo('one@a', 'one@b', 'two@b');
  const running = resultOf(start());
  await until(() => trace().some((line) => line.startsWith('begin two@a')));
  const told: StackwrightEvent[] = [];

  const cancelled = await cancelRun(db, { report: (event) => told.push(event) }, { run: id, by: 'operator ann' });
  letGo('two@a', 'too@a', 'three@a');

  expect(cancelled).toEqual({ run: id, state: 'cancelling' });
  expect(told).toMatchObject([{ code: 'run.cancel.asked', data: { run: id, by: 'operator ann' } }]);
  expect(await running).toEqual({ id, state: 'cancelled', failures: [] });
  expect(trace()).toContain('end two@a');
  expect(trace().join()).not.toContain('begin too@a');
  expect(await runRow()).toMatchObject({ state: 'cancelled', cancelled_by: 'operator ann' });
  expect(await cancelRun(db, silentReporter, { run: id, by: 'operator ann' })).toBeUndefined();

  expect(await resultOf(start())).toMatchObject({ state: 'done' });
  expect(await runRow()).toMatchObject({ state: 'done', cancelled_by: null });
  expect((await rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 1, 1, 1, 1]);
});

it('cancels at once what nobody executes, and repeats what was cut off when resumed', async () => {
  letGo('one@a', 'one@b');
  const first = start();
  await until(() => trace().some((line) => line.startsWith('begin two@b')));
  await kill(first);

  const cancelled = await cancelRun(db, silentReporter, { run: id, by: 'operator ann' });

  expect(cancelled).toEqual({ run: id, state: 'cancelled' });
  expect(await runRow()).toMatchObject({ state: 'cancelled' });
  letGo('two@a', 'too@a', 'two@b', 'three@a');
  expect(await resultOf(start())).toMatchObject({ state: 'done' });
  expect(trace()).toContain('begin two@b interrupted after one@a');
});

it('goes on though it was killed while it stopped', async () => {
  letGo('one@a', 'one@b');
  const first = start();
  await until(() => ['two@a', 'two@b'].every((step) => trace().some((line) => line.startsWith(`begin ${step}`))));
  await cancelRun(db, silentReporter, { run: id, by: 'operator ann' });
  letGo('two@a');
  // The step that follows on the host is left out, and that is kept, while the other host is still at work.
  await until(() => isKept('too@a'));
  await kill(first);

  letGo('too@a', 'two@b', 'three@a');
  expect(await resultOf(start())).toMatchObject({ state: 'done' });
  expect((await rows()).map(([, , , starts]) => starts)).toEqual([1, 1, 1, 1, 2, 1]);
});

it('leaves alone the run of another process that was cut off', async () => {
  const other = start();
  await until(() => trace().length > 0);
  await kill(other);
  const before = await rows();
  const otherId = id;

  id = `${otherId}-next`;
  directory = state.path('runs', id);
  mkdirSync(directory, { recursive: true });
  letGo('one@a', 'one@b', 'two@a', 'too@a', 'two@b', 'three@a');
  expect(await resultOf(start())).toMatchObject({ state: 'done' });

  id = otherId;
  expect(await rows()).toEqual(before);
});

function start(): ChildProcess {
  const args = [program, state.root, id, directory];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

async function resultOf(child: ChildProcess): Promise<unknown> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  return JSON.parse(text);
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  await until(() => isRunIdle(db, id));
}

function letGo(...steps: string[]): void {
  for (const step of steps) writeFileSync(join(directory, `go.${step}`), '');
}

function trace(): string[] {
  const file = join(directory, 'trace');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

/** The step's outcome is a checkpoint of the first attempt. */
async function isKept(step: string): Promise<boolean> {
  const kept = await sql`SELECT 1 FROM dbos.operation_outputs
    WHERE workflow_uuid = ${`${id}/1`} AND function_name = ${step} AND output IS NOT NULL`.execute(db);
  return kept.rows.length === 1;
}

async function runRow() {
  return await db.selectFrom('run').selectAll().where('id', '=', id).executeTakeFirst();
}

async function rows() {
  const found = await db.selectFrom('run_step').selectAll().where('run_id', '=', id).orderBy('position').execute();
  return found.map((row) => [row.title, row.host, row.state, row.starts]);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come');
    await delay(20);
  }
}
