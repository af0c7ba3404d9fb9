import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandOptions, type CommandResult, commandLine, run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import { identifyProcess } from '../base/process.js';
import type { TemporaryState } from '../base/temporary.js';

/**
 * A mount namespace and a process namespace in which the scripts of a build run, and where they are
 * to have no network a network namespace. Mounts made in it are not seen by the host. All of it ends,
 * with every process in it, when the builder ends in whatever way: its first process waits for the
 * end of its standard input.
 */
export interface Sandbox {
  /** A path of it is seen from outside below this directory, with what is mounted in it. */
  view: string;
  /** The file of its network namespace: its own where it is unplugged, else that of the host. */
  networkNamespace: string;
  /** Runs a program in it, in the working directory `cwd`. Where it is interrupted or late, the sandbox ends. */
  run(program: string, args: string[], options: CommandOptions & { cwd: string }): Promise<CommandResult>;
  /** Opens an interactive program in it on our own terminal, and waits for its end, however late. */
  openShell(program: string, args: string[], options: { cwd: string; env: Record<string, string> }): Promise<void>;
  /** Ends it, with all processes and mounts in it. Done by the temporary state too. */
  end(): Promise<void>;
}

/**
 * @param unplugged with no network but a loopback interface of its own
 * @throws StackwrightError `SandboxFailed` where this host does not allow namespaces
 */
export async function openSandbox(temporary: TemporaryState, { unplugged = false } = {}): Promise<Sandbox> {
  const network = unplugged ? ['--net'] : [];
  const namespaces = ['--mount', '--pid', ...network, '--fork', '--kill-child=SIGKILL', '--mount-proc'];
  const program = `${unplugged ? 'ip link set lo up || exit\n' : ''}echo ready; read -r -d ""`;
  const child = spawn('unshare', [...namespaces, 'bash', '-c', program], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity) temporary.add({ kind: 'process', process: identity, what: 'image build' });
  const ended = once(child, 'close').catch(() => {});
  child.stdin.on('error', () => {});
  const ready = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  const first = child.pid === undefined ? undefined : firstProcess(child.pid);
  if (ready?.[0] !== 'ready' || first === undefined) {
    throw new StackwrightError('SandboxFailed', 'namespaces for the build could not be made', {
      value: `unshare ${namespaces.join(' ')}`,
      hint: `run as root; in a container, one that may mount: ${String(child.stderr.read() ?? '').trim()}`,
    });
  }
  const enter = ['--target', String(first), '--mount', '--pid', ...network, '--'];

  async function end(): Promise<void> {
    // Its first process ends at the end of its input; the kernel then ends every other one.
    child.stdin.end();
    const quick = await Promise.race([ended.then(() => true), delay(5000, false, { ref: false })]);
    if (!quick) child.kill('SIGKILL');
    await ended;
  }

  const wrap = (cwd: string, program: string, args: string[]) => {
    return ['/bin/bash', '-c', 'umask 0022 && cd "$0" && exec "$@"', cwd, program, ...args];
  };

  return {
    view: `/proc/${first}/root`,
    networkNamespace: `/proc/${first}/ns/net`,
    async openShell(program, args, { cwd, env }) {
      const shell = spawn('/usr/bin/nsenter', [...enter, ...wrap(cwd, program, args)], { stdio: 'inherit', env });
      await once(shell, 'close');
    },
    async run(program, args, { cwd, timeout, signal, ...options }) {
      const wrapped = wrap(cwd, program, args);
      // What the program has started goes on when it is ended, and holds its output: so all of it is ended.
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), (timeout ?? 600) * 1000);
      const stop = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
      stop.addEventListener('abort', end, { once: true });
      try {
        // The limit of `run` itself comes later, so that ours decides.
        return await run('/usr/bin/nsenter', [...enter, ...wrapped], {
          ...options,
          signal: stop,
          timeout: (timeout ?? 600) + 60,
        });
      } catch (error) {
        if (!late.signal.aborted) throw error;
        throw new StackwrightError('CommandTimedOut', `${program} did not end within ${timeout ?? 600} s`, {
          value: commandLine(program, args),
        });
      } finally {
        clearTimeout(timer);
        stop.removeEventListener('abort', end);
      }
    },
    end,
  };
}

/** The process that `unshare` has forked: the first one of the new process namespace. */
function firstProcess(pid: number): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children ? Number(children.split(' ')[0]) : undefined;
}
