import type { EventLevel, Json } from '../base/events.js';
import type { Db } from './database.js';

/** An event of a run as it was stored. */
export interface StoredEvent {
  time: Date;
  code: string;
  level: EventLevel;
  message: string;
  data: Json;
}

/** Events of all runs that may be stored while one of them is on its way. */
const RECENT = 1000n;

/** Reads what a run reports, by turns: each call answers the events that none has answered before, oldest first. */
export function eventReader(db: Db, run: string): () => Promise<StoredEvent[]> {
  const answered = new Set<string>();
  let last = 0n;
  return async () => {
    const rows = await db
      .selectFrom('event')
      .select(['id', 'time', 'code', 'level', 'message', 'data'])
      .where('run_id', '=', run)
      // Events are stored side by side: one with a smaller number may be there only after its neighbours.
      .where('id', '>', String(last - RECENT))
      .orderBy('id')
      .execute();
    const fresh = rows.filter(({ id }) => !answered.has(id));
    for (const { id } of fresh) answered.add(id);
    last = BigInt(rows.at(-1)?.id ?? last);
    return fresh.map(({ id: _, ...event }) => event);
  };
}
