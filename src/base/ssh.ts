import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { type CommandOptions, type CommandResult, commandLine, commandLog, run, shellQuote } from './command.js';
import { StackwrightError } from './errors.js';
import { mask } from './mask.js';
import type { StateDirectory } from './state.js';

/** A machine that OpenSSH reaches. Everything that is not here comes from the user's ssh_config. */
export interface SshHost {
  /** Host name, address or alias of a `Host` block. */
  name: string;
  user?: string;
  /** Used instead of the user's ssh_config (`-F`), e.g. the one that the inventory writes. */
  configFile?: string;
}

/**
 * The OpenSSH client: one connection (master) a host, over which every command goes. Host keys are always checked;
 * nothing is ever asked for.
 */
export interface Ssh extends AsyncDisposable {
  /**
   * Runs a program of the host; every word is quoted for its shell. Secrets go to standard input or into files, never
   * into the words: a process's arguments are seen by everybody on both machines.
   * @throws StackwrightError `SshUnreachable`, `SshRefused`, `SshHostKeyWrong`, `HostKeysUnknown`, and those of `run`
   */
  run(host: SshHost, words: string[], options?: CommandOptions): Promise<CommandResult>;
  /** Lays a directory's content into a directory of the host, which must be there, by tar. Owner is who logs in. */
  sendDirectory(host: SshHost, directory: string, target: string, options?: TransferOptions): Promise<void>;
  /** The other way: a directory's content of the host into one of this machine, but for what matches `leaveOut`. */
  receiveDirectory(
    host: SshHost,
    directory: string,
    target: string,
    options?: Omit<TransferOptions, 'names'> & { leaveOut?: string[] },
  ): Promise<void>;
  /** Ends every connection. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TransferOptions {
  /** What of the directory; all of it unless told. */
  names?: string[];
  /** Seconds; 600 unless told. */
  timeout?: number;
  logFile?: string;
}

/**
 * `sun_path` has 108 bytes; while the master starts, ssh appends a dot and 16 random characters to the name, and the
 * name here has 16.
 */
const LONGEST_SOCKET_DIRECTORY = 104 - 1 - 16 - 17;

/** Seconds for which a connection outlives a killed process of ours. */
const PERSIST_SECONDS = 60;

export function openSsh(state: StateDirectory): Ssh {
  const directory = socketDirectory(state);
  const accepted = acceptedHostKeys(state);
  const masters = new Map<string, { host: SshHost; ready: Promise<void> }>();

  function socketOf(host: SshHost): string {
    return join(directory, digest(JSON.stringify([host.configFile, host.user, host.name])));
  }

  function optionsTo(host: SshHost): string[] {
    return clientOptions(host, { socket: socketOf(host), accepted });
  }

  async function connect(host: SshHost, logFile?: string): Promise<void> {
    // A killed process may have left a master: it is as good as a new one, when it still answers.
    const check = await run('ssh', [...optionsTo(host), '-O', 'check', '--', host.name], {
      timeout: 10,
      okStatuses: [0, 255],
    });
    if (check.status === 0) return;
    const master = ['-f', '-N', '-M', '-o', `ControlPersist=${PERSIST_SECONDS}`];
    const options = { timeout: 60, okStatuses: [0, 255], logFile };
    const { status, output } = await run('ssh', [...optionsTo(host), ...master, '--', host.name], options);
    if (status !== 0) throw connectionError(host, output);
  }

  async function connected(host: SshHost, logFile?: string): Promise<void> {
    const socket = socketOf(host);
    const known = masters.get(socket);
    if (known) {
      await known.ready;
      return;
    }
    const ready = connect(host, logFile);
    masters.set(socket, { host, ready });
    try {
      await ready;
    } catch (error) {
      masters.delete(socket);
      throw error;
    }
  }

  async function sshArguments(host: SshHost, words: string[], logFile?: string): Promise<string[]> {
    await connected(host, logFile);
    return [...optionsTo(host), '-T', '--', host.name, words.map(shellQuote).join(' ')];
  }

  async function close(): Promise<void> {
    const closing = [...masters.values()];
    masters.clear();
    await Promise.all(
      closing.map(async ({ host }) => {
        const args = [...optionsTo(host), '-O', 'exit', '--', host.name];
        await run('ssh', args, { timeout: 10, okStatuses: [0, 255] });
      }),
    );
  }

  return {
    async run(host, words, options = {}) {
      const okStatuses = options.okStatuses ?? [0];
      const args = await sshArguments(host, words, options.logFile);
      const result = await run('ssh', args, { ...options, okStatuses: [...okStatuses, 255] });
      if (result.status === 255 && !okStatuses.includes(255)) {
        // Either the connection broke or the remote program says 255; the next command connects anew.
        masters.delete(socketOf(host));
        throw connectionError(host, result.output);
      }
      return result;
    },
    async sendDirectory(host, source, target, options = {}) {
      const pack = ['--create', '--gzip', '--owner=0', '--group=0', '--numeric-owner', '-C', source];
      const unpack = ['tar', '--extract', '--gzip', '--preserve-permissions', '--no-same-owner', '-C', target];
      const args = await sshArguments(host, unpack, options.logFile);
      await pipe('tar', [...pack, '--', ...(options.names ?? ['.'])], 'ssh', args, options);
    },
    async receiveDirectory(host, source, target, options = {}) {
      const leaveOut = (options.leaveOut ?? []).map((pattern) => `--exclude=${pattern}`);
      const pack = ['tar', '--create', '--gzip', '-C', source, ...leaveOut, '.'];
      const args = await sshArguments(host, pack, options.logFile);
      const unpack = ['--extract', '--gzip', '--preserve-permissions', '--no-same-owner', '-C', target];
      await pipe('ssh', args, 'tar', unpack, options);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Waits until a host lets us in.
 * @throws StackwrightError `SshUnreachable` after `seconds`; at once where waiting does not help
 */
export async function waitForSsh(ssh: Ssh, host: SshHost, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      await ssh.run(host, ['true'], { timeout: 30 });
      return;
    } catch (error) {
      const mayCome =
        error instanceof StackwrightError && ['SshUnreachable', 'SshRefused', 'CommandTimedOut'].includes(error.code);
      if (!mayCome || Date.now() >= deadline) throw error;
      await delay(1000);
    }
  }
}

/** Keys of hosts that somebody has confirmed, in the form of `known_hosts`. They count beside those of OpenSSH's own files. */
export function acceptedHostKeys(state: StateDirectory): string {
  return state.path('ssh', 'accepted_known_hosts');
}

/** What tells ssh whom to reach. */
export function targetOptions({ configFile, user }: SshHost): string[] {
  return [...(configFile ? ['-F', configFile] : []), ...(user ? ['-l', user] : [])];
}

function clientOptions(host: SshHost, { socket, accepted }: { socket: string; accepted: string }): string[] {
  const settings = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `GlobalKnownHostsFile=/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2 "${accepted}"`,
    'ConnectTimeout=15',
    // A host that died is noticed within 60 s; a slow one is not taken for dead.
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
    'ControlMaster=no',
    `ControlPath=${socket}`,
    'LogLevel=ERROR',
  ];
  return [...targetOptions(host), ...settings.flatMap((setting) => ['-o', setting])];
}

