import Table from 'cli-table3';
import { type Db, openDatabase } from '../../engine/index.js';
import { findMachine, listEvents, listMachines, type Machine, setMachineState } from '../../inventory/index.js';
import { type CliContext, command } from '../context.js';
import type { NodeFlags, NodeListFlags } from './node.js';

export async function nodeList(this: CliContext, flags: NodeListFlags): Promise<void> {
  await withDatabase(this, flags, async (db) => {
    const machines = (await listMachines(db)).filter(({ state }) => flags.state === undefined || state === flags.state);
    if (flags.json) this.printJson(machines.map(withoutToken));
    else this.print(table(machines));
  });
}

export async function nodeShow(this: CliContext, flags: NodeFlags, wanted: string): Promise<void> {
  await withDatabase(this, flags, async (db) => {
    const machine = await findMachine(db, wanted);
    const events = (await listEvents(db, 50, machine.id)).reverse();
    if (flags.json) this.printJson({ ...withoutToken(machine), events });
    else this.print(describe(machine, events));
  });
}

export async function nodeReinstall(this: CliContext, flags: NodeFlags, wanted: string): Promise<void> {
  await withDatabase(this, flags, async (db) => {
    const { id } = await findMachine(db, wanted);
    const machine = await setMachineState(
      db,
      id,
      'discovered',
      'an operator asked for reinstallation',
      this.reporter(flags),
    );
    if (flags.json) this.printJson(withoutToken(machine));
  });
}

async function withDatabase(context: CliContext, flags: NodeFlags, work: (db: Db) => Promise<void>): Promise<void> {
  await command(context, flags.json, async () => {
    const db = await openDatabase(await context.openState(context.reporter(flags)));
    try {
      await work(db);
    } finally {
      await db.destroy();
    }
  });
}

function withoutToken({ token_hash: _hash, ...machine }: Machine): Omit<Machine, 'token_hash'> {
  return machine;
}

function table(machines: Machine[]): string {
  const head = ['host', 'state', 'profile', 'role', 'address', 'machine', 'why'];
  const rows = new Table({
    head,
    style: { head: [], border: [] },
    colWidths: [null, null, null, null, null, null, 60],
    wordWrap: true,
  });
  for (const machine of machines) {
    const role = machine.role ? `${machine.role} ${machine.role_version}` : '';
    rows.push([
      machine.host_name ?? '',
      machine.state,
      machine.profile ?? '',
      role,
      machine.address ?? '',
      machine.name,
      machine.reason ?? '',
    ]);
  }
  return rows.toString();
}

function describe(machine: Machine, events: { time: Date; level: string; message: string }[]): string {
  const lines = [
    `${machine.host_name ?? machine.name}: ${machine.state}${machine.reason ? ` (${machine.reason})` : ''}`,
    `  identity  ${machine.identity}`,
    `  name      ${machine.name}`,
    `  profile   ${machine.profile ?? '-'}`,
    `  role      ${machine.role ? `${machine.role} ${machine.role_version}` : '-'}`,
    `  address   ${machine.address ?? '-'}`,
    '',
    'variables',
    ...Object.entries(machine.variables).map(([name, value]) => `  ${name} = ${JSON.stringify(value)}`),
    '',
    'host keys',
    ...machine.host_keys.map((key) => `  ${key}`),
    '',
    'facts',
    ...machine.facts.map((fact) => `  ${fact.join(' ')}`),
    '',
    'events',
    ...events.map(({ time, level, message }) => `  ${time.toISOString()} ${level.padEnd(5)} ${message}`),
  ];
  return lines.join('\n');
}
