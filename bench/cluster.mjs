// The private PostgreSQL of a state directory that a bench has made.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Ends it, where it was started. */
export async function stopCluster(stateDirectory) {
  const file = join(stateDirectory, 'postgres', 'data', 'postmaster.pid');
  if (!existsSync(file)) return;
  process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 'SIGINT');
  for (let tries = 0; existsSync(file); tries++) {
    if (tries === 1200) throw new Error('PostgreSQL did not end within a minute');
    await delay(50);
  }
}
