import { StackwrightError } from '../base/errors.js';

/**
 * Where a build stops and opens a shell: `after-error`, `before-PHASE`, `after-PHASE`, as
 * diskimage-builder names them in its variable `break`; a phase is `install` or `install.d`.
 */
export type Breakpoint = string;

/**
 * @param text several, separated by commas or blanks
 * @throws StackwrightError `BreakpointUnknown`
 */
export function parseBreakpoints(text: string, phases: string[]): Set<Breakpoint> {
  const known = new Set(['after-error', ...phases.flatMap((phase) => [`before-${phase}`, `after-${phase}`])]);
  const words = text.split(/[\s,]+/).filter(Boolean);
  return new Set(
    words.map((word) => {
      const name = word === 'after-error' || word.endsWith('.d') ? word : `${word}.d`;
      if (known.has(name)) return name;
      throw new StackwrightError('BreakpointUnknown', `a build cannot stop at ${word}`, {
        value: text,
        hint: `break= takes after-error, and before-PHASE or after-PHASE of ${phases.join(', ')}`,
        exitStatus: 2,
      });
    }),
  );
}
