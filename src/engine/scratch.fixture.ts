import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { stopCluster } from './cluster.js';
import { type Db, openDatabase } from './database.js';

/** A state directory for the tests of a file, with its database; both are there from `beforeAll` to `afterAll`. */
export function scratchState(): { state: StateDirectory; db: Db } {
  const scratch = {} as { state: StateDirectory; db: Db };
  beforeAll(async () => {
    scratch.state = stateDirectory(mkdtempSync(join(tmpdir(), 'stackwright-')));
    // The user postgres must pass it.
    chmodSync(scratch.state.root, 0o755);
    scratch.db = await openDatabase(scratch.state);
  });
  afterAll(async () => {
    await scratch.db.destroy();
    await stopCluster(scratch.state);
    rmSync(scratch.state.root, { recursive: true });
  });
  return scratch;
}
