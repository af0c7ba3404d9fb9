import type { Reporter, StackwrightEvent } from '../base/events.js';

/** What can happen to a role. */
export type RoleEvent =
  | StackwrightEvent<'role.unchanged', { name: string; version: string; identity: string }>
  | StackwrightEvent<'role.exported', { name: string; version: string; format: string; path: string }>
  | StackwrightEvent<
      'role.published',
      { name: string; version: string; identity: string; bytes: number; unpackedBytes: number; seconds: number }
    >;

export function reportRole(reporter: Reporter, event: RoleEvent): void {
  reporter.report(event);
}
