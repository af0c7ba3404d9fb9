import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import type { Db, MachineState } from '../engine/index.js';
import { findMachine, type Machine, setMachineState } from './machines.js';

/** What an operator does with a machine. */
export const operatorActions = ['reinstall', 'release', 'hold', 'retire'] as const;
export type OperatorAction = (typeof operatorActions)[number];

interface Change {
  /** Only from these; else from all that the inventory allows. */
  from?: readonly MachineState[];
  to: MachineState;
  /** Unless the operator gives another. */
  reason: string;
}

const changes: Record<OperatorAction, Change> = {
  reinstall: { from: ['installed', 'up', 'failed'], to: 'discovered', reason: 'to be installed again' },
  release: { from: ['failed', 'held', 'retired'], to: 'discovered', reason: 'released' },
  hold: { to: 'held', reason: 'held by an operator' },
  retire: { to: 'retired', reason: 'retired by an operator' },
};

/**
 * Does what an operator wants with the machine of this name, host name, UUID or id.
 * @param by `operator NAME`: it stands in the event
 * @throws StackwrightError `MachineUnknown`, `MachineAmbiguous`; `MachineStateInvalid`, so that a slip
 *   of the hand installs nothing again
 */
export async function operate(
  db: Db,
  wanted: string,
  action: OperatorAction,
  why: { reason?: string; by: string },
  reporter: Reporter,
): Promise<Machine> {
  const { id, name, state } = await findMachine(db, wanted);
  const { from, to, reason } = changes[action];
  if (from && !from.includes(state)) {
    throw new StackwrightError(
      'MachineStateInvalid',
      `${name} is ${state}: this is for a machine that is ${from.join(', ')}`,
      {
        value: state,
        hint: 'an installed machine needs node reinstall, one that was set aside node release',
      },
    );
  }
  return await setMachineState(db, id, to, why.reason ?? reason, reporter, why.by);
}
