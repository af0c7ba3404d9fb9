import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode, StackwrightError } from './errors.js';

/** What is held by this process alone, until it is disposed of or the process ends in whatever way. */
export type Lock = AsyncDisposable;

/**
 * Takes what a path names for this process. The lock is a listening socket of Linux's abstract
 * namespace, which the kernel frees with its process: so a killed one leaves nothing to clean up.
 * @param what for the error, e.g. `the lab "lab"`
 * @param patience seconds to wait for another process
 * @throws StackwrightError `Busy`
 */
export async function takeLock(path: string, what: string, patience: number): Promise<Lock> {
  const name = `\0stackwright-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  const deadline = Date.now() + patience * 1000;
  for (;;) {
    const server = await listen(name);
    if (server) return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
    if (Date.now() >= deadline) {
      throw new StackwrightError('Busy', `another command is at work on ${what}`, {
        value: path,
        hint: 'wait for it, or end it; what it has begun is taken up by the next one',
      });
    }
    await delay(100);
  }
}

/** Undefined where another process, or another part of this one, listens already. */
function listen(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', (error) => (hasCode(error, 'EADDRINUSE') ? resolve(undefined) : reject(error)));
    // It must not keep a command alive that has nothing else to do.
    server.listen(name, () => resolve(server.unref()));
  });
}
