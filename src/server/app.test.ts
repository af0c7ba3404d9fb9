import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import tar from 'tar-stream';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StackwrightEvent } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import type { Db } from '../engine/index.js';
import { scratchState } from '../engine/scratch.fixture.js';
import { listMachines, setMachineState } from '../inventory/index.js';
import { createServer } from './app.js';

const UUID = '4c4c4544-0043-4210-8053-b4c04f4d3532';
const MAC = '52:54:00:aa:bb:01';
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0p0w0j0Yq1h1kOq9c0H1m3R5p7T9v1X3z5B7d9F1H3 root@node';

const scratch = scratchState();
let state: StateDirectory;
let db: Db;
let app: FastifyInstance;
let site: string;
let events: StackwrightEvent[];

beforeEach(async () => {
  ({ state, db } = scratch);
  for (const table of ['event', 'record', 'profile', 'site_file', 'machine'] as const) {
    await db.deleteFrom(table).execute();
  }
  site = mkdtempSync(join(state.root, 'site-'));
  writeFileSync(join(site, 'state'), "[('vm', 1)]\n");
  writeFileSync(
    join(site, 'vm.specs'),
    "[('disk', '$disk', 'size', 'gt(3)'),\n ('network', '$eth', 'serial', '$mac')]\n",
  );
  writeFileSync(join(site, 'vm.cmdb'), "[{'hostname': 'node1', 'ip': '10.0.0.11', 'netmask': '255.255.255.0'}]\n");
  writeFileSync(join(site, 'vm.configure'), '#!/bin/sh\nset_role web 1.0 /dev/vda\n');
  events = [];
  const section = { name: 'SERVER', configDir: site, hwDir: join(site, 'hw'), logDir: join(site, 'log') };
  app = await createServer({
    state,
    db,
    reporter: { report: (event) => void events.push(event) },
    sites: [section, { ...section, name: 'LAB' }],
    host: '10.0.0.1',
    port: 8080,
    targetKernelLine: 'console=ttyS0',
    ramdiskOptions: {},
  });
});

const get = (url: string, token?: string) => app.inject({ method: 'GET', url, headers: tokenHeader(token) });
const tokenHeader = (token?: string): Record<string, string> => (token ? { 'x-stackwright-token': token } : {});

/** As curl's --form: a value that begins with @ is a file, `@NAME` of `files`. */
async function post(url: string, token: string | undefined, fields: Record<string, string | Blob>) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, value, name === 'file' ? (value as File).name : 'blob');
  }
  const request = new Request('http://server', { method: 'POST', body: form });
  return app.inject({
    method: 'POST',
    url,
    headers: { ...tokenHeader(token), 'content-type': request.headers.get('content-type') ?? '' },
    payload: Buffer.from(await request.arrayBuffer()),
  });
}

const file = (name: string, content: string | Uint8Array) => new File([content], name);

function facts(gigabytes: number): File {
  const tuples = [
    ['system', 'product', 'uuid', UUID],
    ['disk', 'vda', 'size', String(gigabytes)],
    ['network', 'eth0', 'serial', MAC],
  ];
  return file('machine.hw', JSON.stringify(tuples));
}

async function boot(): Promise<string> {
  const { body } = await get(`/boot.ipxe?mac=${MAC.replaceAll(':', '-')}&uuid=${UUID}&serial=1`);
  return / TOKEN=(\S+) /.exec(body)?.[1] ?? '';
}

async function bootAndMatch(): Promise<string> {
  const token = await boot();
  await post('/upload.py', token, { file: facts(8) });
  return token;
}

function publishRole(name: string, version: string): void {
  const directory = join(state.root, 'roles', name, version);
  if (existsSync(directory)) return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'role.squashfs'), 'a squashfs of twenty');
  const record = { bytes: 20, unpackedBytes: 40, createdAt: '', imageIdentity: '', kernelVersion: null, elements: [] };
  writeFileSync(join(directory, 'role.json'), JSON.stringify({ name, version, sha256: 'ab'.repeat(32), ...record }));
}

