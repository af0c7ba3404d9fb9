// A rack of several machines at once, of two profiles, over BIOS and UEFI; what goes wrong in one, and what must not.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, makeState, removeState, start, until } from '../e2e/rig.js';

interface Node {
  id: string;
  identity: string;
  state: string;
  reason: string | null;
  profile: string | null;
  role: string | null;
  host_name: string | null;
  events: { code: string; message: string }[];
}

const here = new URL('.', import.meta.url).pathname;
const canRun = process.getuid?.() === 0;

describe.skipIf(!canRun)('a rack', () => {
  let state: string;
  let site: string;
  /** UUIDs of the machines by their names. */
  const uuids: Record<string, string> = {};
  const consoleOf = (machine: string) => {
    const file = join(state, 'lab/lab/machines', machine, 'console.log');
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  };
  const nodes = () => json<Node[]>(state, 'node', 'list');
  const node = async (machine: string) => (await nodes()).find(({ identity }) => identity === uuids[machine]);
  const labUp = (...flags: string[]) => json(state, 'lab', 'up', '--site', site, '--silence', '120', ...flags);
  const powerOn = async (machine: string, ...flags: string[]) => {
    const { uuid } = await json<{ uuid: string }>(state, 'lab', 'power-on', machine, ...flags);
    uuids[machine] = uuid;
  };
  const powerOff = (machine: string) => json(state, 'lab', 'power-off', machine);
  /** The server sees by itself that a machine is up. */
  const isInstalled = async (machine: string) => ['installed', 'up'].includes((await node(machine))?.state ?? '');

  beforeAll(async () => {
    state = makeState();
    site = join(state, 'site');
    cpSync(join(here, 'rack-site'), site, { recursive: true });
    const named = ['--role', 'rack', '--version', 'D12-F.1.0.0'];
    const built = await start(state, [
      'image',
      'build',
      '--elements-path',
      join(here, 'elements'),
      ...named,
      'rack-role',
    ]).ended;
    expect(built.stderr).not.toContain('error');
    await labUp('--machines', '2');
  });

  afterAll(() => removeState(state));

  it('installs machines of two profiles at once, one by UEFI on RAID and LVM, through a kill -9 of the server', async () => {
    await powerOn('wide', '--firmware', 'uefi', '--disks', '2', '--disk', '3');
    await powerOn('node1', '--disk', '3');
    await powerOn('node2', '--disk', '3');
    await powerOn('tiny', '--disk', '1');

    // Pulled in the middle of the copy; nobody hears of it again.
    await until(() => /copied \d+ %/.test(consoleOf('node2')));
    await powerOff('node2');
    await until(() => /copied \d+ %/.test(consoleOf('wide')));
    const { server } = JSON.parse(readFileSync(join(state, 'lab/lab/lab.json'), 'utf8'));
    process.kill(server.pid, 'SIGKILL');
    await labUp('--machines', '2');

    await until(() => isInstalled('wide'));
    await until(() => isInstalled('node1'));
    expect(await node('wide')).toMatchObject({ profile: 'mirror', role: 'rack', host_name: 'mirror1' });
    expect(await node('node1')).toMatchObject({ profile: 'plain', role: 'rack' });
  });

  it('tells of the copy in percent', async () => {
    const { events } = await json<Node>(state, 'node', 'show', uuids.wide ?? '');

    const copies = events.filter(
      ({ code, message }) => code === 'server.machine.progress' && / copy \d+ %/.test(message),
    );
    expect(copies.length).toBeGreaterThan(2);
  });

  it('leaves a machine that matches nothing alone, and shows why', async () => {
    await until(async () => (await node('tiny'))?.reason != null);

    const machine = await node('tiny');
    expect(machine).toMatchObject({ state: 'discovered', profile: null });
    expect(machine?.reason).toContain("plain.specs:2 ('disk', '$disk', 'size', 'ge(2)')");
    await powerOff('tiny');
  });
});
