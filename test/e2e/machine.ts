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

/** Where a machine's disk is, and how root gets in. */
export interface Way {
  /** A qcow2 file, which stays as it is. */
  disk: string;
  console: string;
  /** Of the first interface, for ssh. */
  address: string;
  key: string;
}

/** A machine with two interfaces and more devices, once root can log in. */
export async function withLogin(
  { disk, console, address, key }: Way,
  devices: string[],
  use: (login: Login, machine: Machine) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const drive = ['-drive', `if=virtio,file=${disk},format=qcow2,snapshot=on`];
  const first = ['-nic', `user,model=virtio,mac=52:54:00:aa:00:01,hostfwd=tcp:127.0.0.1:${port}-${address}:22`];
  const second = ['-nic', 'user,model=virtio,mac=52:54:00:aa:00:02,net=10.0.3.0/24'];
  await withMachine(console, [...drive, ...devices, ...first, ...second], async (machine) =>
    use(await login(port, key), machine),
  );
}

/** A drive as a machine's second disk. */
export function driveOf(file: string): string[] {
  return ['-drive', `if=virtio,format=raw,readonly=on,file=${file}`];
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
