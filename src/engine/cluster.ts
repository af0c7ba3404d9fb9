import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { run } from '../base/command.js';
import { hasCode, messageOf, StackwrightError } from '../base/errors.js';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import { registerSecret } from '../base/mask.js';
import { identifyProcess, isAlive, ownProcess, type ProcessIdentity } from '../base/process.js';
import type { StateDirectory } from '../base/state.js';

/** What is needed to reach the private cluster; kept 0600 in the state directory. */
interface ClusterAccess {
  port: number;
  password: string;
}

/**
 * The URL of the database: `DATABASE_URL`, else a private PostgreSQL cluster in the state
 * directory, which is made and started where needed and goes on when this command ends.
 * It listens on 127.0.0.1 only, with a generated password.
 */
export async function databaseUrl(state: StateDirectory): Promise<string> {
  const external = process.env.DATABASE_URL;
  if (external) {
    const password = new URL(external).password;
    if (password) registerSecret(decodeURIComponent(password));
    return external;
  }
  const access = await readAccess(state);
  if (access && (await answers(access))) return urlOf(access);
  return withClusterLock(state, async () => {
    const known = await readAccess(state);
    if (known && (await answers(known))) return urlOf(known);
    const owner = await clusterOwner();
    const made = known && existsSync(join(dataDirectory(state), 'PG_VERSION')) ? known : await initialise(state, owner);
    const started = await start(state, made, owner);
    return urlOf(started);
  });
}

/** Stops the private cluster; nothing happens where it does not run or `DATABASE_URL` is used. */
export async function stopCluster(state: StateDirectory): Promise<void> {
  if (!existsSync(join(dataDirectory(state), 'postmaster.pid'))) return;
  const owner = await clusterOwner();
  await asOwner(owner, 'pg_ctl', ['stop', '-D', dataDirectory(state), '-m', 'fast', '-w'], [0, 1]);
}

const dataDirectory = (state: StateDirectory) => state.path('postgres', 'data');

function urlOf({ port, password }: ClusterAccess): string {
  registerSecret(password);
  return `postgresql://stackwright:${password}@127.0.0.1:${port}/stackwright`;
}

async function readAccess(state: StateDirectory): Promise<ClusterAccess | undefined> {
  const text = await readTextIfExists(state.path('postgres', 'access.json'));
  return text === undefined ? undefined : JSON.parse(text);
}

