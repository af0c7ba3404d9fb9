import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import Table from 'cli-table3';
import type { StateDirectory } from '../../base/state.js';
import { type Db, openDatabase } from '../../engine/index.js';
import {
  deriveFacts,
  findMachine,
  listEvents,
  listMachines,
  type Machine,
  type OperatorAction,
  operate,
  publicMachine,
  type StoredEvent,
} from '../../inventory/index.js';
import { powerStatus, switchPower } from '../../power/index.js';
import { type CliContext, command } from '../context.js';
import type { NodeChangeFlags, NodeFlags, NodeListFlags, NodePowerFlags } from './node.js';

export async function nodeList(this: CliContext, flags: NodeListFlags): Promise<void> {
  await withDatabase(this, flags, async (db) => {
    const { state, profile, role, site } = flags;
    const machines = await listMachines(db, { state, profile, role, site: site && resolve(site) });
    if (flags.json) this.printJson(machines.map(publicMachine));
    else this.print(table(machines));
  });
}

export async function nodeShow(this: CliContext, flags: NodeFlags, wanted: string): Promise<void> {
  await withDatabase(this, flags, async (db) => {
    const machine = await findMachine(db, wanted);
    const events = (await listEvents(db, 50, machine.id)).reverse();
    if (flags.json) this.printJson({ ...publicMachine(machine), events });
    else this.print(describe(machine, events));
  });
}

export async function nodeDerive(this: CliContext, flags: NodeFlags, wanted?: string): Promise<void> {
  await withDatabase(this, flags, async (db) => {
    const machines = wanted === undefined ? await listMachines(db) : [await findMachine(db, wanted)];
    const changed: string[] = [];
    for (const { id } of machines) if (await deriveFacts(db, id, this.reporter(flags))) changed.push(id);
    if (flags.json) this.printJson({ changed });
    else this.print(`the facts of ${changed.length} of ${machines.length} machines have changed`);
  });
}

export async function nodeReinstall(this: CliContext, flags: NodeChangeFlags, wanted: string): Promise<void> {
  await change(this, flags, wanted, 'reinstall');
}

export async function nodeRelease(this: CliContext, flags: NodeChangeFlags, wanted: string): Promise<void> {
  await change(this, flags, wanted, 'release');
}

export async function nodeHold(this: CliContext, flags: NodeChangeFlags, wanted: string): Promise<void> {
  await change(this, flags, wanted, 'hold');
}

export async function nodeRetire(this: CliContext, flags: NodeChangeFlags, wanted: string): Promise<void> {
  await change(this, flags, wanted, 'retire');
}

export async function nodePowerOn(this: CliContext, flags: NodePowerFlags, wanted: string): Promise<void> {
  await power(this, flags, wanted, 'on');
}

export async function nodePowerOff(this: CliContext, flags: NodePowerFlags, wanted: string): Promise<void> {
  await power(this, flags, wanted, 'off');
}

export async function nodePowerCycle(this: CliContext, flags: NodePowerFlags, wanted: string): Promise<void> {
  await power(this, flags, wanted, 'cycle');
}

export async function nodePowerStatus(this: CliContext, flags: NodePowerFlags, wanted: string): Promise<void> {
  await power(this, flags, wanted, 'status');
}

async function power(
  context: CliContext,
  flags: NodePowerFlags,
  wanted: string,
  action: 'on' | 'off' | 'cycle' | 'status',
): Promise<void> {
  await withDatabase(context, flags, async (db, state) => {
    const machine = await findMachine(db, wanted);
    const options = { state, db, reporter: context.reporter(flags), machine };
    const status =
      action === 'status' ? await powerStatus(options) : await switchPower({ ...options, action, boot: flags.boot });
    if (flags.json) context.printJson({ machine: machine.id, power: status });
    else if (action === 'status') context.print(status);
  });
}

async function change(
  context: CliContext,
  flags: NodeChangeFlags,
  wanted: string,
  action: OperatorAction,
): Promise<void> {
  await withDatabase(context, flags, async (db) => {
    const why = { reason: flags.reason, by: operator() };
    const machine = await operate(db, wanted, action, why, context.reporter(flags));
    if (flags.json) context.printJson(publicMachine(machine));
  });
}

/** Who is at the keyboard: with sudo, the person who called it. */
function operator(): string {
  return `operator ${process.env.SUDO_USER ?? userInfo().username}`;
}

async function withDatabase(
  context: CliContext,
  flags: NodeFlags,
  work: (db: Db, state: StateDirectory) => Promise<void>,
): Promise<void> {
  await command(context, flags.json, async () => {
    const state = await context.openState(context.reporter(flags));
    const db = await openDatabase(state);
    try {
      await work(db, state);
    } finally {
      await db.destroy();
    }
  });
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

function describe(machine: Machine, events: StoredEvent[]): string {
  const files = events.flatMap(({ code, data }) => (code === 'server.machine.log' ? String(data.file) : []));
  const lines = [
    `${machine.host_name ?? machine.name}: ${machine.state}${machine.reason ? ` (${machine.reason})` : ''}`,
    `  identity  ${machine.identity}`,
    `  name      ${machine.name}`,
    `  profile   ${machine.profile ?? '-'}`,
    `  role      ${machine.role ? `${machine.role} ${machine.role_version}` : '-'}`,
    `  address   ${machine.address ?? '-'}`,
    `  heard     ${machine.heard_at?.toISOString() ?? '-'}`,
    ...[...new Set(files)].map((file) => `  log       ${file}`),
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
