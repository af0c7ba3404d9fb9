import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { mask, registerSecret } from '../base/mask.js';
import { reportHook } from './events.js';

export type OutputStream = 'stdout' | 'stderr';

export interface TranscriptOptions {
  /** What stands in front of a record; nobody else knows it. */
  mark: string;
  reporter: Reporter;
  /** A line of output, masked, with its newline. */
  onOutput(text: string, stream: OutputStream): void;
  /** A request was worked off. */
  onDone?(): void;
  /** The shell has said its last word on this stream. */
  onBye?(stream: OutputStream): void;
  /** How the shell ended, where a record says so. */
  onEnd?(how: string): void;
  /** A path as the user knows it. */
  place(path: string): string;
}

/** What a shell that runs hooks says: output for people, and records between it. */
export interface Transcript {
  feed(text: string, stream: OutputStream): void;
  /** Passes on what came without a newline. */
  end(): void;
  /** ENABLED_SERVICES as it was last. */
  services(): string[];
  /** Why the shell stopped, where it has said so; asked for when it has ended. */
  failure(): StackwrightError | undefined;
  /** For a shell that ended without a word. */
  silentEnd(how: string): StackwrightError;
}

/** Lines of output that an error shows. */
const TAIL = 15;

/** Longer lines are passed on in pieces, so that output without an end fills no memory. */
const LONGEST_LINE = 65_536;

export function openTranscript(options: TranscriptOptions): Transcript {
  const { mark, reporter, place } = options;
  const rest: Record<OutputStream, string> = { stdout: '', stderr: '' };
  let output: string[] = [];
  let at = { script: '', phase: '' };
  let services: string[] = [];
  let failure: (ShellFailure & { at: typeof at }) | undefined;

  function pass(text: string, stream: OutputStream): void {
    if (text === '') return;
    const masked = mask(text);
    output.push(masked.replace(/\n$/, ''));
    if (output.length > TAIL) output = output.slice(-TAIL);
    options.onOutput(masked, stream);
  }

  function takeLine(line: string, stream: OutputStream): void {
    const begin = line.indexOf(mark);
    if (begin < 0) {
      pass(line, stream);
      return;
    }
    // Output without a newline stands before the record.
    pass(line.slice(0, begin), stream);
    const fields = line
      .slice(begin + mark.length)
      .replace(/\n$/, '')
      .split('\x1f')
      .map((field) => field.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter)));
    takeRecord(fields, stream);
  }

  function takeRecord([what, ...fields]: string[], stream: OutputStream): void {
    const [first = '', second = '', third = ''] = fields;
    const { script, phase } = at;
    switch (what) {
      case 'begin':
        at = { script: first, phase: second };
        output = [];
        reportHook(reporter, {
          code: 'hooks.script.started',
          level: 'debug',
          message: `${first}: ${second}`,
          data: { script: first, phase: second },
        });
        return;
      case 'end': {
        const seconds = Math.round(Number(third) / 10_000) / 100;
        reportHook(reporter, {
          code: 'hooks.script.finished',
          level: seconds < 1 ? 'debug' : 'info',
          message: `${first}: ${second} in ${seconds} s`,
          data: { script: first, phase: second, seconds },
        });
        return;
      }
      case 'summary':
        reportHook(reporter, {
          code: 'hooks.summary',
          level: 'info',
          message: mask(first),
          data: { script, phase, text: mask(first) },
        });
        return;
      case 'warn':
        reportHook(reporter, {
          code: 'hooks.warning',
          level: 'warn',
          message: mask(`${place(first)}:${second} ${third}`),
          data: { script, file: place(first), line: Number(second) || null, text: mask(third) },
        });
        return;
      case 'secret':
        registerSecret(first);
        return;
      case 'failure':
        failure ??= { ...readFailure(fields, place), at };
        return;
      case 'done':
        services = first.split(',').filter(Boolean);
        options.onDone?.();
        return;
      case 'bye':
        options.onBye?.(stream);
        return;
      case 'ended':
        options.onEnd?.(first);
    }
  }

  return {
    feed(text, stream) {
      const lines = (rest[stream] + text).split(/(?<=\n)/);
      const last = lines.at(-1) ?? '';
      rest[stream] = last.endsWith('\n') || last.length > LONGEST_LINE ? '' : (lines.pop() ?? '');
      for (const line of lines) takeLine(line, stream);
    },
    end() {
      for (const stream of ['stdout', 'stderr'] as const) {
        const text = rest[stream];
        rest[stream] = '';
        takeLine(text, stream);
      }
    },
    services: () => services,
    // What was said last may come after it, on the other stream.
    failure: () => failure && describeFailure(failure, failure.at, output),
    silentEnd: (how) =>
      describeFailure({ kind: 'exit', file: '', status: '', command: how, message: '', stack: [] }, at, output),
  };
}

interface ShellFailure {
  kind: string;
  file: string;
  line?: number;
  status: string;
  command: string;
  message: string;
  /** `FILE:LINE` of every caller, innermost first. */
  stack: string[];
}

function readFailure(fields: string[], place: (path: string) => string): ShellFailure {
  const [kind = '', file = '', line = '', status = '', command = '', message = '', stack = ''] = fields;
  return {
    kind,
    file: place(file),
    ...(/^\d+$/.test(line) ? { line: Number(line) } : {}),
    status,
    command: mask(command),
    message: mask(message),
    stack: stack.split('\n').filter(Boolean).map(place),
  };
}

function describeFailure(
  failure: ShellFailure,
  { script, phase }: { script: string; phase: string },
  output: string[],
): StackwrightError {
  const { kind, file, line, status, command, message, stack } = failure;
  const where = phase === 'settings' ? script : `${script} in the phase ${phase}`;
  const callers = stack.slice(1).map((caller) => `called from ${caller}`);
  const said = output.length === 0 ? [] : ['its last output:', ...output.map((text) => `  ${text}`)];
  const details = {
    ...(file === '' ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(command === '' ? {} : { value: command }),
    hint: [...callers, ...said].join('\n'),
  };
  switch (kind) {
    case 'timeout':
      return new StackwrightError('HookTimedOut', `${where} did not end within ${message} s`, {
        ...details,
        hint: [details.hint, 'see why it waits, or give it more time'].filter(Boolean).join('\n'),
      });
    case 'unsupported':
      return new StackwrightError('HookUnsupported', `${where} calls ${command}, which is not supported`, {
        ...details,
        hint: [message, ...callers].join('\n'),
      });
    case 'syntax':
      return new StackwrightError('HookInvalid', `${script} is not valid: ${message}`, details);
    case 'die':
      return new StackwrightError('HookFailed', `${where} gave up: ${message}`, details);
    case 'returned':
      return new StackwrightError('HookFailed', `${where} returned ${status}`, details);
    case 'exit':
      return new StackwrightError('HookFailed', `${where} ended the shell: ${command}`, details);
    default: {
      const why = message === '' ? '' : ` (${message})`;
      return new StackwrightError(
        'HookFailed',
        `${where} failed: ${command} ended with status ${status}${why}`,
        details,
      );
    }
  }
}
