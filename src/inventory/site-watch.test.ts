import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { StackwrightEvent } from '../base/events.js';
import { scratchState } from '../engine/scratch.fixture.js';
import { registerMachine } from './claims.js';
import { followSite } from './site-watch.js';

const scratch = scratchState();

it("names a conflict and a mistake in a person's edit when it is made", async () => {
  const { db, state } = scratch;
  const directory = mkdtempSync(join(state.root, 'site-'));
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  write('state', "[('vm', 3)]\n");
  write('vm.specs', "[('network', '$eth', 'serial', '$mac')]\n");
  write('vm.configure', '');
  write('vm.cmdb', "[{'ip': '10.0.0.1'}, {'ip': '10.0.0.2'}]\n");
  const events: StackwrightEvent[] = [];
  const reporter = { report: (event: StackwrightEvent) => void events.push(event) };
  const codes = () => events.map(({ code }) => code);
  await registerMachine(db, directory, [['network', 'eth0', 'serial', '52:54:00:00:00:01']], reporter);
  await using _followed = followSite(db, directory, reporter);

  write('vm.cmdb', "[{'ip': '10.0.0.2'}]\n");
  await vi.waitFor(() => expect(codes()).toContain('inventory.site.conflict'), { timeout: 30_000 });
  await vi.waitFor(() => expect(readFileSync(join(directory, 'vm.cmdb'), 'utf8')).toContain('10.0.0.1'), 30_000);
  write('vm.specs', '[\n broken');
  await vi.waitFor(() => expect(codes()).toContain('inventory.site.wrong'), { timeout: 30_000 });
  write('vm.specs', '[]\n');
  write('state', "[('vm', 7)]\n");
  const remaining = () => db.selectFrom('profile').select('remaining').where('site', '=', directory).execute();
  await vi.waitFor(async () => expect(await remaining()).toEqual([{ remaining: 7 }]), { timeout: 30_000 });

  expect(events.find(({ code }) => code === 'inventory.site.wrong')?.data.reason).toContain('vm.specs:2');
  expect(codes().filter((code) => code === 'inventory.site.wrong')).toHaveLength(1);
});
