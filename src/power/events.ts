import type { StackwrightEvent } from '../base/events.js';

export type PowerEvent = StackwrightEvent<
  'power.switched',
  { machine: string; action: string; boot: string | null; by: string; how: string }
>;
