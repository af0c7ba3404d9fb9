import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { run } from '../../src/base/command.js';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import type { DeployContext } from '../../src/deploy/plugin.js';
import { ensureAuthority } from './authority.js';
import { plugin } from './index.js';

let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sw-tls-'));
  const fresh = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-subj', '/CN=c'];
  for (const name of ['good', 'other', 'ended']) {
    await run('openssl', [...fresh, '-keyout', at(`${name}.key`), '-out', at(`${name}.crt`)]);
  }
  const ended = ['-in', at('ended.crt'), '-signkey', at('ended.key'), '-out', at('ended.crt')];
  await run('openssl', ['x509', ...ended, '-days', '-1']);
});

afterEach(() => vi.unstubAllEnvs());

afterAll(() => rmSync(directory, { recursive: true }));

/** What is wrong with answers, and the steps of the plugin that follow from them. */
async function look(...lines: string[]) {
  const plan = await planOf(plugin, `CONFIG_SSL_CERT_DIR=${at('ca')}`, 'CONFIG_COMPUTE_HOSTS=c1', ...lines);
  return { ...plan, steps: plan.prepare };
}

const idsOf = ({ steps }: { steps: { id: string }[] }) => steps.map(({ id }) => id);
const certified = ['ssl.authority', 'ssl.certificate@ctl', 'ssl.certificate@c1'];

it('certifies every host where something speaks TLS, and has hosts trust where the interfaces do', async () => {
  expect(idsOf(await look())).toEqual([]);
  expect(idsOf(await look('CONFIG_AMQP_ENABLE_SSL=y'))).toEqual(certified);
  expect(idsOf(await look('CONFIG_HORIZON_SSL=y'))).toEqual(certified);
  expect(idsOf(await look('CONFIG_ENDPOINTS_SSL=y'))).toEqual([...certified, 'ssl.trust@ctl', 'ssl.trust@c1']);
  const none = await look('CONFIG_ENDPOINTS_SSL=y', 'CONFIG_HORIZON_SSL=y', 'CONFIG_KEYSTONE_INSTALL=n');
  expect(idsOf(none)).toEqual([]);
});

it('sends the certificates of a user, and needs no authority where these are all', async () => {
  const dashboard = [`CONFIG_HORIZON_SSL_CERT=${at('good.crt')}`, `CONFIG_HORIZON_SSL_KEY=${at('good.key')}`];
  const consoles = [`CONFIG_VNC_SSL_CERT=${at('other.crt')}`, `CONFIG_VNC_SSL_KEY=${at('other.key')}`];
  const chain = `CONFIG_HORIZON_SSL_CACERT=${at('other.crt')}`;

  const both = await look('CONFIG_HORIZON_SSL=y', ...dashboard, ...consoles, chain);
  const one = await look('CONFIG_HORIZON_SSL=y', ...dashboard);

  expect(both.problems).toEqual([]);
  expect(idsOf(both)).toEqual(['ssl.dashboard@ctl', 'ssl.console@ctl']);
  expect(idsOf(one)).toEqual([...certified, 'ssl.dashboard@ctl']);
  const sent: { words: string[]; input: unknown }[] = [];
  const ssh = {
    run: async (_host: unknown, words: string[], { input }: { input?: unknown }) => void sent.push({ words, input }),
  };
  const context = { configuration: both.configuration, reach: (name: string) => ({ name }), ssh, logFile: at('log') };
  await both.steps[0]?.work(context as unknown as DeployContext);
  expect(sent.map(({ words }) => words.slice(-2))).toEqual([
    ['dashboard.key', '0600'],
    ['dashboard.crt', '0644'],
  ]);
  // Keys go by standard input.
  expect(String(sent[0]?.input)).toContain('PRIVATE KEY');
  expect(sent.flatMap(({ words }) => words).join(' ')).not.toContain('PRIVATE KEY');
  expect(String(sent[1]?.input).match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
});

it.each([
  ['a certificate without its key', ['CERT=good.crt'], 'CONFIG_HORIZON_SSL_CERT needs CONFIG_HORIZON_SSL_KEY'],
  ['a key without its certificate', ['KEY=good.key'], 'CONFIG_HORIZON_SSL_KEY needs CONFIG_HORIZON_SSL_CERT'],
  [
    'a chain alone',
    ['CACERT=good.crt'],
    'CONFIG_HORIZON_SSL_CACERT needs CONFIG_HORIZON_SSL_CERT and CONFIG_HORIZON_SSL_KEY',
  ],
  [
    'the key of another',
    ['CERT=good.crt', 'KEY=other.key'],
    'CONFIG_HORIZON_SSL_KEY: the key is not that of CONFIG_HORIZON_SSL_CERT',
  ],
  [
    'a certificate that has ended',
    ['CERT=ended.crt', 'KEY=ended.key'],
    'CONFIG_HORIZON_SSL_CERT: the certificate has expired on',
  ],
  ['no certificate', ['CERT=good.key', 'KEY=good.key'], 'has no certificate in PEM'],
  ['no key', ['CERT=good.crt', 'KEY=good.crt'], 'has no key in PEM'],
  ['no file', ['CERT=none.crt', 'KEY=good.key'], 'is not a file of this machine'],
])('refuses %s', async (_what, given, problem) => {
  const lines = given.map((line) => `CONFIG_HORIZON_SSL_${line.replace('=', `=${directory}/`)}`);

  const { problems } = await look('CONFIG_HORIZON_SSL=y', ...lines);

  expect(problems.join('\n')).toContain(problem);
});

it('refuses an authority of which something is missing, or that is none', async () => {
  const on = 'CONFIG_ENDPOINTS_SSL=y';
  const file = (name: string, base: string) => `CONFIG_SSL_CACERT_${name}=${at(base)}`;

  const none = await look(on, 'CONFIG_SSL_CACERT_SELFSIGN=n');
  const half = await look(on, file('FILE', 'good.crt'));
  const other = await look(on, file('FILE', 'good.key'), file('KEY_FILE', 'good.key'));
  await ensureAuthority({ certificate: at('ca/ca.crt'), key: at('ca/ca.key') }, '/CN=Test CA', true);
  const whole = await look(on, 'CONFIG_SSL_CACERT_SELFSIGN=n');
  vi.stubEnv('PATH', directory);
  const bare = await look(on);

  expect(none.problems).toEqual([`CONFIG_SSL_CACERT_SELFSIGN=n needs ${at('ca/ca.crt')} and ${at('ca/ca.key')}`]);
  expect(half.problems).toEqual([`an authority of which one file is there needs ${at('ca/ca.key')}`]);
  expect(other.problems).toEqual([`${at('good.key')} has no certificate in PEM`]);
  expect(whole.problems).toEqual([]);
  expect(bare.problems).toEqual([
    'certificates are made by openssl, which this machine does not have: apt-get install openssl',
  ]);
});
