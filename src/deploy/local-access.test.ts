import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { localSshConfig } from './local-access.js';

let state: StateDirectory;
let hostKeys: string;
let home: string;

beforeEach(() => {
  state = stateDirectory(mkdtempSync(join(tmpdir(), 'stackwright-')));
  hostKeys = join(state.root, 'etc-ssh');
  home = join(state.root, 'root');
  mkdirSync(hostKeys);
  writeFileSync(join(hostKeys, 'ssh_host_ed25519_key.pub'), 'ssh-ed25519 AAAA1 root@here\n');
  writeFileSync(join(hostKeys, 'ssh_host_ed25519_key'), 'private');
});

afterEach(() => rmSync(state.root, { recursive: true }));

it('pins the host keys of this machine', async () => {
  const path = await localSshConfig(state, { address: '192.0.2.7', authorize: false, hostKeys, home });

  expect(readFileSync(path, 'utf8')).toContain('Host 192.0.2.7\n');
  expect(readFileSync(path, 'utf8')).toContain('StrictHostKeyChecking yes');
  expect(readFileSync(state.path('ssh/local_known_hosts'), 'utf8')).toBe('192.0.2.7 ssh-ed25519 AAAA1\n');
  expect(() => statSync(join(home, '.ssh'))).toThrow();
});

it.skipIf(process.getuid?.() !== 0)('lets its own key in, once, and keeps the keys that are there', async () => {
  mkdirSync(join(home, '.ssh'), { recursive: true });
  const keys = join(home, '.ssh/authorized_keys');
  writeFileSync(keys, 'ssh-ed25519 AAAA2 somebody');

  for (const _ of [1, 2]) await localSshConfig(state, { address: '192.0.2.7', authorize: true, hostKeys, home });

  const own = readFileSync(state.path('ssh/id_ed25519.pub'), 'utf8');
  expect(readFileSync(keys, 'utf8')).toBe(`ssh-ed25519 AAAA2 somebody\n${own}`);
  expect(statSync(keys).mode & 0o777).toBe(0o600);
});

it('says that this machine has no sshd', async () => {
  const none = { address: '192.0.2.7', authorize: true, hostKeys: join(state.root, 'nowhere'), home };

  await expect(localSshConfig(state, none)).rejects.toMatchObject({ code: 'NoLocalHostKeys' });
});
