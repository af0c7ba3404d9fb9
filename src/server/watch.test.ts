import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { silentReporter } from '../base/events.js';
import type { MachineState } from '../engine/index.js';
import { scratchState } from '../engine/scratch.fixture.js';
import { listMachines } from '../inventory/index.js';
import { watchMachines } from './watch.js';

const scratch = scratchState();
afterEach(() => vi.unstubAllEnvs());

it('fails a machine that fell silent, and takes for up what ssh reaches', async () => {
  const { db, state } = scratch;
  const site = mkdtempSync(join(state.root, 'site-'));
  const bin = join(state.root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'ssh'), '#!/bin/sh\ncase "$*" in *" -- node1 true") exit 0 ;; *) exit 255 ;; esac\n', {
    mode: 0o755,
  });
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
  const machine = (name: string, values: { state: MachineState; heard_at?: Date }) => ({
    identity: name,
    name,
    host_name: name,
    host_keys: JSON.stringify(['ssh-ed25519 AAAA']),
    facts: '[]',
    variables: '{}',
    heard_at: new Date(Date.now() - 3600_000),
    ...values,
  });
  await db
    .insertInto('machine')
    .values([
      machine('node1', { state: 'installed' }),
      machine('node2', { state: 'installed' }),
      machine('node3', { state: 'installing' }),
      machine('node4', { state: 'installing', heard_at: new Date(Date.now() + 3600_000) }),
    ])
    .execute();
  const section = { name: 'SERVER', configDir: site, hwDir: site, logDir: site };
  const server = { host: '10.0.0.1', port: 8080, targetKernelLine: '', ramdiskOptions: {} };
  const end = new AbortController();

  const watching = watchMachines({ state, db, reporter: silentReporter, sites: [section], ...server }, 2, end.signal);
  const states = async () => (await listMachines(db)).map((one) => `${one.name} ${one.state}`);
  await vi.waitFor(
    async () => expect(await states()).toEqual(['node1 up', 'node2 installed', 'node3 failed', 'node4 installing']),
    { timeout: 30_000 },
  );
  end.abort();

  await watching;
});
