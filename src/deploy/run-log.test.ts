import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { silentReporter } from '../base/events.js';
import { executeRun } from '../engine/index.js';
import { scratchState } from '../engine/scratch.fixture.js';
import { runLog } from './run-log.js';

const scratch = scratchState();

/** A run of one step, which waits to be let go. */
function startRun(id: string, reporter = silentReporter): { letGo(): void; ended: Promise<unknown> } {
  const { state, db } = scratch;
  let letGo = () => {};
  const gate = new Promise<undefined>((resolve) => {
    letGo = () => resolve(undefined);
  });
  const directory = state.path('runs', id);
  mkdirSync(directory, { recursive: true });
  const steps = [{ id: 'wait@a', title: 'wait', host: 'a', work: () => gate }];
  const run = { id, directory, plan: {}, stages: [{ title: 'one', steps }] };
  return { letGo, ended: executeRun({ state, db, reporter, run }) };
}

async function messages(events: AsyncIterable<{ message: string }>): Promise<string[]> {
  const all: string[] = [];
  for await (const { message } of events) all.push(message.replace(/[\d.]+ s\b/, '… s'));
  return all;
}

it('follows a run to its end, and tells a finished one from its beginning', async () => {
  const { letGo, ended } = startRun('followed');
  await expect
    .poll(async () => messages(runLog(scratch.db, 'followed')).catch(() => []), { timeout: 30_000 })
    .toContain('a: wait');

  const following = messages(runLog(scratch.db, 'followed', { follow: true }));
  letGo();
  await ended;

  const told = await following;
  expect(told).toContain('a: wait: done in … s');
  expect(told.at(-1)).toBe('run followed: done after … s');
  expect(await messages(runLog(scratch.db))).toEqual(told);
});

it('is what the terminal was told, where everything is told once', async () => {
  const told: string[] = [];
  const reporter = { report: ({ message }: { message: string }) => told.push(message) };
  const { letGo, ended } = startRun('told', reporter);
  await expect.poll(async () => messages(runLog(scratch.db, 'told')).catch(() => [])).toContain('a: wait');
  // A look at what workers have reported finds what this process has stored itself.
  await delay(1500);
  letGo();
  await ended;

  const shown = told.map((message) => message.replace(/[\d.]+ s\b/, '… s'));
  expect(shown.sort()).toEqual((await messages(runLog(scratch.db, 'told'))).sort());
});

it('does not know a run that nobody has started', async () => {
  await expect(messages(runLog(scratch.db, 'nobody'))).rejects.toMatchObject({ code: 'RunUnknown' });
});