async function answers(access: ClusterAccess): Promise<boolean> {
  const client = new pg.Client({ connectionString: urlOf(access), connectionTimeoutMillis: 3000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** PostgreSQL refuses to run as root; then it runs as the user that Debian's package made for it. */
interface ClusterOwner {
  uid?: number;
  gid?: number;
}

async function clusterOwner(): Promise<ClusterOwner> {
  if (process.getuid?.() !== 0) return {};
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new StackwrightError('PostgresMissing', 'there is no user postgres, so PostgreSQL is not installed', {
      hint: 'apt-get install postgresql',
    });
  }
  return { uid: Number(uid), gid: Number(gid) };
}

function binaryDirectory(): string {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  for (const version of versions) {
    const directory = join(base, version, 'bin');
    if (existsSync(join(directory, 'initdb'))) return directory;
  }
  throw new StackwrightError('PostgresMissing', `no PostgreSQL server below ${base}`, {
    hint: 'apt-get install postgresql',
  });
}

async function asOwner(owner: ClusterOwner, program: string, args: string[], okStatuses = [0]): Promise<void> {
  const path = join(binaryDirectory(), program);
  const options = { cwd: '/', timeout: 120, okStatuses, env: { LC_ALL: 'C.UTF-8' } };
  if (owner.uid === undefined) await run(path, args, options);
  else {
    const ids = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
    await run('setpriv', [...ids, path, ...args], options);
  }
}

async function initialise(state: StateDirectory, owner: ClusterOwner): Promise<ClusterAccess> {
  const directory = state.path('postgres');
  const data = dataDirectory(state);
  // Half a cluster without its access file, or the other way round, was never used.
  await rm(data, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o755 });
  await mkdir(data, { mode: 0o700 });
  await requireReach(directory, owner);
  const access = { port: await freePort(), password: randomBytes(18).toString('base64url') };
  const passwordFile = join(directory, 'initial-password');
  await writeFile(passwordFile, access.password, { mode: 0o600 });
  try {
    if (owner.uid !== undefined && owner.gid !== undefined) {
      await chown(data, owner.uid, owner.gid);
      await chown(passwordFile, owner.uid, owner.gid);
    }
    const auth = ['--auth=scram-sha-256', '--username=stackwright', `--pwfile=${passwordFile}`];
    await asOwner(owner, 'initdb', ['-D', data, ...auth, '--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions']);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await writeFileAtomic(join(directory, 'access.json'), JSON.stringify(access), 0o600);
  return access;
}

/** PostgreSQL's user must pass every directory above its data; a home of mode 0700 stops it. */
async function requireReach(directory: string, owner: ClusterOwner): Promise<void> {
  if (owner.uid === undefined) return;
  const ids = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
  const { status } = await run('setpriv', [...ids, 'test', '-x', directory], { cwd: '/', okStatuses: [0, 1] });
  if (status === 0) return;
  throw new StackwrightError('StateNotReachable', `the user postgres cannot enter ${directory}`, {
    value: directory,
    hint: 'set STACKWRIGHT_STATE to a directory whose parents all users may enter (chmod a+x)',
  });
}

async function start(state: StateDirectory, access: ClusterAccess, owner: ClusterOwner): Promise<ClusterAccess> {
  let current = access;
  for (let attempt = 0; ; attempt++) {
    const settings = [
      `-c port=${current.port}`,
      '-c listen_addresses=127.0.0.1',
      // No socket in /var/run or /tmp: everything stays below the state directory.
      "-c unix_socket_directories=''",
      '-c max_connections=200',
    ];
    const log = join(dataDirectory(state), 'server.log');
    try {
      await asOwner(owner, 'pg_ctl', ['start', '-D', dataDirectory(state), '-l', log, '-w', '-o', settings.join(' ')]);
      await createDatabase(current);
      return current;
    } catch (error) {
      if (attempt >= 8) {
        throw new StackwrightError('PostgresNotStarted', `the private PostgreSQL does not start: ${messageOf(error)}`, {
          hint: `its log is ${log}`,
          cause: error,
        });
      }
      // After kill -9 the old postmaster may still be letting go; or another program took the port.
      if (attempt >= 4) {
        current = { ...current, port: await freePort() };
        await writeFileAtomic(state.path('postgres', 'access.json'), JSON.stringify(current), 0o600);
      }
      await delay(250);
    }
  }
}

async function createDatabase(access: ClusterAccess): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(access).replace(/stackwright$/, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = 'stackwright'");
    if (rowCount === 0) await client.query('CREATE DATABASE stackwright');
  } finally {
    await client.end();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** Only one process makes or starts the cluster; the lock of a dead one is taken over. */
async function withClusterLock<T>(state: StateDirectory, work: () => Promise<T>): Promise<T> {
  const directory = state.path('postgres');
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const path = join(directory, 'starting.lock');
  while (!(await takeLock(path))) await delay(100);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function takeLock(path: string): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(ownProcess()), { flag: 'wx' });
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const holder = await readHolder(path);
  const abandoned = holder ? !isAlive(holder) : await isOlderThan(path, 5);
  if (abandoned) await rm(path, { force: true });
  return false;
}

async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse((await readTextIfExists(path)) ?? '');
  } catch {
    // Written at this moment, or its writer was killed while writing.
    return undefined;
  }
}

async function isOlderThan(path: string, seconds: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > seconds * 1000;
}

/** The server process of the private cluster, where it runs. */
export async function clusterProcess(state: StateDirectory): Promise<ProcessIdentity | undefined> {
  const text = await readTextIfExists(join(dataDirectory(state), 'postmaster.pid'));
  return text === undefined ? undefined : identifyProcess(Number(text.split('\n')[0]));
}
