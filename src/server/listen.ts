import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { StackwrightError } from '../base/errors.js';
import type { StateDirectory } from '../base/state.js';

/**
 * A socket belongs to the network namespace in which it was made, wherever the process that holds it
 * lives. So a short-lived child in the namespace makes the listening socket and hands it over: the
 * server hears the rack, and still reaches PostgreSQL on the host's loopback.
 *
 * @returns a listening server; its connections are to be given to the HTTP server
 * @throws StackwrightError `ListenFailed`
 */
export async function listenInNamespace(
  state: StateDirectory,
  namespace: string,
  host: string,
  port: number,
): Promise<Server> {
  const program = state.path('listen-in-namespace.mjs');
  writeFileSync(program, CHILD, { mode: 0o600 });
  const child = fork(program, [host, String(port)], {
    execPath: 'nsenter',
    execArgv: [`--net=/run/netns/${namespace}`, process.execPath],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      reject(
        new StackwrightError('ListenFailed', `cannot listen on ${host}:${port} in namespace ${namespace}: ${reason}`, {
          value: `${host}:${port}`,
          hint: 'is another server there? stackwright lab down removes a rack with all that runs in it',
        }),
      );
    };
    child.on('error', (error) => fail(error.message));
    child.on('exit', (status) => fail(`the helper ended with status ${status}`));
    child.on('message', (message: { error?: string }, handle) => {
      if (message.error !== undefined || !handle) fail(message.error ?? 'no socket came');
      else resolve(handle as Server);
      // The child goes now: as long as it lives it shares the socket, and would take connections.
      child.disconnect();
    });
  });
}

/** Gives the connections of a listening socket to an HTTP server. */
export function serveConnections(listener: Server, http: Server): void {
  listener.on('connection', (socket: Socket) => http.emit('connection', socket));
}

const CHILD = `
import { createServer } from 'node:net';
const [host, port] = process.argv.slice(2);
const server = createServer();
server.on('error', (error) => process.send({ error: error.message }, () => process.exit(1)));
server.listen({ host, port: Number(port) }, () => {
  process.send({}, server);
});
process.on('disconnect', () => process.exit(0));
`;
