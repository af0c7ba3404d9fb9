import type { StackwrightEvent } from '../base/events.js';

export type FirstbootEvent =
  /** A part of a drive was refused, skipped or not read, and what takes its place. */
  | StackwrightEvent<'firstboot.warning', { warning: string }>
  /** A config drive was written. */
  | StackwrightEvent<'firstboot.drive.built', { output: string; format: string; files: string[] }>;
