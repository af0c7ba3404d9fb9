import type { Reporter, StackwrightEvent } from '../base/events.js';

export type NetbootEvent =
  | StackwrightEvent<'netboot.ramdisk.building', { kernelPackage: string }>
  | StackwrightEvent<'netboot.ramdisk.built', { seconds: number; bytes: number; kernel: string }>
  | StackwrightEvent<'netboot.media.written', { path: string; bytes: number }>
  | StackwrightEvent<'netboot.ramdisk.cached', { bytes: number; kernel: string }>;

/** Reports with the types of this domain checked. */
export function reportNetboot(reporter: Reporter, event: NetbootEvent): void {
  reporter.report(event);
}
