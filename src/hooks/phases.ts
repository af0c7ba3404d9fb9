import { StackwrightError } from '../base/errors.js';

/** The points at which hooks are called, in the order of a deployment and what undoes it. */
export const phases = [
  'override_defaults',
  'source',
  'stack pre-install',
  'stack install',
  'stack post-config',
  'stack extra',
  'stack test-config',
  'unstack',
  'clean',
] as const;

export type Phase = (typeof phases)[number];

/** What a TypeScript hook exports for a phase. */
export const exportNames: Record<Phase, string> = {
  override_defaults: 'overrideDefaults',
  source: 'source',
  'stack pre-install': 'preInstall',
  'stack install': 'install',
  'stack post-config': 'postConfig',
  'stack extra': 'extra',
  'stack test-config': 'testConfig',
  unstack: 'unstack',
  clean: 'clean',
};

/** @throws StackwrightError `HookPhaseUnknown` */
export function parsePhase(text: string): Phase {
  const words = text.trim().split(/\s+/).join(' ');
  const found = phases.find((phase) => phase === words);
  if (found) return found;
  throw new StackwrightError('HookPhaseUnknown', `there is no phase ${text}`, {
    value: text,
    hint: `the phases are ${phases.map((phase) => (phase.includes(' ') ? `"${phase}"` : phase)).join(', ')}`,
    exitStatus: 2,
  });
}

/** A phase as the words that a script gets: mode, and phase within it. */
export function phaseWords(phase: Phase): string[] {
  return phase.split(' ');
}

/** The groups of local.conf that are merged before and after a phase. */
export function mergeGroups(phase: Phase): { before: string[]; after: string[] } {
  if (phase === 'stack extra') return { before: ['extra'], after: ['post-extra'] };
  const [mode, name] = phaseWords(phase);
  return { before: [], after: mode === 'stack' && name !== undefined ? [name] : [] };
}
