import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { run } from '../base/command.js';
import { messageOf } from '../base/errors.js';
import {
  failSilent,
  followSite,
  listMachines,
  type Machine,
  setMachineState,
  sshConfigFile,
} from '../inventory/index.js';
import type { ServerSettings } from './app.js';
import { reportServer } from './events.js';

const LOOK_SECONDS = 15;
/** A machine that has not come up for so long is no longer asked. */
const HOPE_MS = 24 * 3600 * 1000;

/**
 * Watches until `signal` is aborted: people's changes of the sites, machines that fall silent in the
 * middle of an installation (they fail after `silence` seconds), installed machines that answer ssh
 * with the host key of their installation (they are up).
 */
export async function watchMachines(settings: ServerSettings, silence: number, signal: AbortSignal): Promise<void> {
  const { db, reporter } = settings;
  // Nobody was heard while no server ran.
  const listeningSince = Date.now();
  const directories = new Set(settings.sites.map(({ configDir }) => configDir));
  const followed = [...directories].map((directory) => followSite(db, directory, reporter));
  try {
    while (!signal.aborted) {
      await delay(Math.min(LOOK_SECONDS, silence / 4) * 1000, undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      try {
        if (Date.now() - listeningSince > silence * 1000) await failSilent(db, silence, reporter);
        await findUp(settings, signal);
      } catch (error) {
        // The database may be restarting.
        reportServer(reporter, {
          code: 'server.watch.failed',
          level: 'warn',
          message: `the machines could not be looked at: ${messageOf(error)}`,
          data: { error: messageOf(error) },
        });
      }
    }
  } finally {
    for (const one of followed) await one[Symbol.asyncDispose]();
  }
}

async function findUp(settings: ServerSettings, signal: AbortSignal): Promise<void> {
  const { state, db, reporter } = settings;
  const installed = await listMachines(db, { state: 'installed' });
  const hoped = installed.filter((machine) => Date.now() - machine.updated_at.getTime() < HOPE_MS);
  const atOnce = pLimit(10);
  const ask = async (machine: Machine) => {
    if (signal.aborted || machine.host_name === null || machine.host_keys.length === 0) return;
    const options = ['-F', sshConfigFile(state), '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=3'];
    const words = [...options, '--', machine.host_name, 'true'];
    const { status } = await run('ssh', words, { okStatuses: [0, 1, 255], timeout: 10 }).catch(() => ({ status: -1 }));
    // It may have been given another task meanwhile.
    if (status !== 0 || (await listMachines(db, { id: machine.id, state: 'installed' })).length === 0) return;
    await setMachineState(db, machine.id, 'up', 'answers ssh with its pinned host key', reporter);
  };
  await Promise.all(hoped.map((machine) => atOnce(() => ask(machine))));
}
