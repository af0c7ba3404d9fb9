import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { requestLine, type ShellRequest } from './requests.js';
import { type OutputStream, openTranscript, type Transcript } from './transcript.js';
import type { Workspace } from './workspace.js';

/** One shell on this machine, in which everything that it is asked happens in turn. */
export interface ShellSession extends AsyncDisposable {
  /** @throws StackwrightError what the shell stopped for */
  ask(requests: ShellRequest[]): Promise<void>;
  /** Lets the shell end well. */
  close(): Promise<void>;
  services(): string[];
}

export interface SessionOptions {
  workspace: Workspace;
  /** Seconds for one call of a script. */
  limit: number;
  reporter: Reporter;
  onOutput(text: string, stream: OutputStream): void;
  place(path: string): string;
  /** Ends the shell and what it has started when aborted. */
  signal?: AbortSignal;
}

export function openShellSession(options: SessionOptions): ShellSession {
  const { workspace, limit, reporter, onOutput, place, signal } = options;
  const mark = `\x1e${randomBytes(8).toString('hex')} `;
  let answered: (() => void) | undefined;
  const silent = new Set<OutputStream>();
  const transcript = openTranscript({
    mark,
    reporter,
    onOutput,
    place,
    onDone: () => answered?.(),
    onBye: (stream) => silent.add(stream),
  });
  const child = startShell(workspace, mark, limit);
  const ended = endOf(child, transcript, silent);
  const requests = child.stdio[3] as Writable;
  requests.on('error', () => {
    // The shell has ended: `ended` says how.
  });
  const stop = () => endGroup(child);
  signal?.addEventListener('abort', stop, { once: true });

  async function ask(asked: ShellRequest[]): Promise<void> {
    for (const request of asked) {
      const done = new Promise<'done'>((resolve) => {
        answered = () => resolve('done');
      });
      requests.write(requestLine(request));
      const outcome = await Promise.race([done, ended]);
      if (outcome !== 'done') throw failureOf(transcript, outcome, signal);
    }
  }

  async function close(): Promise<void> {
    requests.end();
    const outcome = await ended;
    signal?.removeEventListener('abort', stop);
    if (outcome !== 'status 0') throw failureOf(transcript, outcome, signal);
  }

  return {
    ask,
    close,
    services: transcript.services,
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', stop);
      if (child.exitCode === null && child.signalCode === null) endGroup(child);
      await ended;
    },
  };
}

function startShell({ directory, extrasDirectory }: Workspace, mark: string, limit: number): ChildProcess {
  const top = join(directory, 'top');
  return spawn('bash', ['--noprofile', '--norc', join(directory, 'shell', 'driver.bash')], {
    // The folder that holds extras.d, where a script's relative paths are looked for.
    cwd: join(extrasDirectory, '..'),
    // A process group of its own: whoever ends it ends what it has started too.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TOP_DIR: top,
      STACKWRIGHT_MARK: mark,
      STACKWRIGHT_WORK: directory,
      STACKWRIGHT_LIMIT: String(limit),
    },
  });
}

/** How the shell ended: `status 1`, `signal SIGTERM`. By then its output is passed on. */
async function endOf(child: ChildProcess, transcript: Transcript, silent: ReadonlySet<OutputStream>): Promise<string> {
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => transcript.feed(text, stream));
  }
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (status, signal) => resolve(signal ? `signal ${signal}` : `status ${status}`));
  });
  // What a hook has left running may hold the output open for ever; the shell's own last words are waited for.
  if (silent.size < 2) await Promise.race([closed, delay(LAST_WORDS_MS)]);
  transcript.end();
  child.stdout?.destroy();
  child.stderr?.destroy();
  return how;
}

const LAST_WORDS_MS = 500;

function failureOf(transcript: Transcript, how: string, signal: AbortSignal | undefined): StackwrightError {
  if (signal?.aborted) {
    return new StackwrightError('Interrupted', 'the hooks were interrupted', { hint: 'run them again' });
  }
  return transcript.failure() ?? transcript.silentEnd(how);
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGTERM');
  } catch {
    // It has ended meanwhile.
  }
}
