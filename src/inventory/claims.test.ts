import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StackwrightEvent } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import type { Db } from '../engine/index.js';
import { scratchState } from '../engine/scratch.fixture.js';
import { registerMachine, reportFailure } from './claims.js';
import { parseCmdb } from './cmdb.js';
import { convertSite } from './convert.js';
import type { Fact } from './facts.js';
import { failSilent, findMachine, listMachines, setMachineState } from './machines.js';
import { machineByToken, touchBooting } from './tokens.js';

const scratch = scratchState();
let state: StateDirectory;
let db: Db;
let directory: string;
let events: StackwrightEvent[];
const reporter = { report: (event: StackwrightEvent) => void events.push(event) };

beforeEach(async () => {
  ({ state, db } = scratch);
  for (const table of ['event', 'record', 'profile', 'site_file', 'machine'] as const)
    await db.deleteFrom(table).execute();
  directory = mkdtempSync(join(state.root, 'site-'));
  events = [];
  write({
    state: "[('hp', 2), ('vm', '*')]\n",
    'hp.specs': "[('system', 'product', 'vendor', 'HP'), ('network', '$eth', 'serial', '$mac')]",
    'hp.configure': '',
    'hp.cmdb': "generate({'ip': '10.0.0.1-3'})\n",
    'vm.specs': "[('disk', '$disk', 'size', 'gt(4)')]",
    'vm.configure': '',
  });
});

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}

const read = (name: string) => readFileSync(join(directory, name), 'utf8');
const mac = (number: number) => `52:54:00:00:00:${number.toString(16).padStart(2, '0')}`;

function hp(number: number): Fact[] {
  return [
    ['system', 'product', 'vendor', 'HP'],
    ['system', 'product', 'uuid', `30373237-3132-4D32-3231-${String(number).padStart(12, '0')}`],
    ['network', 'eth0', 'serial', mac(number)],
  ];
}

function vm(number: number): Fact[] {
  return [
    ['disk', 'vda', 'size', '8'],
    ['network', 'eth0', 'serial', mac(number)],
  ];
}

const register = (facts: Fact[], options = {}) => registerMachine(db, directory, facts, reporter, options);

