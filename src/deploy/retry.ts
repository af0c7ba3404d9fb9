import { StackwrightError } from '../base/errors.js';
import type { Sequence } from './plugin.js';

/**
 * The ids of the steps to do again: from the stage of a step on, of one host or of all.
 * @param from an id of a step, or what stands before its host
 * @throws StackwrightError `StepUnknown`
 */
export function stepsFrom(stages: Sequence[], { from, host }: { from: string; host?: string }): Set<string> {
  const isWanted = ({ id }: { id: string }) => id === from || id.slice(0, id.lastIndexOf('@')) === from;
  const first = stages.findIndex(({ steps }) => steps.some(isWanted));
  const again = stages
    .slice(first)
    .flatMap(({ steps }) => steps)
    .filter((step) => host === undefined || step.host === host);
  if (first >= 0 && again.length > 0) return new Set(again.map(({ id }) => id));
  const known = [...new Set(stages.flatMap(({ steps }) => steps).map(({ id }) => id.slice(0, id.lastIndexOf('@'))))];
  const what = first < 0 ? `no step ${from}` : `nothing to do on ${host} from ${from} on`;
  throw new StackwrightError('StepUnknown', `the run has ${what}`, {
    value: first < 0 ? from : host,
    hint: `its steps are ${known.join(', ')}`,
  });
}
