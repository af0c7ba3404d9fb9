import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { clusterProcess, stopCluster } from './cluster.js';
import { openDatabase, storeEvent } from './database.js';

let state: StateDirectory;

beforeAll(() => {
  state = stateDirectory(mkdtempSync(join(tmpdir(), 'stackwright-')));
  // The user postgres must pass it.
  chmodSync(state.root, 0o755);
});

afterAll(async () => {
  await stopCluster(state);
  rmSync(state.root, { recursive: true });
});

it('makes, starts and migrates a private cluster once, however many ask at the same time', async () => {
  const databases = await Promise.all([openDatabase(state), openDatabase(state), openDatabase(state)]);

  for (const db of databases) {
    expect(await db.selectFrom('machine').selectAll().execute()).toEqual([]);
    await db.destroy();
  }
  expect(statSync(state.path('postgres', 'access.json')).mode & 0o777).toBe(0o600);
});

it('goes on after kill -9 of the database server', async () => {
  const db = await openDatabase(state);
  await storeEvent(db, { code: 'test.kept', level: 'info', message: 'kept', data: { answer: 42 } });
  const server = await clusterProcess(state);
  if (!server) throw new Error('the cluster does not run');
  process.kill(server.pid, 'SIGKILL');

  const again = await openDatabase(state);

  const events = await again.selectFrom('event').select(['code', 'data']).execute();
  expect(events).toEqual([{ code: 'test.kept', data: { answer: 42 } }]);
  await again.destroy();
  await db.destroy();
});
