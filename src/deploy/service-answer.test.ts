import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, it, vi } from 'vitest';
import type { StackwrightEvent } from '../base/events.js';
import { configurationOf } from './parameter.js';
import type { DeployContext } from './plugin.js';
import { answerSequence, runningSequence } from './service-answer.js';

const servers: { close(): void }[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  vi.unstubAllEnvs();
});

/** An HTTP server that answers with these statuses in turn, the last one for ever. */
async function serve(...statuses: number[]): Promise<number> {
  const server = createServer((_request, response) => {
    response.writeHead((statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 200).end();
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

/** One that speaks TLS, with a certificate of its own for an address. */
async function serveTls(address: string, directory: string): Promise<number> {
  const files = ['-keyout', join(directory, 'key'), '-out', join(directory, 'ca.crt')];
  const names = ['-subj', '/CN=x', '-addext', `subjectAltName=IP:${address}`];
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-days', '2', ...names, ...files]);
  const [key, cert] = ['key', 'ca.crt'].map((name) => readFileSync(join(directory, name)));
  const server = createTlsServer({ key, cert }, (_request, response) => void response.end()).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

/** The host is this machine: words that would go over ssh run here, and its certificates are in a directory. */
function contextHere(events: StackwrightEvent[], seconds?: string, certificates = ''): DeployContext {
  const run: DeployContext['ssh']['run'] = async (_host, [program = '', ...args]) => {
    // Not two minutes, where nothing will come.
    const here = args.map((word) => word.replace('/etc/ssl/stackwright', certificates));
    const words = seconds ? here.map((word) => word.replace('SECONDS + 120', `SECONDS + ${seconds}`)) : here;
    const { stdout, stderr, exitCode = 1 } = await execa(program, words, { reject: false });
    return { stdout, stderr, output: stdout, status: exitCode } as Awaited<ReturnType<DeployContext['ssh']['run']>>;
  };
  const facts = { address: '127.0.0.1' } as ReturnType<DeployContext['facts']>;
  return {
    configuration: configurationOf(new Map()),
    ssh: { run } as DeployContext['ssh'],
    reach: (name) => ({ name }),
    facts: () => facts,
    addresses: () => ({}),
    workDirectory: '/nowhere',
    execTimeout: 300,
    logFile: join(tmpdir(), 'nowhere'),
    interrupted: false,
    reporter: { report: (event) => void events.push(event) },
  };
}

it.each([
  ['answers', [200]],
  ['wants a login', [401]],
  ['offers several versions', [300]],
  ['is still starting', [503, 503, 200]],
])('finds an HTTP interface that %s', async (_what, statuses) => {
  const port = await serve(...statuses);
  const events: StackwrightEvent[] = [];
  const [step] = answerSequence('x', [{ service: 'keystone', host: 'ctl', port, path: '/v3' }]).steps;

  await step?.work(contextHere(events));

  const last = statuses.at(-1);
  expect(events).toMatchObject([{ code: 'deploy.service.answered', data: { host: 'ctl', service: 'keystone' } }]);
  expect(events[0]?.message).toContain(`keystone answers at 127.0.0.1:${port}/v3: HTTP/1.1 ${last}`);
});

it('is content with a connection where there is no HTTP', async () => {
  const events: StackwrightEvent[] = [];
  const [step] = answerSequence('x', [{ service: 'mariadb', host: 'ctl', port: await serve(200) }]).steps;

  await step?.work(contextHere(events));

  expect(events[0]?.data).toMatchObject({ detail: 'connected' });
});

it('asks by TLS, and believes only a certificate of the authority for the address', async () => {
  const [directory, other] = [mkdtempSync(join(tmpdir(), 'sw-tls-')), mkdtempSync(join(tmpdir(), 'sw-tls-'))];
  const port = await serveTls('127.0.0.1', directory);
  const foreign = await serveTls('127.0.0.2', other);
  const ask = async (one: { port: number; foreignCertificate?: boolean }, certificates: string) => {
    const events: StackwrightEvent[] = [];
    const [step] = answerSequence('x', [{ service: 'nova-api', host: 'ctl', path: '/', tls: true, ...one }]).steps;
    await step?.work(contextHere(events, '1', certificates));
    return events[0]?.data;
  };

  const answered = { service: 'nova-api', detail: 'HTTP/1.1 200 OK' };
  expect(await ask({ port }, directory)).toMatchObject(answered);
  expect(await ask({ port: foreign, foreignCertificate: true }, directory)).toMatchObject(answered);
  const silent = { code: 'ServiceSilent' };
  // Of another authority, for another address, without TLS.
  await expect(ask({ port }, other)).rejects.toMatchObject(silent);
  await expect(ask({ port: foreign }, other)).rejects.toMatchObject(silent);
  await expect(ask({ port: await serve(200) }, directory)).rejects.toMatchObject(silent);
  for (const one of [directory, other]) rmSync(one, { recursive: true });
});

it('says which service is silent, and where to look', async () => {
  const port = await serve(500);
  const [step] = answerSequence('x', [{ service: 'nova-api', host: 'ctl', port, path: '/' }]).steps;

  await expect(step?.work(contextHere([], '1'))).rejects.toMatchObject({
    code: 'ServiceSilent',
    message: `nova-api does not answer at 127.0.0.1:${port}/ on ctl`,
  });
});

it('takes units for running that have run for a while, and names the others', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sw-units-'));
  // As systemctl(1): l3 runs since the beginning, dhcp has just begun, metadata has ended.
  const systemctl = `#!/bin/sh
for unit; do :; done
case "$1 $unit" in
  'show l3') echo 1 ;;
  show*) echo $(($(cut -d . -f 1 /proc/uptime) * 1000000)) ;;
  *metadata) exit 3 ;;
esac
`;
  writeFileSync(join(directory, 'systemctl'), systemctl, { mode: 0o755 });
  vi.stubEnv('PATH', `${directory}:${process.env.PATH}`);
  const stepOf = (...units: string[]) => runningSequence('agents', [{ host: 'net', units }]).steps[0];

  await stepOf('l3')?.work(contextHere([], '1'));
  const silent = stepOf('l3', 'dhcp', 'metadata')?.work(contextHere([], '1'));

  await expect(silent).rejects.toMatchObject({
    code: 'ServiceSilent',
    message: 'dhcp metadata on net: not running, or not for long',
  });
  rmSync(directory, { recursive: true });
});
