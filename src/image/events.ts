import type { Reporter, StackwrightEvent } from '../base/events.js';

/** What can happen while an image is built. Seconds are wall time. */
export type ImageEvent =
  | StackwrightEvent<'image.unchanged', { path: string; identity: string }>
  | StackwrightEvent<'image.build.started', { identity: string; elements: string[]; logFile: string }>
  | StackwrightEvent<'image.build.finished', { identity: string; seconds: number; phases: Record<string, number> }>
  | StackwrightEvent<'image.output.written', { format: string; path: string; bytes: number; seconds: number }>
  | StackwrightEvent<'image.layers.held', { held: number; phase: string; step: string; reasons: string[] }>
  | StackwrightEvent<'image.layers.ended', { phase: string; step: string; reason: string }>
  | StackwrightEvent<'image.index.unknown', { url: string }>
  | StackwrightEvent<'image.initramfs.made', { phase: string; seconds: number }>
  | StackwrightEvent<'image.output.varies', { what: string }>
  | StackwrightEvent<'image.list.started', { name: string; number: number; images: number }>
  | StackwrightEvent<'image.list.finished', { name: string; seconds: number; status: number }>
  | StackwrightEvent<'image.bundle.written', { path: string; bytes: number; responses: number; files: number }>
  | StackwrightEvent<'image.bundle.lacks', { names: string[] }>
  | StackwrightEvent<'image.phase.started', { phase: string; steps: number }>
  | StackwrightEvent<'image.phase.finished', { phase: string; seconds: number }>
  | StackwrightEvent<'image.script.started', { phase: string; script: string; element: string }>
  | StackwrightEvent<'image.script.finished', { phase: string; script: string; element: string; seconds: number }>
  | StackwrightEvent<
      'image.script.failed',
      { phase: string; script: string; element: string; seconds: number; status: number }
    >
  | StackwrightEvent<'image.shell.opened', { breakpoint: string; phase: string; replay?: string }>
  | StackwrightEvent<'image.shell.refused', { breakpoint: string; phase: string; replay?: string }>;

export function reportImage(reporter: Reporter, event: ImageEvent): void {
  reporter.report(event);
}
