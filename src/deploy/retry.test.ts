import { mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { silentReporter } from '../base/events.js';
import { executeRun } from '../engine/index.js';
import { scratchState } from '../engine/scratch.fixture.js';
import { stepsFrom } from './retry.js';

const scratch = scratchState();
const done: string[] = [];

const stages = [
  ['one@a', 'one@b'],
  ['two@a', 'two@b'],
  ['three@a', 'three@b'],
].map((ids) => ({
  title: 'stage',
  steps: ids.map((id) => ({
    id,
    title: id,
    host: id.slice(-1),
    work: async () => {
      done.push(id);
      return id;
    },
  })),
}));

async function execute(id: string, repeat?: ReadonlySet<string>): Promise<string[]> {
  const { state, db } = scratch;
  const directory = state.path('runs', id);
  mkdirSync(directory, { recursive: true });
  done.length = 0;
  const run = { id, directory, plan: {}, stages };
  const outcome = await executeRun({ state, db, reporter: silentReporter, run, repeat });
  expect(outcome.failures).toEqual([]);
  return [...done].sort();
}

it('does the steps again from one on, on one host or on all, and no other', async () => {
  expect(await execute('again')).toHaveLength(6);

  expect(await execute('again')).toEqual([]);
  expect(await execute('again', stepsFrom(stages, { from: 'two' }))).toEqual(['three@a', 'three@b', 'two@a', 'two@b']);
  expect(await execute('again', stepsFrom(stages, { from: 'two@b', host: 'b' }))).toEqual(['three@b', 'two@b']);
  expect(await execute('again')).toEqual([]);
});

it.each([
  [{ from: 'four' }, 'the run has no step four'],
  [{ from: 'two', host: 'c' }, 'the run has nothing to do on c from two on'],
])('says that there is nothing to do again: %j', (wanted, message) => {
  expect(() => stepsFrom(stages, wanted)).toThrow(
    expect.objectContaining({
      code: 'StepUnknown',
      message,
      details: expect.objectContaining({ hint: 'its steps are one, two, three' }),
    }),
  );
});
