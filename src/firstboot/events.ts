import type { StackwrightEvent } from '../base/events.js';

export type FirstbootEvent =
  /** A part of a config drive was refused or skipped, and what takes its place. */
  | StackwrightEvent<'firstboot.warning', { warning: string }>
  /** A config drive was written. */
  | StackwrightEvent<'firstboot.drive.built', { output: string; format: string; files: string[] }>;
