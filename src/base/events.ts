import { mask } from './mask.js';

export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * Something that happened. A domain lists its events in its `events.ts` as a union of these,
 * so that a code and the shape of its data belong together.
 */
export interface StackwrightEvent<Code extends string = string, Data = { [key: string]: Json }> {
  /** Stable, dotted, e.g. `image.script.finished`. */
  code: Code;
  level: EventLevel;
  /** One line for a person, masked. */
  message: string;
  data: Data;
}

/** Receives what happens. The command line draws it, `--json` prints it, the server keeps it. */
export interface Reporter {
  report(event: StackwrightEvent): void;
}

export const silentReporter: Reporter = { report: () => {} };

/** Sends every event to several reporters. */
export function teeReporter(...reporters: Reporter[]): Reporter {
  return {
    report: (event) => {
      for (const reporter of reporters) reporter.report(event);
    },
  };
}

/** Masks known secrets in an event's message and data. */
export function maskEvent(event: StackwrightEvent): StackwrightEvent {
  return { ...event, message: mask(event.message), data: JSON.parse(mask(JSON.stringify(event.data))) };
}