/** Below the state directory where a socket's path fits there, else in a directory of ours in /tmp. */
function socketDirectory(state: StateDirectory): string {
  const uid = process.getuid?.() ?? 0;
  const wanted = state.path('ssh');
  const path =
    wanted.length <= LONGEST_SOCKET_DIRECTORY ? wanted : join('/tmp', `stackwright-${uid}-${digest(state.root)}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = statSync(path);
  // In /tmp anybody may have made it first, and whoever owns the directory can put a socket of his own into it.
  if (found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new StackwrightError('SshDirectoryUnsafe', `others may write to the directory for SSH connections ${path}`, {
      value: path,
      hint: `remove it: rm -r ${path}`,
    });
  }
  return path;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function connectionError(host: SshHost, output: string): StackwrightError {
  const text = mask(output.trim());
  const details = { value: host.name };
  if (/no .*host key is known/i.test(text)) {
    return new StackwrightError('HostKeysUnknown', `the host key of ${host.name} is not known`, {
      ...details,
      hint: `connect once by hand, or give it with --host-keys FILE, in the form of known_hosts\n${text}`,
    });
  }
  if (/host key verification failed|remote host identification has changed/i.test(text)) {
    return new StackwrightError('SshHostKeyWrong', `the host key of ${host.name} is not the one that is known`, {
      ...details,
      hint: `where the host was installed anew, update its line in known_hosts\n${text}`,
    });
  }
  if (/permission denied|too many authentication failures|connection (closed|reset) by .* \[preauth\]/i.test(text)) {
    return new StackwrightError('SshRefused', `${host.name} does not let us in`, {
      ...details,
      hint: `put your public key into authorized_keys of the host, or name the right key with --ssh-config\n${text}`,
    });
  }
  return new StackwrightError('SshUnreachable', `${host.name} cannot be reached by SSH`, {
    ...details,
    hint: text || 'the connection broke; see whether the host is up',
  });
}

/** Runs `source | sink` without a shell; both must succeed. */
async function pipe(
  source: string,
  sourceArgs: string[],
  sink: string,
  sinkArgs: string[],
  options: TransferOptions,
): Promise<void> {
  const line = `${commandLine(source, sourceArgs)} | ${commandLine(sink, sinkArgs)}`;
  commandLog.onCommand?.(line);
  if (options.logFile) appendFileSync(options.logFile, `+ ${line}\n`);
  const timeout = (options.timeout ?? 600) * 1000;
  const settings = { timeout, reject: false, forceKillAfterDelay: 5000 } as const;
  const from = execa(source, sourceArgs, {
    ...settings,
    stdin: 'ignore',
    encoding: 'buffer',
    buffer: { stdout: false },
  });
  const to = execa(sink, sinkArgs, settings);
  from.pipe(to).catch(() => {
    // Each side is judged below.
  });
  const [sent, received] = await Promise.all([from, to]);
  const failed = received.failed ? received : sent.failed ? sent : undefined;
  if (!failed) return;
  const code = failed.timedOut ? 'CommandTimedOut' : 'CommandFailed';
  const what = failed.timedOut ? `did not end within ${timeout / 1000} s` : 'failed';
  throw new StackwrightError(code, `${failed === sent ? source : sink} ${what}`, {
    value: line,
    hint: mask(String(failed.stderr)).trim(),
  });
}
