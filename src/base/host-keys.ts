import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { run } from './command.js';
import { acceptedHostKeys, type SshHost, targetOptions } from './ssh.js';
import type { StateDirectory } from './state.js';

/** A host of which no host key is known. */
export interface StrangeHost {
  /** As it was named. */
  name: string;
  /** Under which OpenSSH looks its keys up: an address, a name, `[name]:port`, an alias. */
  entry: string;
  keys: HostKey[];
  /** They are those of the file that was given, and not what the host shows. */
  isTold: boolean;
}

export interface HostKey {
  /** Such as `ssh-ed25519`. */
  type: string;
  /** In base64. */
  key: string;
}

/** Hosts that are looked at, or asked, at once. */
const SIDE_BY_SIDE = 20;

/**
 * Those of the hosts of which neither OpenSSH nor this state directory knows a key, with the key that each shows; none
 * where it does not answer. Nothing is proved to a host by that, and nothing is kept.
 * @param given a file in the form of `known_hosts`; what it says of a host counts instead of what the host shows
 */
export async function strangeHosts(state: StateDirectory, hosts: SshHost[], given?: string): Promise<StrangeHost[]> {
  const limit = pLimit(SIDE_BY_SIDE);
  const found = await Promise.all(hosts.map((host) => limit(() => strangeHost(state, host, given))));
  return found.filter((host) => host !== undefined);
}

/** Has these keys known from now on, in this state directory. */
export async function acceptHostKeys(state: StateDirectory, hosts: StrangeHost[]): Promise<void> {
  const file = acceptedHostKeys(state);
  if (hosts.length === 0) return;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const lines = hosts.flatMap(({ entry, keys }) => keys.map(({ type, key }) => `${entry} ${type} ${key}\n`));
  await appendFile(file, lines.join(''), { mode: 0o600 });
}

/** As OpenSSH shows it to people. */
export function fingerprint({ type, key }: HostKey): string {
  const digest = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replace(/=+$/, '');
  return `${type} SHA256:${digest}`;
}

async function strangeHost(state: StateDirectory, host: SshHost, given?: string): Promise<StrangeHost | undefined> {
  const { stdout } = await run('ssh', ['-G', ...targetOptions(host), '--', host.name]);
  const settings = new Map(stdout.split('\n').map((line) => splitAtSpace(line)));
  const setting = (name: string) => settings.get(name) ?? '';
  // A program that knows them is asked with every connection.
  if (!['', 'none'].includes(setting('knownhostscommand'))) return undefined;
  const address = setting('port') === '22' ? setting('hostname') : `[${setting('hostname')}]:${setting('port')}`;
  const entry = setting('hostkeyalias') || address;
  const files = [setting('userknownhostsfile'), setting('globalknownhostsfile')].flatMap((list) => list.split(' '));
  for (const file of [...files.map(wholePath), acceptedHostKeys(state)]) {
    if ((await linesOf(file, entry)).some((line) => !line.startsWith('@revoked '))) return undefined;
  }
  const names = [...new Set([entry, host.name])];
  const lines = given === undefined ? [] : (await Promise.all(names.map((name) => linesOf(given, name)))).flat();
  // Those with a marker are no keys of hosts: revoked ones, and those of authorities.
  const told = lines.filter((line) => !line.startsWith('@')).flatMap(hostKey);
  const isTold = told.length > 0;
  return { name: host.name, entry, keys: isTold ? told : await shownKeys(host), isTold };
}

/** What a file in the form of `known_hosts` says of a host, also in hashed lines and patterns. */
async function linesOf(file: string, entry: string): Promise<string[]> {
  if (!existsSync(file)) return [];
  const { stdout } = await run('ssh-keygen', ['-F', entry, '-f', file], { okStatuses: [0, 1] });
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** Asks a host for its key as ssh does, on the same way, and leaves before it logs in. */
async function shownKeys(host: SshHost): Promise<HostKey[]> {
  const work = await mkdtemp(join(tmpdir(), 'stackwright-keys-'));
  const file = join(work, 'known_hosts');
  const settings = [
    'BatchMode=yes',
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile="${file}"`,
    'GlobalKnownHostsFile=/dev/null',
    'PreferredAuthentications=none',
    'ControlPath=none',
    'ConnectTimeout=15',
    'LogLevel=ERROR',
  ].flatMap((setting) => ['-o', setting]);
  try {
    await run('ssh', [...targetOptions(host), ...settings, '--', host.name, 'true'], {
      timeout: 60,
      okStatuses: [0, 255],
    });
    const text = existsSync(file) ? await readFile(file, 'utf8') : '';
    return text.split('\n').flatMap(hostKey);
  } finally {
    await rm(work, { recursive: true });
  }
}

function hostKey(line: string): HostKey[] {
  const [, type, key] = line.split(' ');
  return type !== undefined && key !== undefined ? [{ type, key }] : [];
}

function splitAtSpace(line: string): [name: string, value: string] {
  const at = line.indexOf(' ');
  return at === -1 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

function wholePath(file: string): string {
  return file.replaceAll('"', '').replace(/^~\//, `${homedir()}/`);
}
