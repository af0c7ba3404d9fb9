// What tests that boot machines share: commands as a user gives them, each in a state directory of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';

const program = join(packageRoot(), 'bin', 'stackwright');

/** A command under way, and the events that it has reported so far. */
interface Started {
  child: ChildProcess;
  events: { code: string; message: string; data: Record<string, unknown> }[];
  ended: Promise<{ status: number | null; stdout: string; stderr: string }>;
}

/** A state directory outside /tmp, which may be small and in memory; PostgreSQL's user must be able to enter it. */
export function makeState(): string {
  const state = mkdtempSync('/var/tmp/stackwright-e2e-');
  chmodSync(state, 0o755);
  return state;
}

export function start(state: string, args: string[]): Started {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, STACKWRIGHT_STATE: state },
  });
  const started: Started = { child, events: [], ended: Promise.resolve({ status: null, stdout: '', stderr: '' }) };
  let stdout = '';
  let stderr = '';
  let line = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    for (const event of lines) if (event.startsWith('{"time"')) started.events.push(JSON.parse(event));
  });
  started.ended = new Promise((resolve) => {
    child.once('exit', (status) => {
      // Its children may hold the pipes open long after it was killed.
      if (status === null) resolve({ status, stdout, stderr });
    });
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
  return started;
}

/** What a command prints as JSON. A failure of the command is one of the test, with what the command said. */
export async function json<T>(state: string, ...args: string[]): Promise<T> {
  const { status, stdout, stderr } = await start(state, [...args, '--json']).ended;
  if (status !== 0) throw new Error(`stackwright ${args.join(' ')} ended with ${status}:\n${stderr.slice(-4000)}`);
  return stdout === '' ? (undefined as T) : JSON.parse(stdout);
}

/** kill -9, once the condition holds. */
export async function killWhen(started: Started, condition: () => boolean | Promise<boolean>): Promise<void> {
  await until(async () => {
    if (started.child.exitCode !== null) throw new Error(`it ended too early: ${(await started.ended).stderr}`);
    return condition();
  });
  started.child.kill('SIGKILL');
  await started.ended;
}

export async function until(condition: () => boolean | Promise<boolean>, minutes = 15): Promise<void> {
  const deadline = Date.now() + minutes * 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not so within ${minutes} minutes: ${condition}`);
    await delay(100);
  }
}

export async function ssh(state: string, host: string, command: string): Promise<{ status: number; stdout: string }> {
  const strict = ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'ConnectTimeout=10'];
  const okStatuses = [...Array(256).keys()];
  return run('ssh', ['-F', join(state, 'ssh', 'config'), ...strict, host, command], { okStatuses, timeout: 90 });
}

/** Everything of a state directory that is still at work: processes, mounts, namespaces. */
export function leftovers(state: string, namespace: string): string[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const ours = processes.flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const place = readlinkSync(`/proc/${pid}/cwd`);
      return words.includes(state) || place.startsWith(state) ? [`process ${pid} ${words}`] : [];
    } catch {
      return [];
    }
  });
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const namespaces = readdirSync('/run/netns').filter((name) => name === namespace);
  return [...ours, ...mounts.filter((line) => line.includes(state)), ...namespaces];
}

/** After a failure too, nothing may stay. */
export async function removeState(state: string): Promise<void> {
  const labs = existsSync(join(state, 'lab')) ? readdirSync(join(state, 'lab')) : [];
  for (const name of labs) await start(state, ['lab', 'down', '--name', name]).ended;
  rmSync(state, { recursive: true });
}
