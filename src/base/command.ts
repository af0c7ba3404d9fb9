import { appendFileSync } from 'node:fs';
import { execa, type Options } from 'execa';
import { StackwrightError } from './errors.js';
import { mask } from './mask.js';

export interface CommandOptions {
  cwd?: string;
  /** Added to our own environment, or all of it with `replaceEnvironment`. */
  env?: Record<string, string>;
  replaceEnvironment?: boolean;
  /** Text for standard input; without it standard input is empty. */
  input?: string;
  /** Seconds after which the command is ended. Every command has a limit; the default is 600. */
  timeout?: number;
  /** Exit statuses that are not failures; `[0]` unless told. */
  okStatuses?: number[];
  /** Output (both streams, as it comes) is appended to this file. */
  logFile?: string;
  /** Called with every line of output, as it comes. */
  onLine?: (line: string) => void;
  /** Ends the command when aborted. */
  signal?: AbortSignal;
}

export interface CommandResult {
  stdout: string;
  /** Both streams in the order in which they came. */
  output: string;
  status: number;
}

/** Test code may watch every command line (masked). */
export const commandLog: { onCommand?: (line: string) => void } = {};

/**
 * Runs a program with an argument array.
 * @throws StackwrightError `CommandFailed`, `CommandTimedOut`, `CommandNotFound`, with the
 *   command line to replay and the end of its output.
 */
export async function run(program: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const line = commandLine(program, args);
  commandLog.onCommand?.(line);
  if (options.logFile) appendFileSync(options.logFile, `+ ${line}\n`);
  const execaOptions = {
    cwd: options.cwd,
    env: options.env,
    extendEnv: !options.replaceEnvironment,
    reject: false,
    all: true,
    stripFinalNewline: false,
    timeout: (options.timeout ?? 600) * 1000,
    forceKillAfterDelay: 5000,
    maxBuffer: 64 * 1024 * 1024,
    cancelSignal: options.signal,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  } satisfies Options;
  const child = execa(program, args, execaOptions);
  if (options.logFile) {
    const file = options.logFile;
    child.all.on('data', (chunk: Buffer) => appendFileSync(file, mask(chunk.toString())));
  }
  if (options.onLine) eachLine(child.all, options.onLine);
  const result = await child;
  const status = result.exitCode ?? -1;
  if (result.timedOut) {
    throw new StackwrightError('CommandTimedOut', `${program} did not end within ${options.timeout ?? 600} s`, {
      value: line,
      hint: tail(result.all),
    });
  }
  if (result.code === 'ENOENT') {
    throw new StackwrightError('CommandNotFound', `${program} is not installed`, {
      value: line,
      hint: 'stackwright doctor says which package has it',
    });
  }
  if (result.isCanceled) throw new StackwrightError('Interrupted', `${program} was interrupted`, { value: line });
  if (!(options.okStatuses ?? [0]).includes(status)) {
    const how = result.signal ? `was ended by ${result.signal}` : `failed with status ${status}`;
    throw new StackwrightError('CommandFailed', `${program} ${how}`, { value: line, hint: tail(result.all) });
  }
  return { stdout: result.stdout, output: result.all, status };
}

/** A command line as a person would type it, secrets masked. */
export function commandLine(program: string, args: string[]): string {
  return mask([program, ...args].map(shellQuote).join(' '));
}

/** The one place that quotes a word for a POSIX shell. */
export function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => {
    if (rest) onLine(rest);
  });
}

function tail(output: string): string {
  return mask(output.trim().split('\n').slice(-15).join('\n'));
}