describe('a registration', () => {
  it('claims a profile and an entry, and shows both in the files', async () => {
    const result = await register(hp(1), { hwDirectory: join(directory, 'hw') });

    expect(result).toMatchObject({
      outcome: 'matched',
      profile: { name: 'hp' },
      variables: { eth: 'eth0', mac: mac(1), ip: '10.0.0.1', used: 1 },
      machine: { state: 'matched', profile: 'hp', identity: '30373237-3132-4d32-3231-000000000001' },
    });
    expect(read('state')).toBe("[('hp', 1), ('vm', '*')]\n");
    expect(read('hp.cmdb')).toBe(`[
 {'eth': 'eth0', 'ip': '10.0.0.1', 'mac': '52:54:00:00:00:01', 'used': 1},
 {'ip': '10.0.0.2'},
 {'ip': '10.0.0.3'}
]
`);
    expect(read('hp.cmdb.orig')).toBe("generate({'ip': '10.0.0.1-3'})\n");
    expect(statSync(join(directory, 'hw', '52-54-00-00-00-01.hw')).mode & 0o777).toBe(0o600);
    expect(events.map(({ code }) => code)).toEqual([
      'inventory.site.read',
      'inventory.machine.discovered',
      'inventory.machine.matched',
    ]);
  });

  it('gives a machine that comes again the same, and decrements once', async () => {
    await register(hp(1));
    await register(hp(2));

    const again = await register(hp(1));

    expect(again).toMatchObject({ outcome: 'matched', variables: { ip: '10.0.0.1' } });
    expect(read('state')).toBe("[('hp', 0), ('vm', '*')]\n");
    expect(await listMachines(db)).toHaveLength(2);
  });

  it('is shown in YAML where the site is written in it', async () => {
    rmSync(join(directory, 'state'));
    rmSync(join(directory, 'hp.cmdb'));
    write({
      'state.yaml': '- {profile: hp, count: 2}\n',
      'hp.cmdb.yaml': 'generate: {ip: 10.0.0.1-2}\n',
    });

    await register(hp(1));
    await register(hp(2));

    expect(read('state.yaml')).toBe('- profile: hp\n  count: 0\n');
    expect(parseCmdb(read('hp.cmdb.yaml'), 'hp.cmdb.yaml').entries).toMatchObject([
      { ip: '10.0.0.1', mac: mac(1), used: 1 },
      { ip: '10.0.0.2', mac: mac(2), used: 1 },
    ]);
    expect(read('hp.cmdb.yaml.orig')).toBe('generate: {ip: 10.0.0.1-2}\n');
  });

  it('holds on when a person turns the files into the other form', async () => {
    await register(hp(1));
    await convertSite(directory, 'yaml');

    const again = await register(hp(1));
    const second = await register(hp(2));

    expect([again, second]).toMatchObject([{ variables: { ip: '10.0.0.1' } }, { variables: { ip: '10.0.0.2' } }]);
    expect(read('state.yaml')).toContain('- profile: hp\n  count: 0\n');
    expect(events.some(({ code }) => code === 'inventory.site.conflict')).toBe(false);
  });

  it('explains why no profile matches', async () => {
    await register(hp(1));
    await register(hp(2));

    const result = await register(hp(3));

    expect(result).toMatchObject({
      outcome: 'no-match',
      machine: { state: 'discovered' },
      explanations: [
        { profile: 'hp', reason: 'exhausted' },
        { profile: 'vm', reason: 'mismatch', file: join(directory, 'vm.specs'), line: 1, seen: [] },
      ],
    });
    expect(read('state')).toBe("[('hp', 0), ('vm', '*')]\n");
  });

  it('is out of records where every entry is used, and then takes no count', async () => {
    write({ 'vm.cmdb': "[{'ip': '1', 'used': 1}]" });

    const result = await register(vm(1));

    expect(result).toMatchObject({ outcome: 'out-of-records', profile: 'vm', machine: { state: 'discovered' } });
  });

  it('takes with $$ variables only the entry that has them', async () => {
    write({
      'vm.specs': "[('disk', '$disk', 'size', 'gt(4)'), ('network', '$eth', 'serial', '$$mac')]",
      'vm.cmdb': `[{'ip': '1'}, {'ip': '2', 'mac': '${mac(7)}'}]`,
    });

    const known = await register(vm(7));
    const unknown = await register(vm(8));

    expect(known).toMatchObject({ outcome: 'matched', variables: { ip: '2' } });
    expect(unknown).toMatchObject({ outcome: 'out-of-records', text: expect.stringContaining(mac(8)) });
  });

  it('says that an installed machine is installed, until it is set to discovered', async () => {
    const first = await register(hp(1));
    await setMachineState(db, first.machine.id, 'installed', 'reported', reporter);

    const again = await register(hp(1));
    await setMachineState(db, first.machine.id, 'discovered', 'to be installed again', reporter);
    const afterwards = await register(hp(1));

    expect(again).toMatchObject({ outcome: 'already-installed' });
    expect(afterwards).toMatchObject({ outcome: 'matched', variables: { ip: '10.0.0.1' } });
    expect(read('state')).toBe("[('hp', 1), ('vm', '*')]\n");
  });

  it('grants a hundred machines at once a hundred distinct entries', async () => {
    write({ state: "[('hp', 100)]", 'hp.cmdb': "generate({'ip': '10.0.0.1-100'})" });

    const results = await Promise.all(Array.from({ length: 105 }, (_, at) => register(hp(at))));

    const granted = results.flatMap((result) => (result.outcome === 'matched' ? [result.variables.ip] : []));
    expect(new Set(granted).size).toBe(100);
    expect(granted).toHaveLength(100);
    expect(results.filter(({ outcome }) => outcome === 'no-match')).toHaveLength(5);
    expect(read('state')).toBe("[('hp', 0)]\n");
    const shown = parseCmdb(read('hp.cmdb'), 'hp.cmdb').entries;
    expect(shown.filter(({ used }) => used === 1)).toHaveLength(100);
    const kept = await db.selectFrom('record').select('machine_id').where('machine_id', 'is not', null).execute();
    expect(kept).toHaveLength(100);
  });

  it('registers the same machine once, however often it asks at the same time', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, () => register(hp(1))));

    expect(new Set(results.map(({ machine }) => machine.id)).size).toBe(1);
    expect(read('state')).toBe("[('hp', 1), ('vm', '*')]\n");
  });
});

