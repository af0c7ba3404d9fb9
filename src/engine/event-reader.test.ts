import { beforeAll, expect, it } from 'vitest';
import { type Db, storeEvent } from './database.js';
import { eventReader } from './event-reader.js';
import { scratchState } from './scratch.fixture.js';

const scratch = scratchState();

async function store(message: string, db: Db = scratch.db): Promise<void> {
  await storeEvent(db, { code: 'run.started', level: 'info', message, data: {} }, { runId: 'read' });
}

beforeAll(async () => {
  const run = { id: 'read', state: 'running' as const, directory: '/nowhere', plan: '{}', error: null };
  await scratch.db.insertInto('run').values(run).execute();
});

it('answers what was stored late, and nothing twice', async () => {
  const read = eventReader(scratch.db, 'read');
  const messages = async () => (await read()).map(({ message }) => message);
  await store('first');
  await scratch.db.transaction().execute(async (db) => {
    await store('second', db);
    await store('third');
    expect(await messages()).toEqual(['first', 'third']);
  });

  // Its number is smaller than that of the third, which was there before it.
  expect(await messages()).toEqual(['second']);
  expect(await messages()).toEqual([]);
});