describe('booting', () => {
  it('answers firmware first with a script that asks again with what iPXE knows', async () => {
    const { body } = await get('/boot.ipxe');

    expect(body).toMatch(/^#!ipxe\n[\s\S]*chain --replace boot\.ipxe\?mac=/);
  });

  it('gives a machine the ramdisk and a token that the inventory knows only as a hash', async () => {
    const token = await boot();

    const [machine] = await listMachines(db);
    expect(machine).toMatchObject({ identity: UUID, state: 'discovered' });
    expect(token).toMatch(/^[\w-]{32}$/);
    expect(JSON.stringify(machine)).not.toContain(token);
    expect(JSON.stringify(events)).not.toContain(token);
  });

  it('passes on the section that the DHCP server gave', async () => {
    const first = await get('/boot.ipxe?section=LAB');
    const second = await get(`/boot.ipxe?mac=${MAC}&uuid=${UUID}&serial=1&section=LAB`);

    expect(first.body).toContain('&section=LAB ||');
    expect(second.body).toContain(' SECTION=LAB ');
  });

  it('voids the token of an earlier boot', async () => {
    const first = await boot();
    await boot();

    expect((await post('/upload.py', first, { file: facts(8) })).statusCode).toBe(401);
  });
});

describe('the upload of a machine', () => {
  it.each([undefined, '', 'guessed'])('is refused with the token %j', async (token) => {
    const reply = await post('/upload.py', token, { file: facts(8) });

    expect(reply.statusCode).toBe(401);
    expect(reply.json()).toMatchObject({ code: 'TokenUnknown' });
  });

  it.each(['/upload.py', '/cgi-bin/upload.py'])('of facts to %s is answered with the configure script', async (url) => {
    const reply = await post(url, await boot(), { file: facts(8), section: 'LAB' });

    expect(reply.statusCode).toBe(200);
    expect(reply.body).toContain('var_hostname=node1');
    expect(reply.body).toMatch(/set_role web 1\.0 \/dev\/vda\n$/);
    expect(await listMachines(db)).toMatchObject([{ state: 'installing', profile: 'vm', host_name: 'node1' }]);
    expect(readFileSync(join(site, 'state'), 'utf8')).toContain("('vm', 0)");
    expect(existsSync(join(site, 'hw'))).toBe(true);
  });

  it('of what our ramdisk collects is answered likewise, and kept as it came', async () => {
    const files = [
      `/sys/class/dmi/id/product_uuid\t${UUID}`,
      '/sys/block/vda/size\t16777216',
      `/sys/class/net/eth0/address\t${MAC}`,
    ];
    const bundle = `stackwright-hardware 1\n\n@files\n${files.join('\n')}\n\n@end\n`;

    const reply = await post('/upload.py', await boot(), { file: file('facts.hw', bundle) });

    expect(reply.body).toContain('var_hostname=node1');
    const [machine] = await listMachines(db);
    expect(machine?.facts).toContainEqual(['disk', 'vda', 'size', '8']);
    const kept = await db.selectFrom('hardware').select('bundle').executeTakeFirstOrThrow();
    expect(gunzipSync(kept.bundle).toString()).toBe(bundle);
  });

  it('of facts that match nothing is answered with a script that prints why', async () => {
    const token = await boot();

    const reply = await post('/upload.py', token, { file: facts(2) });

    expect(reply.body).toContain('gt(3)');
    expect(reply.body).toMatch(/exit 1\n$/);
    // As the ramdisk does after such a script.
    await post('/upload.py', token, { failure: '', reason: 'the configure script failed with status 1' });
    expect(await listMachines(db)).toMatchObject([
      { state: 'discovered', reason: expect.stringContaining('vm.specs:1') },
    ]);
  });

  it.each([
    ['no facts', file('x.hw', 'import os')],
    ['an unknown section', facts(8)],
  ])('with %s prints the reason on the machine', async (what, upload) => {
    const section = what === 'an unknown section' ? 'NOWHERE' : 'SERVER';

    const reply = await post('/upload.py', await boot(), { section, file: upload });

    expect(reply.statusCode).toBe(200);
    expect(reply.body).toMatch(/^#!\/bin\/sh\nprintf [\s\S]*exit 1\n$/);
    expect(events.map(({ code }) => code)).toContain('server.request.failed');
  });

  it('of a failure marks it failed without control characters, and gives the count back', async () => {
    const token = await bootAndMatch();

    await post('/upload.py', token, { failure: 'vm', reason: 'no disk\u001b[2J' });

    expect(await listMachines(db)).toMatchObject([{ state: 'failed', reason: 'no disk [2J' }]);
    expect(readFileSync(join(site, 'state'), 'utf8')).toContain("('vm', 1)");
  });

  it('of logs keeps each', async () => {
    const token = await bootAndMatch();
    for (const text of ['first', 'second']) {
      await post('/upload.py', token, { file: file('install.log.gz', gzipSync(text)) });
    }

    const kept = events.filter(({ code }) => code === 'server.machine.log');
    expect(kept).toHaveLength(2);
    const [machine] = await listMachines(db);
    expect(existsSync(join(site, 'log', `${machine?.id}.log.gz`))).toBe(true);
  });

  it('that is too large is refused', async () => {
    const reply = await post('/upload.py', await boot(), { file: file('x.hw', new Uint8Array(17 * 1024 * 1024)) });

    expect(reply.statusCode).toBe(413);
  });
});

describe('an installation', () => {
  it('reads its role, whole and from where it was cut off, and no other role', async () => {
    const token = await bootAndMatch();
    publishRole('web', '1.0');
    publishRole('db', '1.0');
    const url = '/v1/node/role/web/1.0/role.squashfs';

    const whole = await get(url, token);
    const rest = await app.inject({ url, headers: { ...tokenHeader(token), range: 'bytes=2-' } });

    expect(whole.body).toBe('a squashfs of twenty');
    expect([rest.statusCode, rest.body]).toEqual([206, 'squashfs of twenty']);
    expect((await get('/v1/node/role/web/1.0/sha256', token)).body).toBe('ab'.repeat(32));
    expect((await get('/v1/node/role/db/1.0/role.squashfs', token)).statusCode).toBe(403);
    expect((await get('/v1/node/role/none/1.0/role.squashfs', token)).statusCode).toBe(404);
    expect((await get(url)).statusCode).toBe(401);
  });

  it('tells how far it is: once for each piece of news, while every word says that it is alive', async () => {
    const token = await bootAndMatch();
    const progress = (payload: string) =>
      app.inject({
        method: 'POST',
        url: '/v1/node/progress',
        headers: { ...tokenHeader(token), 'content-type': 'application/x-www-form-urlencoded' },
        payload,
      });
    const [before] = await listMachines(db);
    events = [];

    await progress('station=copy&percent=10');
    await progress('station=copy&percent=10');
    await progress('station=bootloader');

    expect(events.map(({ code, data }) => [code, data.station, data.percent])).toEqual([
      ['server.machine.progress', 'copy', 10],
      ['server.machine.progress', 'bootloader', null],
    ]);
    const [after] = await listMachines(db);
    expect(after?.heard_at?.getTime()).toBeGreaterThan(before?.heard_at?.getTime() ?? 0);
    expect((await progress('station=copy&percent=1000')).statusCode).toBe(400);
  });

  it('knows what the copy adds to the disks', async () => {
    const token = await bootAndMatch();
    publishRole('web', '1.0');

    expect((await get('/v1/node/role/web/1.0/kilobytes', token)).body).toBe('1');
  });

  it('gets its record as a config drive', async () => {
    const reply = await get('/v1/node/config-drive.tar', await bootAndMatch());

    expect([reply.statusCode, reply.headers['content-type']]).toEqual([200, 'application/x-tar']);
    const names: string[] = [];
    const extract = tar.extract();
    extract.on('entry', (header, stream, next) => {
      names.push(`${header.name} ${header.mode?.toString(8)}`);
      stream.on('end', next).resume();
    });
    await new Promise((resolve) => extract.on('finish', () => resolve(undefined)).end(reply.rawPayload));
    expect(names).toContain('openstack/latest/meta_data.json 600');
    expect(names).toContain('openstack/latest/network_data.json 600');
  });

  it('reports its host keys, which are pinned before anybody connects', async () => {
    const token = await bootAndMatch();

    const reply = await post('/v1/node/installed', token, {
      host_keys: file('keys', `${HOST_KEY}\n`),
      disk: '/dev/vda',
    });

    expect(reply.statusCode).toBe(200);
    expect(await listMachines(db)).toMatchObject([{ state: 'installed', host_keys: [HOST_KEY.split(' root')[0]] }]);
    expect(readFileSync(state.path('ssh', 'known_hosts'), 'utf8')).toContain(HOST_KEY.split(' ')[1]);
    const { body } = await get(`/boot.ipxe?mac=${MAC.replaceAll(':', '-')}&uuid=${UUID}&serial=1`);
    expect(body).toContain('sanboot');
  });
});

describe('a machine whose installation failed', () => {
  it('is told so when it boots, and reads neither its record nor a role until it is released', async () => {
    const token = await bootAndMatch();
    publishRole('web', '1.0');
    await post('/upload.py', token, { failure: 'vm', reason: 'no disk' });

    const { body } = await get(`/boot.ipxe?mac=${MAC.replaceAll(':', '-')}&uuid=${UUID}&serial=1`);

    expect(body).toContain('this machine is failed: no disk');
    expect((await get('/v1/node/config-drive.tar', token)).json()).toMatchObject({ code: 'RecordForbidden' });
    expect((await get('/v1/node/role/web/1.0/role.squashfs', token)).statusCode).toBe(403);
    expect((await post('/upload.py', token, { file: facts(8) })).body).toContain('is failed: no disk');
    expect(readFileSync(join(site, 'state'), 'utf8')).toContain("('vm', 1)");
    const [machine] = await listMachines(db);
    await setMachineState(db, machine?.id ?? '', 'discovered', 'a new disk', { report: () => {} }, 'operator ann');
    expect(await bootAndMatch()).not.toBe('');
    expect(await listMachines(db)).toMatchObject([{ state: 'installing', host_name: 'node1' }]);
  });
});

describe('a rogue client', () => {
  const bootOf = (mac: string, uuid: string, remoteAddress = '10.0.0.66') =>
    app.inject({ url: `/boot.ipxe?mac=${mac}&uuid=${uuid}&serial=`, remoteAddress });
  const tokenIn = ({ body }: { body: string }) => / TOKEN=(\S+) /.exec(body)?.[1] ?? '';

  it("that asks for a boot script in a machine's name does not stop its installation, nor takes it over", async () => {
    const token = await bootAndMatch();
    publishRole('web', '1.0');

    const stolen = tokenIn(await bootOf(MAC, UUID));

    expect((await get('/v1/node/config-drive.tar', stolen)).statusCode).toBe(401);
    expect((await get('/v1/node/role/web/1.0/sha256', stolen)).statusCode).toBe(401);
    expect((await post('/upload.py', stolen, { failure: 'vm', reason: 'ha' })).statusCode).toBe(401);
    expect((await post('/upload.py', stolen, { file: file('x.log.gz', 'x') })).statusCode).toBe(401);
    const posted = await post('/upload.py', stolen, { file: facts(8) });
    expect([posted.statusCode, posted.headers['retry-after']]).toEqual([503, '5']);
    expect(posted.body).not.toContain('node1');
    expect((await get('/v1/node/config-drive.tar', token)).statusCode).toBe(200);
    expect(await listMachines(db)).toMatchObject([{ state: 'installing' }]);
  });

  it("that posts a machine's identity with a token of its own does not take its installation over", async () => {
    const token = await bootAndMatch();
    const own = tokenIn(await bootOf('52:54:00:66:66:66', '66666666-0043-4210-8053-b4c04f4d3532'));

    const posted = await post('/upload.py', own, { file: facts(8) });

    expect(posted.statusCode).toBe(503);
    expect((await get('/v1/node/config-drive.tar', own)).statusCode).toBe(403);
    expect((await get('/v1/node/config-drive.tar', token)).statusCode).toBe(200);
  });

  it('is told from a machine that was switched off and on: that one gets the same record', async () => {
    const first = await bootAndMatch();
    await db
      .updateTable('machine')
      .set({ heard_at: new Date(Date.now() - 60_000) })
      .execute();

    const second = await boot();
    const reply = await post('/upload.py', second, { file: facts(8) });

    expect(reply.body).toContain('var_hostname=node1');
    expect((await get('/v1/node/config-drive.tar', second)).statusCode).toBe(200);
    expect((await get('/v1/node/config-drive.tar', first)).statusCode).toBe(401);
    expect(readFileSync(join(site, 'state'), 'utf8')).toContain("('vm', 0)");
  });

  it('that replays the report of an installation is refused', async () => {
    const token = await bootAndMatch();
    const report = { host_keys: file('keys', `${HOST_KEY}\n`), disk: '/dev/vda' };
    await post('/v1/node/installed', token, report);

    const again = await post('/v1/node/installed', token, report);
    const facts2 = await post('/upload.py', token, { file: facts(8) });

    expect([again.statusCode, facts2.statusCode]).toEqual([401, 401]);
    expect(await listMachines(db)).toMatchObject([{ state: 'installed' }]);
  });

  it('that guesses and floods is refused after a while, and nobody else is', async () => {
    const token = await bootAndMatch();
    const guesses = await Promise.all(
      Array.from({ length: 1300 }, (_, at) =>
        app.inject({
          url: '/v1/node/config-drive.tar',
          headers: tokenHeader(`guess${at}`),
          remoteAddress: '10.0.0.66',
        }),
      ),
    );
    const flood = await bootOf('52:54:00:66:66:66', '');

    expect(new Set(guesses.map(({ statusCode }) => statusCode))).toEqual(new Set([401, 429]));
    expect(flood.statusCode).toBe(429);
    expect((await bootOf('52:54:00:aa:bb:02', '', '10.0.0.12')).statusCode).toBe(200);
    expect((await get('/v1/node/config-drive.tar', token)).statusCode).toBe(200);
  });

  it('with a token fills no disk with logs', async () => {
    const token = await bootAndMatch();
    for (let number = 0; number < 14; number++) {
      await post('/upload.py', token, { file: file('install.log.gz', gzipSync(`${number}`)) });
    }

    expect(readdirSync(join(site, 'log'))).toHaveLength(10);
    const replies = await Promise.all(
      Array.from({ length: 60 }, () => post('/upload.py', token, { file: file('install.log.gz', 'x') })),
    );
    expect(replies.map(({ statusCode }) => statusCode)).toContain(429);
  });
});

describe('a profile with a layout', () => {
  const layout = (size: string) =>
    `role: {name: web, version: '1.0'}
disks: {only: {device: $disk, partitions: {root: {size: ${size}, format: ext4, mount: /}}}}
network: {interfaces: {lan: {mac: $mac, addresses: [10.9.9.9/24]}}}
`;

  async function match(size: string): Promise<{ body: string; token: string }> {
    rmSync(join(site, 'vm.configure'));
    writeFileSync(join(site, 'vm.layout.yaml'), layout(size));
    const token = await boot();
    return { body: (await post('/upload.py', token, { file: facts(8) })).body, token };
  }

  it('is answered with the script that it means for the machine, and its network is on the config drive', async () => {
    const { body, token } = await match('3GiB');

    expect(body).toContain('\nvar_disk=vda\n');
    expect(body).toContain('\nset_role web 1.0 /dev/vda\n');
    const drive = await get('/v1/node/config-drive.tar', token);
    expect(drive.body).toContain('"ip_address": "10.9.9.9/24"');
  });

  it('fails a machine that it does not fit, and says so on its console and in the inventory', async () => {
    const { body, token } = await match('30GiB');

    const reason = 'the layout needs 32.2 GB on the disk vda, which has 8 GB';
    expect(body).toContain(reason);
    expect(body).toMatch(/exit 1\n$/);
    // The ramdisk reports that it was refused; that must not hide why.
    await post('/upload.py', token, { failure: '', reason: 'the configure script failed with status 1' });
    expect(await listMachines(db)).toMatchObject([{ state: 'failed', reason }]);
    expect(readFileSync(join(site, 'state'), 'utf8')).toContain("('vm', 1)");
  });
});

it('answers a malformed request with 400 and reports it, and a stranger with 401 and does not', async () => {
  const token = await bootAndMatch();
  events = [];

  const malformed = await post('/v1/node/installed', token, { disk: '/dev/vda' });
  const stranger = await get('/v1/node/config-drive.tar');

  expect([malformed.statusCode, stranger.statusCode]).toEqual([400, 401]);
  expect(events).toMatchObject([{ code: 'server.request.failed', level: 'warn' }]);
});

describe('the API of operators', () => {
  const operator = () => ({ authorization: `Bearer ${readFileSync(state.path('api-token'), 'utf8').trim()}` });

  it('changes machines for an operator, whose address stands in the event, and for nobody else', async () => {
    const token = await bootAndMatch();
    const hold = (headers: Record<string, string>, machine = UUID, payload: object = { reason: 'waits for a disk' }) =>
      app.inject({ method: 'POST', url: `/v1/machines/${machine}/hold`, headers, payload });

    const refused = [await hold({}), await hold({ authorization: `Bearer ${token}` }), await hold(tokenHeader(token))];
    const held = await hold(operator());
    const wrong = [
      await hold(operator(), 'nobody'),
      await hold(operator(), UUID, { why: 'x' }),
      await app.inject({ method: 'POST', url: `/v1/machines/${UUID}/reinstall`, headers: operator() }),
      await app.inject({ method: 'POST', url: `/v1/machines/${UUID}/explode`, headers: operator() }),
    ];

    expect(refused.map(({ statusCode }) => statusCode)).toEqual([401, 401, 401]);
    expect(held.json()).toMatchObject({ state: 'held', reason: 'waits for a disk' });
    expect(held.body).not.toContain('token_hash');
    expect(wrong.map(({ statusCode }) => statusCode)).toEqual([404, 400, 409, 400]);
    expect(events.find(({ data }) => data.to === 'held')?.data.by).toBe('operator at 127.0.0.1');
    expect((await get('/v1/node/config-drive.tar', token)).statusCode).toBe(401);
  });

  it('needs the token, which is in a file that only its owner reads', async () => {
    await boot();
    const token = readFileSync(state.path('api-token'), 'utf8').trim();

    const reply = await app.inject({ url: '/v1/machines', headers: { authorization: `Bearer ${token}` } });

    expect(reply.json()).toMatchObject([{ identity: UUID }]);
    expect(reply.body).not.toContain('token_hash');
    expect((await get('/v1/machines')).statusCode).toBe(401);
    expect((await get('/v1/events')).statusCode).toBe(401);
  });
});