describe('a failed or retired machine', () => {
  it('gives its count back once and gets the same entry again', async () => {
    const first = await register(hp(1));
    await reportFailure(db, directory, { machineId: first.machine.id }, 'disk broken', reporter);
    await reportFailure(db, directory, { machineId: first.machine.id }, 'disk broken', reporter);

    expect(read('state')).toBe("[('hp', 2), ('vm', '*')]\n");
    expect(await findMachine(db, first.machine.id)).toMatchObject({ state: 'failed', reason: 'disk broken' });
    await register(hp(2));
    await setMachineState(db, first.machine.id, 'discovered', 'released', reporter);
    const again = await register(hp(1));
    expect(again).toMatchObject({ outcome: 'matched', variables: { ip: '10.0.0.1' } });
    expect(read('state')).toBe("[('hp', 0), ('vm', '*')]\n");
  });

  it('is not installed again when it comes back, until it is released', async () => {
    const { machine } = await register(hp(1));
    await reportFailure(db, directory, { machineId: machine.id }, 'disk broken', reporter);

    const touched = await touchBooting(db, { uuid: machine.identity }, 'token', reporter);
    const again = await register(hp(1));

    expect(touched.state).toBe('failed');
    expect(await machineByToken(db, 'token')).toBeUndefined();
    expect(again).toMatchObject({ outcome: 'held', text: expect.stringContaining('disk broken') });
    expect(await findMachine(db, machine.id)).toMatchObject({ state: 'failed', facts: hp(1) });
  });

  it('fails when nothing is heard of it in the middle of its installation', async () => {
    const silent = await register(hp(1));
    await touchBooting(db, { uuid: hp(2)[1]?.[3] }, 'token', reporter);
    const speaking = await register(hp(2), { token: 'token' });
    const { machine: done } = await register(vm(3));
    await setMachineState(db, done.id, 'installed', 'reported', reporter);
    await db
      .updateTable('machine')
      .set({ heard_at: new Date(Date.now() - 3600_000) })
      .execute();
    await machineByToken(db, 'token');

    await failSilent(db, 1800, reporter);
    await failSilent(db, 1800, reporter);

    const states = await Promise.all([silent.machine, speaking.machine, done].map(({ id }) => findMachine(db, id)));
    expect(states.map(({ state: one }) => one)).toEqual(['failed', 'matched', 'installed']);
    expect(read('state')).toBe("[('hp', 1), ('vm', '*')]\n");
    expect(events.filter(({ data }) => data.to === 'failed')).toMatchObject([
      { data: { by: 'server', reason: expect.stringContaining('for 1800 s') } },
    ]);
  });

  it('frees its entry as it was when it is retired', async () => {
    const first = await register(hp(1));
    await setMachineState(db, first.machine.id, 'retired', 'sold', reporter);

    expect(read('hp.cmdb')).toBe("[{'ip': '10.0.0.1'}, {'ip': '10.0.0.2'}, {'ip': '10.0.0.3'}]\n");
    expect(await register(hp(1))).toMatchObject({ outcome: 'held' });
    expect(await register(hp(2))).toMatchObject({ variables: { ip: '10.0.0.1', mac: mac(2) } });
  });

  it('cannot take a state that does not follow', async () => {
    const { machine } = await register(hp(1));
    await setMachineState(db, machine.id, 'installed', 'reported', reporter);
    await setMachineState(db, machine.id, 'up', 'ssh answers', reporter);

    await expect(setMachineState(db, machine.id, 'installing', 'x', reporter)).rejects.toMatchObject({
      code: 'MachineStateInvalid',
    });
    const stored = await db.selectFrom('event').select('data').where('code', '=', 'inventory.machine.state').execute();
    expect(stored.map(({ data }) => data.to)).toEqual(['installed', 'up']);
  });

  it('gives a count back where only the profile is known', async () => {
    await register(hp(1));

    await reportFailure(db, directory, { profile: 'hp' }, 'unknown machine', reporter);

    expect(read('state')).toBe("[('hp', 2), ('vm', '*')]\n");
  });
});

