import { setTimeout as delay } from 'node:timers/promises';
import type { CommandOptions, CommandResult } from '../base/command.js';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { importTypescript } from '../base/import-typescript.js';
import { mask } from '../base/mask.js';
import { reportHook } from './events.js';
import { exportNames, type Phase, phases } from './phases.js';
import type { HookScript } from './scripts.js';

/** Values of the answer file. */
export interface HookConfiguration {
  get(name: string): string;
  /** True for `y`. */
  is(name: string): boolean;
  list(name: string): string[];
  entries(): [string, string][];
}

export interface HookHost {
  name: string;
  /** At which other hosts reach it. */
  address: string;
}

/** What a TypeScript hook works with. */
export interface HookContext {
  phase: Phase;
  /** Empty where no answer file was given. */
  configuration: HookConfiguration;
  hosts: HookHost[];
  /** The host on which the shell hooks run. */
  controller: HookHost;
  /** ENABLED_SERVICES as the shell hooks before this one have left it. */
  services: string[];
  /** Runs a program on a host; words are quoted, a failing program is an exception. */
  run(
    host: HookHost,
    words: string[],
    options?: Pick<CommandOptions, 'input' | 'timeout' | 'okStatuses'>,
  ): Promise<CommandResult>;
  /** Says a line to the user. */
  say(text: string): void;
  warn(text: string): void;
}

/** A function that a hook exports under the name of a phase: `install`, `postConfig`, … */
export type HookFunction = (context: HookContext) => void | Promise<void>;

export interface HookSurroundings extends Omit<HookContext, 'phase' | 'say' | 'warn'> {
  reporter: Reporter;
  /** Seconds. */
  limit: number;
}

/**
 * Calls what a TypeScript hook exports for a phase, if anything.
 * @throws StackwrightError `HookInvalid`, `HookFailed`, `HookTimedOut`
 */
export async function runTypescriptHook(
  script: HookScript,
  phase: Phase,
  surroundings: HookSurroundings,
): Promise<void> {
  const { reporter, limit, ...given } = surroundings;
  const { name } = script;
  const work = (await loadHook(script))[exportNames[phase]];
  if (!work) return;
  const about = { script: name, phase };
  reportHook(reporter, { code: 'hooks.script.started', level: 'debug', message: `${name}: ${phase}`, data: about });
  const began = Date.now();
  const context: HookContext = {
    ...given,
    phase,
    say: (text) =>
      reportHook(reporter, {
        code: 'hooks.summary',
        level: 'info',
        message: mask(text),
        data: { ...about, text: mask(text) },
      }),
    warn: (text) =>
      reportHook(reporter, {
        code: 'hooks.warning',
        level: 'warn',
        message: mask(`${name}: ${text}`),
        data: { script: name, file: script.path, line: null, text: mask(text) },
      }),
  };
  await withinLimit(() => work(context), script, phase, limit);
  const seconds = (Date.now() - began) / 1000;
  reportHook(reporter, {
    code: 'hooks.script.finished',
    level: seconds < 1 ? 'debug' : 'info',
    message: `${name}: ${phase} in ${seconds} s`,
    data: { ...about, seconds },
  });
}

async function withinLimit(
  work: () => void | Promise<void>,
  script: HookScript,
  phase: Phase,
  limit: number,
): Promise<void> {
  const cancel = new AbortController();
  const alarm = delay(limit * 1000, 'late' as const, { signal: cancel.signal, ref: false });
  alarm.catch(() => {
    // The work ended first.
  });
  try {
    if ((await Promise.race([work(), alarm])) !== 'late') return;
  } catch (error) {
    throw hookFailed(script, phase, error);
  } finally {
    cancel.abort();
  }
  throw new StackwrightError('HookTimedOut', `${script.name} in the phase ${phase} did not end within ${limit} s`, {
    file: script.path,
    hint: 'see why it waits, or give it more time',
  });
}

function hookFailed(script: HookScript, phase: Phase, error: unknown): StackwrightError {
  const details = error instanceof StackwrightError ? error.details : {};
  const stack = (error instanceof Error && error.stack) || '';
  const [, line] = stack.split(`${script.name}:`)[1]?.match(/^(\d+):/) ?? [];
  return new StackwrightError('HookFailed', `${script.name} in the phase ${phase} failed: ${messageOf(error)}`, {
    file: script.path,
    ...(line === undefined ? {} : { line: Number(line) }),
    ...(details.value === undefined ? {} : { value: details.value }),
    ...(details.hint === undefined ? {} : { hint: details.hint }),
    cause: error,
  });
}

async function loadHook(script: HookScript): Promise<Record<string, HookFunction>> {
  let exported: Record<string, unknown>;
  try {
    exported = await importTypescript(script.path);
  } catch (error) {
    throw new StackwrightError('HookInvalid', `${script.name} does not load: ${messageOf(error)}`, {
      file: script.path,
      hint: 'correct the hook',
      cause: error,
    });
  }
  const known = phases.map((phase) => exportNames[phase]);
  for (const [name, value] of Object.entries(exported)) {
    if (typeof value === 'function' && known.includes(name)) continue;
    throw new StackwrightError('HookInvalid', `${script.name} exports ${name}, which is no phase`, {
      file: script.path,
      value: name,
      hint: `export functions of the names ${known.join(', ')}`,
    });
  }
  return exported as Record<string, HookFunction>;
}
