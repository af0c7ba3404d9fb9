// One QEMU machine, without KVM, and what a test asks of it.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { run } from '../../src/base/command.js';
import { until } from './rig.js';

export interface Machine {
  /** What it has written on its first serial port. */
  console(): string;
  /** True after it has ended. */
  ended(): boolean;
}

/** A machine with these devices, for as long as `use` takes. */
export async function withMachine<T>(
  log: string,
  devices: string[],
  use: (machine: Machine) => Promise<T>,
): Promise<T> {
  const machine = ['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024'];
  const quiet = ['-display', 'none', '-nodefaults', '-no-reboot', '-serial', `file:${log}`];
  const qemu = spawn('qemu-system-x86_64', [...machine, ...quiet, ...devices], { stdio: 'inherit' });
  const gone = new Promise((resolve) => qemu.once('exit', resolve));
  const console = () => (existsSync(log) ? readFileSync(log, 'latin1') : '');
  try {
    return await use({ console, ended: () => qemu.exitCode !== null });
  } catch (error) {
    throw new Error(`the machine's console ended so:\n${console().slice(-3000)}`, { cause: error });
  } finally {
    qemu.kill();
    await gone;
  }
}

/** Waits for a text on the console, or the end of the machine. */
export async function consoleUntil(machine: Machine, text: string): Promise<string> {
  await until(() => machine.console().includes(text) || machine.ended(), 5);
  return machine.console();
}

/** A way into a machine. */
export interface Login {
  /** What each of root's commands prints; over one connection, because to make one takes seconds. */
  run(...commands: string[]): Promise<string[]>;
}

/** Waits until root can log in with a key. The machine has just made its host key: the first one that it shows is pinned. */
export async function login(port: number, key: string): Promise<Login> {
  const knownHosts = `${key}.known_hosts`;
  rmSync(knownHosts, { force: true });
  const pinning = ['-o', 'StrictHostKeyChecking=accept-new', '-o', `UserKnownHostsFile=${knownHosts}`];
  const quiet = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', '-o', 'LogLevel=ERROR'];
  const words = ['-i', key, '-p', String(port), ...quiet, ...pinning];
  const ssh = (command: string, okStatuses: number[]) =>
    run('ssh', [...words, 'root@127.0.0.1', command], { okStatuses, timeout: 90 });
  await until(async () => (await ssh('true', [0, 255])).status === 0, 5);
  const mark = '---- end of a command\n';
  return {
    run: async (...commands) => {
      const { stdout } = await ssh(commands.map((one) => `${one} && printf '%s' '${mark}'`).join(' && '), [0]);
      return stdout.split(mark).slice(0, -1);
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
