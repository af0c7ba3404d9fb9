import type { StackwrightEvent } from '../base/events.js';

/** Everything that the inventory reports. `machine` is the machine's id. */
export type InventoryEvent =
  | StackwrightEvent<'inventory.machine.discovered', { machine: string; name: string; identity: string }>
  | StackwrightEvent<'inventory.machine.matched', { machine: string; profile: string; site: string }>
  | StackwrightEvent<'inventory.machine.unmatched', { machine: string; site: string; reason: string }>
  | StackwrightEvent<'inventory.machine.out-of-records', { machine: string; profile: string; site: string }>
  /** `by`: `machine`, `server` or `operator NAME`. */
  | StackwrightEvent<
      'inventory.machine.state',
      { machine: string; from: string; to: string; reason: string; by: string }
    >
  | StackwrightEvent<'inventory.machine.derived', { machine: string }>
  /** A person changed files of the site and they were read. */
  | StackwrightEvent<'inventory.site.read', { site: string; files: string[] }>
  /** A person's edit is wrong; what the database has holds until it is corrected. */
  | StackwrightEvent<'inventory.site.wrong', { site: string; reason: string }>
  /** A person's edit took away, or freed, an entry that a machine has: the claim is kept. */
  | StackwrightEvent<'inventory.site.conflict', { site: string; file: string; entry: string; machine: string }>
  /** A claim is in the database but could not be shown in the files. */
  | StackwrightEvent<'inventory.site.unwritten', { site: string; reason: string }>;
