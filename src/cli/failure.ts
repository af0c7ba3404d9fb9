import { text_en } from '@stricli/core';
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

/** The texts of the command line parser, with our own for what a command throws. */
export const describeFailure = {
  ...text_en,
  exceptionWhileLoadingCommandFunction: renderFailure,
  exceptionWhileRunningCommand: renderFailure,
  commandErrorResult: renderFailure,
};