describe("a person's edit", () => {
  it('changes counts, adds entries and changes those that machines have', async () => {
    const { machine } = await register(hp(1));
    write({
      state: "[('vm', 3), ('hp', 9)] # more\n",
      'hp.cmdb': read('hp.cmdb')
        .replace("'10.0.0.1'", "'10.0.9.9'")
        .replace("{'ip': '10.0.0.3'}", "{'ip': '10.0.0.4'}"),
    });

    const second = await register(hp(2));

    expect(second).toMatchObject({ variables: { ip: '10.0.0.2' } });
    expect(read('state')).toBe("[('vm', 3), ('hp', 8)]\n");
    expect(await register(hp(1))).toMatchObject({ machine: { id: machine.id }, variables: { ip: '10.0.9.9' } });
    expect(parseCmdb(read('hp.cmdb'), '').entries.map(({ ip }) => ip)).toEqual(['10.0.9.9', '10.0.0.2', '10.0.0.4']);
    expect(events.some(({ code }) => code === 'inventory.site.conflict')).toBe(false);
  });

  it('cannot take away what a machine has: the claim is kept and a conflict reported', async () => {
    await register(hp(1));
    write({ 'hp.cmdb': "[{'ip': '10.0.0.2'}]\n" });

    await register(hp(2));

    expect(events.find(({ code }) => code === 'inventory.site.conflict')).toMatchObject({
      level: 'warn',
      data: { file: 'hp.cmdb', entry: expect.stringContaining("'ip': '10.0.0.1'") },
    });
    expect(parseCmdb(read('hp.cmdb'), '').entries).toMatchObject([
      { ip: '10.0.0.2', mac: mac(2), used: 1 },
      { ip: '10.0.0.1', mac: mac(1), used: 1 },
    ]);
  });

  it('that frees an entry which a machine has is a conflict too', async () => {
    await register(hp(1));
    write({ 'hp.cmdb': "[{'ip': '10.0.0.1'}, {'ip': '10.0.0.2'}]\n" });

    const second = await register(hp(2));

    expect(second).toMatchObject({ variables: { ip: '10.0.0.2' } });
    expect(events.filter(({ code }) => code === 'inventory.site.conflict')).toHaveLength(1);
    expect(parseCmdb(read('hp.cmdb'), '').entries[0]).toMatchObject({ ip: '10.0.0.1', mac: mac(1), used: 1 });
  });

  it('is refused with its place while it is wrong, and nothing changes', async () => {
    write({ 'hp.specs': "[('disk'" });

    await expect(register(hp(1))).rejects.toMatchObject({ code: 'SiteInvalid' });
    expect(await listMachines(db)).toEqual([]);
    expect(existsSync(join(directory, 'hp.cmdb.orig'))).toBe(false);
  });

  it('is not seen in what was being written when the power failed', async () => {
    await register(hp(1));
    const before = read('state');
    // The new content was announced, and the file not yet written: what is there is still ours.
    await db.updateTable('site_file').set({ writing_hash: 'announced' }).where('file', '=', 'state').execute();
    await db.updateTable('profile').set({ remaining: 1 }).where('name', '=', 'hp').execute();
    events = [];

    await register(hp(2));

    expect(before).toBe("[('hp', 1), ('vm', '*')]\n");
    expect(read('state')).toBe("[('hp', 0), ('vm', '*')]\n");
    expect(events.map(({ code }) => code)).not.toContain('inventory.site.read');
  });
});

describe('a token', () => {
  it('finds its machine until another one is given', async () => {
    const machine = await touchBooting(db, { mac: mac(1) }, 'first', reporter);
    await touchBooting(db, { mac: mac(1) }, 'second', reporter);

    expect(await machineByToken(db, 'second')).toMatchObject({ id: machine.id, state: 'discovered' });
    expect(await machineByToken(db, 'first')).toBeUndefined();
    await expect(register(hp(1), { token: 'first' })).rejects.toMatchObject({ code: 'TokenInvalid' });
  });

  it('makes the facts those of its machine, which then is known by its UUID', async () => {
    const booting = await touchBooting(db, { mac: mac(1) }, 'token', reporter);

    const result = await register(hp(1), { token: 'token' });

    expect(result.machine).toMatchObject({ id: booting.id, identity: '30373237-3132-4d32-3231-000000000001' });
    expect(await listMachines(db)).toHaveLength(1);
  });

  it('leads to the machine that has the UUID already', async () => {
    const known = await register(hp(1));
    await touchBooting(db, { mac: mac(1) }, 'token', reporter);

    const result = await register(hp(1), { token: 'token' });

    expect(result).toMatchObject({
      outcome: 'matched',
      machine: { id: known.machine.id },
      variables: { ip: '10.0.0.1' },
    });
    expect(await machineByToken(db, 'token')).toMatchObject({ id: known.machine.id });
    expect(await listMachines(db)).toHaveLength(1);
  });

  it('is not given to a machine that is installed', async () => {
    const { machine } = await register(hp(1));
    await setMachineState(db, machine.id, 'installed', 'reported', reporter);

    const touched = await touchBooting(db, { uuid: machine.identity.toUpperCase() }, 'token', reporter);

    expect(touched).toMatchObject({ id: machine.id, state: 'installed' });
    expect(await machineByToken(db, 'token')).toBeUndefined();
  });
});

it('lists the machines that a filter lets pass', async () => {
  const { machine } = await register(hp(1));
  await register(vm(2));
  await setMachineState(db, machine.id, 'installing', 'profile hp', reporter);

  const found = await listMachines(db, { state: 'installing', profile: 'hp', site: directory });

  expect(found.map(({ id }) => id)).toEqual([machine.id]);
  expect(await listMachines(db, { profile: 'hp', state: 'up' })).toEqual([]);
});

it('finds a machine by name, id or identity, and says when several have a name', async () => {
  const { machine } = await register(hp(1));
  await register([...hp(2), ['system', 'product', 'serial', 'SAME']]);
  await register([...hp(3), ['system', 'product', 'serial', 'SAME']]);

  expect(await findMachine(db, machine.name)).toMatchObject({ id: machine.id });
  expect(await findMachine(db, machine.identity.toUpperCase())).toMatchObject({ id: machine.id });
  await expect(findMachine(db, 'SAME')).rejects.toMatchObject({ code: 'MachineAmbiguous' });
  await expect(findMachine(db, 'nobody')).rejects.toMatchObject({ code: 'MachineUnknown' });
});
