// What the tests of racks share: a state directory with the role, a rack, and how its machines are asked.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { json, makeState, removeState, start, until } from '../e2e/rig.js';

export interface Node {
  id: string;
  identity: string;
  state: string;
  reason: string | null;
  profile: string | null;
  role: string | null;
  host_name: string | null;
  address: string | null;
  facts: [string, string, string, string][];
  events: { code: string; message: string }[];
}

interface LabRecord {
  namespace: string;
  server: { pid: number };
  machines: { name: string; uuid: string; serial: string; mac: string }[];
}

export interface Rack {
  state: string;
  /** Brings the rack up with these flags, or what of it is down. */
  up(...flags: string[]): Promise<void>;
  record(): LabRecord;
  machine(name: string): LabRecord['machines'][number];
  powerOn(machine: string, ...flags: string[]): Promise<void>;
  powerOff(machine: string): Promise<void>;
  /** What a machine has written since it was last powered on. */
  console(machine: string): string;
  /** Waits until a machine has got into this state since it was last powered on. */
  becomes(machine: string, state: 'installed' | 'failed'): Promise<void>;
  /** From now on `becomes` waits for what comes: for a machine that something else powers on. */
  listen(machine: string): void;
  /** A machine with its events. */
  node(machine: string): Promise<Node>;
  remove(): Promise<void>;
}

const here = new URL('.', import.meta.url).pathname;

/**
 * A state directory with the role and the site of the rack's tests. To run one test again and again name a directory with
 * `STACKWRIGHT_TEST_STATE`: it is used and kept.
 */
export async function makeRack(...flags: string[]): Promise<Rack> {
  const kept = process.env.STACKWRIGHT_TEST_STATE;
  const state = kept ?? makeState();
  const site = join(state, 'site');
  if (!existsSync(site)) cpSync(join(here, 'rack-site'), site, { recursive: true });
  if (!existsSync(join(state, 'roles/rack'))) await buildRole(state);
  const rack = rackOf(state, site, kept !== undefined);
  await rack.up(...flags);
  return rack;
}

async function buildRole(state: string): Promise<void> {
  const named = ['--role', 'rack', '--version', 'D12-F.1.0.0'];
  const elements = ['--elements-path', join(here, 'elements')];
  const { status, stderr } = await start(state, ['image', 'build', ...elements, ...named, 'rack-role']).ended;
  if (status !== 0) throw new Error(stderr.slice(-4000));
}

function rackOf(state: string, site: string, keep: boolean): Rack {
  const lab = (...names: string[]) => join(state, 'lab/lab', ...names);
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'latin1') : '');
  const serverLog = () => read(lab('server.log'));
  /** How much the server had said when a machine was powered on. */
  const heard = new Map<string, number>();
  const record = () => JSON.parse(read(lab('lab.json'))) as LabRecord;
  const machineOf = (name: string) => {
    const machine = record().machines.find((one) => one.name === name);
    if (!machine) throw new Error(`the rack has no ${name}`);
    return machine;
  };
  const listen = (machine: string) => {
    heard.set(machine, serverLog().length);
  };
  const powerOff = (machine: string) => json<void>(state, 'lab', 'power-off', machine);
  const console = (machine: string) => read(lab('machines', machine, 'console.log'));
  return {
    state,
    record,
    machine: machineOf,
    listen,
    powerOff,
    console,
    async up(...flags) {
      await json(state, 'lab', 'up', '--site', site, ...flags);
    },
    async powerOn(machine, ...flags) {
      listen(machine);
      await json(state, 'lab', 'power-on', machine, ...flags);
    },
    // Not asked of the inventory: a command each time would cost as much as the installation.
    async becomes(machine, wanted) {
      const said = (what: string) =>
        serverLog()
          .slice(heard.get(machine))
          .includes(`-${machineOf(machine).serial} is ${what}`);
      await until(() => {
        if (wanted !== 'failed' && said('failed')) {
          throw new Error(`${machine} failed:\n${console(machine).slice(-3000)}`);
        }
        return said(wanted);
      });
    },
    node: (machine) => json(state, 'node', 'show', machineOf(machine).uuid),
    async remove() {
      if (!keep) return removeState(state);
      for (const machine of heard.keys()) await powerOff(machine);
    },
  };
}
