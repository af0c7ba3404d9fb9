import type { CommandContext } from '@stricli/core';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { mask } from '../base/mask.js';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { type SweptState, sweepTemporary } from '../base/temporary.js';
import { renderFailure } from './failure.js';
import { jsonReporter, textReporter } from './reporter.js';

/** What a command gets: where to write, and the state directory when it asks for it. */
export interface CliContext extends CommandContext {
  process: NodeJS.Process;
  /** Prints a line of result on standard output. */
  print(line: string): void;
  /** Prints a value as JSON on standard output. */
  printJson(value: unknown): void;
  /** Progress goes to standard error; with `json` as JSON lines. */
  reporter(options?: { json?: boolean; verbose?: boolean }): Reporter;
  /** The state directory, with what a killed command left behind removed first. */
  openState(reporter: Reporter): Promise<StateDirectory>;
}

export function createContext(): CliContext {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader (head, less) has gone: that is no failure.
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    process,
    print: (line) => process.stdout.write(`${mask(line)}\n`),
    printJson: (value) => process.stdout.write(`${mask(JSON.stringify(value, null, 2))}\n`),
    reporter: (options = {}) => (options.json ? jsonReporter() : textReporter(options.verbose ?? false)),
    async openState(reporter) {
      const state = stateDirectory();
      for (const swept of await sweepTemporary(state)) reporter.report(sweptEvent(swept));
      return state;
    },
  };
}

function sweptEvent({ what, things }: SweptState) {
  const message = `removed what a killed ${what} left behind (${things} things)`;
  return { code: 'state.swept', level: 'warn' as const, message, data: { what, things } };
}

/**
 * Runs the body of a command: expected failures are shown without a stack, with their exit status
 * (as JSON on standard error with `json`). Use it in every command.
 */
export async function command(context: CliContext, json: boolean, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    const failure = error instanceof StackwrightError ? error : undefined;
    const text = json && failure ? JSON.stringify({ error: failure.toJSON() }) : renderFailure(error);
    process.stderr.write(`${mask(text)}\n`);
    context.process.exitCode = failure?.details.exitStatus ?? 1;
  }
}
