import type { Reporter, StackwrightEvent } from '../base/events.js';

export type ServerEvent =
  | StackwrightEvent<'server.listening', { address: string }>
  | StackwrightEvent<'server.machine.booting', { mac: string; uuid: string; machine: string }>
  | StackwrightEvent<'server.machine.progress', { machine: string; station: string; percent: number | null }>
  | StackwrightEvent<'server.machine.log', { machine: string; file: string }>
  | StackwrightEvent<'server.machine.installed', { machine: string; disk: string }>
  | StackwrightEvent<'server.watch.failed', { error: string }>
  | StackwrightEvent<'server.request.failed', { method: string; url: string; error: string }>;

/** Reports with the types of this face checked. */
export function reportServer(reporter: Reporter, event: ServerEvent): void {
  reporter.report(event);
}
