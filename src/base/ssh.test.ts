import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openSsh, waitForSsh } from './ssh.js';
import { type StateDirectory, stateDirectory } from './state.js';

let state: StateDirectory;

/** A program in place of ssh: it writes down its arguments, and does on this machine what the host is to do. */
const fakeSsh = `#!/bin/sh
echo "$*" >> "$FAKE_DIRECTORY/calls"
case " $* " in
  *" -O check "*) [ -e "$FAKE_DIRECTORY/master" ] || exit 255; exit 0;;
  *" -O exit "*) rm -f "$FAKE_DIRECTORY/master"; exit 0;;
  *" -N "*) if [ -e "$FAKE_DIRECTORY/refuse" ]; then cat "$FAKE_DIRECTORY/refuse" >&2; rm -f "$FAKE_DIRECTORY/refuse"; exit 255; fi
    touch "$FAKE_DIRECTORY/master"; exit 0;;
esac
for last; do :; done
exec sh -c "$last"
`;

beforeEach(() => {
  state = stateDirectory(mkdtempSync(join(tmpdir(), 'sw-')));
  const programs = state.path('programs');
  mkdirSync(programs);
  writeFileSync(join(programs, 'ssh'), fakeSsh);
  chmodSync(join(programs, 'ssh'), 0o755);
  vi.stubEnv('PATH', `${programs}:${process.env.PATH}`);
  vi.stubEnv('FAKE_DIRECTORY', state.root);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(state.root, { recursive: true });
});

const calls = () => readFileSync(state.path('calls'), 'utf8').trim().split('\n');

it('connects once, checks the host key always, and ends the connection', async () => {
  const ssh = openSsh(state);
  const host = { name: 'ctl', user: 'root', configFile: '/etc/hosts.ssh' };

  await Promise.all([ssh.run(host, ['true']), ssh.run(host, ['true'])]);
  await ssh.close();

  const options = calls()[0]?.replace(/ -O check.*/, '');
  expect(options).toMatch(
    /^-F \/etc\/hosts\.ssh -l root -o BatchMode=yes -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=\S+ \S+ "\S+" -o ConnectTimeout=15 .*-o ControlPath=\S+ -o LogLevel=ERROR$/,
  );
  expect(calls().map((line) => line.slice((options ?? '').length + 1))).toEqual([
    '-O check -- ctl',
    '-f -N -M -o ControlPersist=60 -- ctl',
    '-T -- ctl true',
    '-T -- ctl true',
    '-O exit -- ctl',
  ]);
  expect(existsSync(state.path('master'))).toBe(false);
});

it('brings every word over as it is, and standard input', async () => {
  await using ssh = openSsh(state);

  const { stdout } = await ssh.run({ name: 'ctl' }, ['printf', '%s|', "it's", '$HOME `id`', '', 'a\nb']);
  const input = await ssh.run({ name: 'ctl' }, ['cat'], { input: 'secret\n' });

  expect(stdout).toBe("it's|$HOME `id`||a\nb|");
  expect(input.stdout).toBe('secret\n');
  expect(readFileSync(state.path('calls'), 'utf8')).not.toContain('secret');
});

it('sends a directory', async () => {
  await using ssh = openSsh(state);
  mkdirSync(state.path('from', 'deep'), { recursive: true });
  writeFileSync(state.path('from', 'deep', 'file'), 'content', { mode: 0o600 });
  mkdirSync(state.path('to'));

  await ssh.sendDirectory({ name: 'ctl' }, state.path('from'), state.path('to'));

  expect(readFileSync(state.path('to', 'deep', 'file'), 'utf8')).toBe('content');
  await expect(ssh.sendDirectory({ name: 'ctl' }, state.path('from'), state.path('none'))).rejects.toMatchObject({
    code: 'CommandFailed',
  });
});

it('receives a directory, without what is to be left out', async () => {
  await using ssh = openSsh(state);
  mkdirSync(state.path('from', 'logs'), { recursive: true });
  writeFileSync(state.path('from', 'logs', 'step.log'), 'much');
  writeFileSync(state.path('from', 'file'), 'content', { mode: 0o600 });
  mkdirSync(state.path('to'));

  await ssh.receiveDirectory({ name: 'ctl' }, state.path('from'), state.path('to'), { leaveOut: ['./logs'] });

  expect(readdirSync(state.path('to'))).toEqual(['file']);
  expect(statSync(state.path('to', 'file')).mode & 0o777).toBe(0o600);
  await expect(ssh.receiveDirectory({ name: 'ctl' }, state.path('none'), state.path('to'))).rejects.toMatchObject({
    code: 'CommandFailed',
  });
});

it.each([
  ['Host key verification failed.', 'SshHostKeyWrong'],
  ['root@ctl: Permission denied (publickey).', 'SshRefused'],
  ['ssh: connect to host ctl port 22: Connection refused', 'SshUnreachable'],
])('tells failures apart: %s', async (text, code) => {
  await using ssh = openSsh(state);
  writeFileSync(state.path('refuse'), text);

  await expect(ssh.run({ name: 'ctl' }, ['true'])).rejects.toMatchObject({ code, details: { value: 'ctl' } });
});

it('waits for a host that is starting', async () => {
  await using ssh = openSsh(state);
  writeFileSync(state.path('refuse'), 'ssh: connect to host ctl port 22: Connection refused');

  await waitForSsh(ssh, { name: 'ctl' }, 10);

  expect(calls().filter((line) => line.includes(' -N '))).toHaveLength(2);
});

it('keeps sockets elsewhere where the state directory has a long path', async () => {
  const deep = stateDirectory(state.path('a'.repeat(60)));
  await using ssh = openSsh(deep);

  await ssh.run({ name: 'ctl' }, ['true']);

  const socket = /ControlPath=(\S+)/.exec(calls()[0] ?? '')?.[1] ?? '';
  expect(socket).toMatch(/^\/tmp\/stackwright-\d+-[0-9a-f]{16}\/[0-9a-f]{16}$/);
  rmSync(join(socket, '..'), { recursive: true });
});
