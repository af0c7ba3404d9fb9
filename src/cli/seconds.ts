import { StackwrightError } from '../base/errors.js';

/**
 * The value of a flag that is a time limit.
 * @throws StackwrightError `WrongUsage`
 */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= 86_400) return seconds;
  throw new StackwrightError('WrongUsage', `${text} is no number of seconds between 1 and 86400`, { exitStatus: 2 });
}
