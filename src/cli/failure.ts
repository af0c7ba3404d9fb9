import { type ApplicationText, text_en } from '@stricli/core';
import { StackwrightError } from '../base/errors.js';
import { mask } from '../base/mask.js';
import { errorColors } from './colors.js';

/** An error as a person reads it: what, where, what to do. A bug of ours shows its stack. */
export function renderFailure(error: unknown): string {
  if (!(error instanceof StackwrightError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return mask(`${errorColors.red('bug')} ${stack}`);
  }
  const lines = [`${errorColors.red('error')} ${error.message} ${errorColors.dim(`[${error.code}]`)}`];
  if (error.place) lines.push(`  at    ${error.place}`);
  if (error.details.value !== undefined) lines.push(`  value ${indent(error.details.value)}`);
  if (error.details.hint) lines.push(`  hint  ${indent(error.details.hint)}`);
  return mask(lines.join('\n'));
}

function indent(text: string): string {
  return text.split('\n').join('\n        ');
}

/** Words of the command line that cannot be meant. */
export function wrongUsage(message: string, hint?: string): StackwrightError {
  return new StackwrightError('WrongUsage', message, { exitStatus: 2, ...(hint ? { hint } : {}) });
}

/** What the parser refuses, as other errors are told; as JSON where a script asks for that. */
function refusal(message: string): string {
  const error = wrongUsage(message, 'every command has examples: stackwright COMMAND --help');
  return process.argv.includes('--json') ? JSON.stringify({ error: error.toJSON() }) : renderFailure(error);
}

/** The texts of the command line parser, with our own for what it refuses and for what a command throws. */
export const describeFailure: ApplicationText = {
  ...text_en,
  noCommandRegisteredForInput: (input) => refusal(text_en.noCommandRegisteredForInput(input)),
  exceptionWhileParsingArguments: (error, color) => refusal(text_en.exceptionWhileParsingArguments(error, color)),
  exceptionWhileLoadingCommandFunction: renderFailure,
  exceptionWhileRunningCommand: renderFailure,
  commandErrorResult: renderFailure,
};
