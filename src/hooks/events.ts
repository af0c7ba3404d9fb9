import type { Reporter, StackwrightEvent } from '../base/events.js';

/** What the hooks domain reports. */
export type HookEvent =
  | StackwrightEvent<'hooks.name.noted', { name: string }>
  | StackwrightEvent<'hooks.script.started', { script: string; phase: string }>
  | StackwrightEvent<'hooks.script.finished', { script: string; phase: string; seconds: number }>
  | StackwrightEvent<'hooks.summary', { script: string; phase: string; text: string }>
  | StackwrightEvent<'hooks.warning', { script: string; file: string; line: number | null; text: string }>;

export function reportHook(reporter: Reporter, event: HookEvent): void {
  reporter.report(event);
}
