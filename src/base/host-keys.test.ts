import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from './command.js';
import { acceptHostKeys, fingerprint, strangeHosts } from './host-keys.js';
import { acceptedHostKeys } from './ssh.js';
import { type StateDirectory, stateDirectory } from './state.js';

let state: StateDirectory;
let configFile: string;
const host = (name: string) => ({ name, configFile });

/** A public key of its own. */
async function makeKey(name: string): Promise<string> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', state.path(name)]);
  return readFileSync(state.path(`${name}.pub`), 'utf8')
    .trim()
    .split(' ')
    .slice(0, 2)
    .join(' ');
}

beforeEach(() => {
  state = stateDirectory(mkdtempSync(join(tmpdir(), 'sw-')));
  configFile = state.path('ssh_config');
  const known = `UserKnownHostsFile ${state.path('known_hosts')}`;
  const blocks = ['Host port', 'HostName 192.0.2.7', 'Port 2222', 'Host alias', 'HostKeyAlias other'];
  // Nobody answers.
  writeFileSync(configFile, [known, 'ProxyCommand false', ...blocks, ''].join('\n'));
});

afterEach(() => rmSync(state.root, { recursive: true }));

it('finds hosts that no file knows, under the name by which OpenSSH looks for them', async () => {
  const key = await makeKey('ctl');
  writeFileSync(state.path('known_hosts'), `ctl ${key}\n`);
  await run('ssh-keygen', ['-q', '-H', '-f', state.path('known_hosts')]);
  appendFileSync(state.path('known_hosts'), `@revoked port ${key}\n@cert-authority signed ${key}\n`);

  const strange = await strangeHosts(state, ['ctl', 'signed', 'port', 'alias', '192.0.2.9'].map(host));

  expect(strange).toEqual([
    { name: 'port', entry: '[192.0.2.7]:2222', keys: [], isTold: false },
    { name: 'alias', entry: 'other', keys: [], isTold: false },
    { name: '192.0.2.9', entry: '192.0.2.9', keys: [], isTold: false },
  ]);
});

it('takes their keys from a file that names them as people do, or as OpenSSH does', async () => {
  const [one, other] = [await makeKey('one'), await makeKey('other')];
  const file = state.path('given');
  writeFileSync(file, `@revoked port ${other}\nport ${one}\nother,192.0.2.9 ${other}\n@cert-authority * ${one}\n`);

  const strange = await strangeHosts(state, ['port', 'alias', '192.0.2.9', 'x'].map(host), file);
  await acceptHostKeys(state, strange);

  expect(strange.map(({ name, isTold }) => [name, isTold])).toEqual([
    ['port', true],
    ['alias', true],
    ['192.0.2.9', true],
    ['x', false],
  ]);
  const lines = [`[192.0.2.7]:2222 ${one}`, `other ${other}`, `192.0.2.9 ${other}`, ''];
  expect(readFileSync(acceptedHostKeys(state), 'utf8')).toBe(lines.join('\n'));
  expect(statSync(acceptedHostKeys(state)).mode & 0o777).toBe(0o600);
  expect(await strangeHosts(state, ['port', 'alias', '192.0.2.9'].map(host))).toEqual([]);
});

it('finds no stranger where a program knows the keys', async () => {
  writeFileSync(configFile, 'KnownHostsCommand /usr/bin/true\n');

  expect(await strangeHosts(state, [host('ctl')])).toEqual([]);
});

it('shows a key as ssh-keygen does', async () => {
  const [type = '', key = ''] = (await makeKey('ctl')).split(' ');

  const { stdout } = await run('ssh-keygen', ['-l', '-f', state.path('ctl.pub')]);

  expect(fingerprint({ type, key })).toBe(`ssh-ed25519 ${stdout.split(' ')[1]}`);
});
