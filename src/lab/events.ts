import type { Reporter, StackwrightEvent } from '../base/events.js';

export type LabEvent =
  | StackwrightEvent<'lab.accelerator', { accelerator: string; reason: string }>
  | StackwrightEvent<'lab.part.started', { part: string }>
  | StackwrightEvent<'lab.part.restarted', { part: string }>
  | StackwrightEvent<'lab.machine.powered', { machine: string; on: boolean }>
  | StackwrightEvent<'lab.removed', { name: string }>;

/** Reports with the types of this domain checked. */
export function reportLab(reporter: Reporter, event: LabEvent): void {
  reporter.report(event);
}
