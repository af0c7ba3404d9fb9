// The whole way, from elements to a service that answers, as a user goes it; killed at several stations, and gone on.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, killWhen, leftovers, makeState, removeState, ssh, start, until } from './rig.js';

interface Node {
  id: string;
  identity: string;
  name: string;
  state: string;
  reason: string | null;
  profile: string | null;
  host_keys: string[];
  events: { code: string; message: string }[];
}

interface Step {
  title: string;
  state: string;
  starts: number;
}

interface Lab {
  namespace: string;
  parts: { part: string; running: boolean }[];
}

const canRun = process.getuid?.() === 0;

describe.skipIf(!canRun)('the way of a machine', () => {
  let state: string;
  let site: string;
  let lab: Lab;
  const path = (...names: string[]) => join(state, ...names);
  const read = (...names: string[]) => readFileSync(path(...names), 'utf8');
  const consoleOf = (machine: string) => readIfExists(path('lab/lab/machines', machine, 'console.log'));
  const nodes = () => json<Node[]>(state, 'node', 'list');
  const node = async (identity: string) => (await nodes()).find((one) => one.identity === identity);
  const serverLog = () => readIfExists(path('lab/lab/server.log'));
  const powerOn = (name: string, ...flags: string[]) =>
    json<{ uuid: string }>(state, 'lab', 'power-on', name, ...flags);

  beforeAll(() => {
    state = makeState();
    site = path('quickstart/site');
  });

  afterAll(() => removeState(state));

  it('is taken up again after kill -9 in the build of the image', async () => {
    const first = start(state, ['quickstart', '--json']);

    await killWhen(first, () => first.events.some(({ code }) => code === 'image.script.started'));

    const left = start(state, ['quickstart', '--json']);
    await until(() => left.events.some(({ code }) => code === 'image.phase.started'));
    expect(left.events[0]).toMatchObject({ code: 'state.swept' });
    // Goes on in the next test: the role is published, the machine installs.
    await killWhen(left, () => serverLog().includes('"station":"copy"'));
  });

  it('is taken up again after kill -9 of command and server while the role is copied', async () => {
    const { server } = JSON.parse(read('lab/lab/lab.json'));
    process.kill(server.pid, 'SIGKILL');

    const next = start(state, ['quickstart', '--json']);
    await until(() => next.events.some(({ code, data }) => code === 'run.step.started' && isManifest(data.title)));

    expect(next.events.find(({ code }) => code === 'lab.part.restarted')).toMatchObject({ data: { part: 'server' } });
    expect(next.events.filter(({ code }) => code === 'image.build.started')).toEqual([]);
    await killWhen(next, async () => (await ssh(state, 'node1', 'pgrep -f "[p]uppet apply"')).status === 0);
  });

  it('finishes a deployment that was killed in a manifest without repeating finished steps', async () => {
    const outcome = await json<{ state: string; steps: Step[] }>(state, 'deploy', 'resume');

    expect(outcome.state).toBe('done');
    expect(outcome.steps.length).toBeGreaterThan(5);
    for (const { title, state: stepState, starts } of outcome.steps) {
      expect([title, stepState, starts]).toEqual([title, 'done', isManifest(title) ? 2 : 1]);
    }
  });

  it('prints what came of it, and builds and installs nothing again', async () => {
    const { status, stdout, stderr } = await start(state, ['quickstart']).ended;

    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    const uuid = (await nodes())[0]?.identity;
    expect(stdout).toContain(`machine    node1 (${uuid})`);
    expect(stdout).toContain('hardware   Stackwright Lab machine');
    expect(stdout).toContain('profile    lab');
    expect(stdout).toContain('role       quickstart D12-F.1.0.0');
    expect(stdout).toContain('address    10.77.0.11');
    expect(stdout).toMatch(/service {4}memcached on 10\.77\.0\.11:11211: version 1\.\S+, stored and fetched a value/);
    expect(stdout).toMatch(/seconds {4}role \S+, ramdisk \S+, rack \S+, install \S+, firstboot \S+, deploy \S+, check/);
    expect(stdout).toContain(`log in     ssh -F ${path('ssh/config')} node1`);
    expect(stdout).toContain('remove     stackwright lab down');
  });

  it('keeps the facts, one count less, the used record and the original CMDB', async () => {
    const [machine] = await nodes();

    expect(machine).toMatchObject({ state: 'up', profile: 'lab' });
    const facts = readdirSync(path('facts')).filter((name) => name.endsWith('.hw'));
    expect(facts).toEqual([`${machine?.name}.hw`]);
    expect(read('facts', facts[0] ?? '')).toContain("('system', 'product', 'vendor', 'Stackwright')");
    expect(readFileSync(join(site, 'state'), 'utf8')).toContain("('lab', 3)");
    const records = readFileSync(join(site, 'lab.cmdb'), 'utf8');
    expect(records.match(/'used': 1/g)).toHaveLength(1);
    expect(records).toContain("'hostname': 'node1'");
    expect(readFileSync(join(site, 'lab.cmdb.orig'), 'utf8')).toContain('generate(');
  });

  it('has pinned the host keys that the machine made, and they are those that it shows', async () => {
    const [machine] = await nodes();
    const shown = await ssh(state, 'node1', 'cat /etc/ssh/ssh_host_*_key.pub');

    const keys = shown.stdout.split('\n').flatMap((line) => line.split(' ').slice(0, 2).join(' ') || []);
    expect(machine?.host_keys.toSorted()).toEqual(keys.toSorted());
    for (const key of keys) expect(read('ssh/known_hosts')).toContain(key);
    expect(statSync(path('ssh/id_ed25519')).mode & 0o777).toBe(0o600);
  });

  it('starts from its disk a second time, with its name, address and service, and nothing failed', async () => {
    await json(state, 'lab', 'power-off', 'node1');
    await powerOn('node1', '--boot', 'disk');
    const script = [
      'systemctl is-system-running --wait > /dev/null',
      'hostname',
      'ip -4 -o address show scope global | tr -s " " | cut -d " " -f 4',
      'systemctl is-active memcached',
      'systemctl --failed --quiet --plain',
    ].join('; ');

    await until(async () => (await ssh(state, 'node1', 'true')).status === 0);
    const { stdout } = await ssh(state, 'node1', script);

    expect(stdout.trim().split('\n')).toEqual(['node1', '10.77.0.11/24', 'active']);
  });

  it('is sent to its disk when an installed machine starts from the network', async () => {
    await json(state, 'lab', 'power-off', 'node1');
    await powerOn('node1', '--boot', 'network');

    await until(() => consoleOf('node1').includes('Installed: starting from the first disk'));
    await until(async () => (await ssh(state, 'node1', 'true')).status === 0);

    const [machine] = await nodes();
    expect(machine?.state).toBe('up');
    await json(state, 'lab', 'power-off', 'node1');
  });

  it('shows a machine that matches nothing why: on its console, in the events, in node list', async () => {
    const { uuid } = await powerOn('small', '--disk', '1');
    const spec = "lab.specs:4 ('disk', '$disk', 'size', 'ge(3)')";

    await until(async () => (await node(uuid))?.reason != null);
    await until(() => consoleOf('small').includes('ge(3)'));

    // The ramdisk reports that it was refused; that must not hide why.
    await until(() => consoleOf('small').includes('FAILED'));
    const machine = await node(uuid);
    expect(machine).toMatchObject({ state: 'discovered', reason: expect.stringContaining(spec) });
    expect(consoleOf('small')).toContain(spec);
    const { events } = await json<Node>(state, 'node', 'show', machine?.id ?? '');
    expect(events.find(({ code }) => code === 'inventory.machine.unmatched')?.message).toContain(spec);
    await json(state, 'lab', 'power-off', 'small');
  });

  it('does not install a machine that is held, says so on its console, and lets it go again', async () => {
    const uuid = (await nodes()).find((one) => one.state === 'discovered')?.identity ?? '';
    await json(state, 'node', 'hold', uuid, '--reason', 'waits for a disk');
    await powerOn('small');

    await until(() => consoleOf('small').includes('this machine is held: waits for a disk'));

    await json(state, 'lab', 'power-off', 'small');
    const released = await json<Node>(state, 'node', 'release', uuid);
    expect(released.state).toBe('discovered');
    const refused = await start(state, ['node', 'release', 'node1']).ended;
    expect(refused.stderr).toContain('MachineStateInvalid');
  });

  it('marks a machine whose installation fails, stores its log and gives its count back', async () => {
    writeFileSync(join(site, 'state'), "[('lab', 3), ('broken', 2)]\n");
    writeFileSync(join(site, 'broken.specs'), "[('disk', '$disk', 'size', '2')]\n");
    writeFileSync(join(site, 'broken.cmdb'), "[{'ip': '10.77.0.50'}, {'ip': '10.77.0.51'}]\n");
    writeFileSync(join(site, 'broken.configure'), '#!/bin/sh\necho "making no partitions"\nexit 7\n');

    const { uuid } = await powerOn('unlucky', '--disk', '2');
    await until(async () => (await node(uuid))?.state === 'failed');

    const machine = await node(uuid);
    expect(machine?.reason).toBe('the configure script failed with status 7');
    const log = gunzipSync(readFileSync(path('logs/install', `${machine?.id}.log.gz`))).toString();
    expect(log).toContain('making no partitions');
    expect(log).toContain('FAILED: the configure script failed with status 7');
    expect(readFileSync(join(site, 'state'), 'utf8')).toContain("('broken', 2)");
    await json(state, 'lab', 'power-off', 'unlucky');
  });

  it('starts again what was killed of the rack', async () => {
    const { dnsmasq, server } = JSON.parse(read('lab/lab/lab.json'));
    process.kill(dnsmasq.pid, 'SIGKILL');
    process.kill(server.pid, 'SIGKILL');
    await until(async () => (await json<Lab>(state, 'lab', 'status')).parts.slice(0, 2).every((one) => !one.running));

    await json(state, 'lab', 'up', '--site', site);

    lab = await json<Lab>(state, 'lab', 'status');
    expect(lab.parts.slice(0, 2)).toEqual([
      { part: 'dnsmasq', running: true },
      { part: 'server', running: true },
    ]);
  });

  it('refuses a site or an answer file with a mistake before anything starts, with file, line and value', async () => {
    const broken = path('broken-site');
    mkdirSync(broken);
    writeFileSync(join(broken, 'state'), "[('lab', '*')]\n");
    writeFileSync(join(broken, 'lab.specs'), "[\n    ('disk', '$disk', 'size', 'bigger(3)'),\n]\n");
    writeFileSync(join(broken, 'lab.configure'), '#!/bin/sh\n');
    const answers = path('broken-answers.txt');
    writeFileSync(answers, '[general]\nCONFIG_CONTROLLER_HOST=10.77.0.11\nCONFIG_MEMCACHED_MAX_MEMORY=much\n');

    const runs = await json<unknown[]>(state, 'deploy', 'list');

    const specs = await start(state, ['serve', '--site', broken, '--listen', '127.0.0.1:18080']).ended;
    appendFileSync(join(broken, 'lab.cmdb'), "[{'ip': '10.0.0.1'},\n {'ip': open('/etc/passwd')}]\n");
    writeFileSync(join(broken, 'lab.specs'), "[('disk', '$disk', 'size', 'ge(3)')]\n");
    const cmdb = await start(state, ['lab', 'up', '--name', 'other', '--site', broken]).ended;
    const deployment = await start(state, ['deploy', '--answer-file', answers]).ended;

    expect(specs.status).toBe(1);
    expect(specs.stderr).toContain(`${join(broken, 'lab.specs')}:2`);
    expect(specs.stderr).toContain('bigger(3)');
    expect(cmdb.status).toBe(1);
    expect(cmdb.stderr).toContain(`${join(broken, 'lab.cmdb')}:2`);
    expect(deployment.status).toBe(1);
    expect(deployment.stderr).toContain(`${answers}:3`);
    expect(deployment.stderr).toContain('much');
    expect(await json(state, 'deploy', 'list')).toEqual(runs);
    expect(existsSync(path('lab/other'))).toBe(false);
  });

  it('leaves nothing after lab down: no process, mount, namespace', async () => {
    expect(leftovers(state, lab.namespace)).not.toEqual([]);

    await json(state, 'lab', 'down');

    expect(leftovers(state, lab.namespace)).toEqual([]);
    expect(existsSync(path('lab/lab'))).toBe(false);
  });
});

function readIfExists(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function isManifest(title: unknown): boolean {
  return title === 'apply the manifest memcached';
}
