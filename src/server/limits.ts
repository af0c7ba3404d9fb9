import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { StackwrightError } from '../base/errors.js';

/** Connections at once: of one address (a network behind a router is one), and of all. */
const ADDRESS_CONNECTIONS = 1000;
const ALL_CONNECTIONS = 8000;

const MINUTE_MS = 60_000;

/**
 * So many times a minute for each key, from its first time on. Who asks more often is refused until
 * that minute is over; nobody else is.
 */
export class Allowance {
  private readonly perMinute: number;
  private readonly taken = new Map<string, { since: number; count: number }>();
  private cleared = 0;

  constructor(perMinute: number) {
    this.perMinute = perMinute;
  }

  /** @throws StackwrightError `TooManyRequests` */
  take(key: string, now = Date.now()): void {
    this.forget(now);
    const known = this.taken.get(key);
    const own = known && now - known.since < MINUTE_MS ? known : { since: now, count: 0 };
    own.count++;
    this.taken.set(key, own);
    if (own.count <= this.perMinute) return;
    throw new StackwrightError('TooManyRequests', `more than ${this.perMinute} requests in a minute`, {
      value: key,
      hint: 'wait a minute',
    });
  }

  /** Once a minute, so that those who come once are not kept for ever. */
  private forget(now: number): void {
    if (now - this.cleared < MINUTE_MS) return;
    this.cleared = now;
    for (const [key, { since }] of this.taken) if (now - since >= MINUTE_MS) this.taken.delete(key);
  }
}

/** What requests a server takes. Each server counts for itself. */
export interface Limits {
  /** Requests without a valid token, by address: boot scripts, and guesses. */
  strangers: Allowance;
  /** Forms with facts, logs and failures, by machine. */
  uploads: Allowance;
}

export const newLimits = (): Limits => ({ strangers: new Allowance(1200), uploads: new Allowance(60) });

/** A host that opens connections and says nothing leaves room for others. */
export function limitConnections({ server }: FastifyInstance): void {
  server.maxConnections = ALL_CONNECTIONS;
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
    if (count > ADDRESS_CONNECTIONS) socket.destroy();
  });
}
