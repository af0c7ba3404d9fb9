import type { Reporter, StackwrightEvent } from '../base/events.js';
import type { Station } from './stations.js';

export type QuickstartEvent =
  | StackwrightEvent<'quickstart.station.started', { station: Station }>
  | StackwrightEvent<'quickstart.station.finished', { station: Station; seconds: number }>;

/** Reports with the types of this domain checked. */
export function reportQuickstart(reporter: Reporter, event: QuickstartEvent): void {
  reporter.report(event);
}
