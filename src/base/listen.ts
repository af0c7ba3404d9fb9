import { spawn } from 'node:child_process';
import type { Server, Socket } from 'node:net';
import { StackwrightError } from './errors.js';

/**
 * A socket belongs to the network namespace in which it was made, wherever the process that holds it
 * lives. So a short-lived child in the namespace makes the listening socket and hands it over: a
 * server hears the namespace, and still reaches what is outside of it.
 *
 * @param namespace its file, such as `/run/netns/NAME` or `/proc/PID/ns/net`
 * @returns a listening server; its connections are to be given to the HTTP server
 * @throws StackwrightError `ListenFailed`
 */
export async function listenInNamespace(namespace: string, host: string, port: number): Promise<Server> {
  const node = [process.execPath, '--input-type=module', '--eval', CHILD, host, String(port)];
  const child = spawn('nsenter', [`--net=${namespace}`, ...node], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
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
const [host, port] = process.argv.slice(1);
const server = createServer();
server.on('error', (error) => process.send({ error: error.message }, () => process.exit(1)));
server.listen({ host, port: Number(port) }, () => {
  process.send({}, server);
});
process.on('disconnect', () => process.exit(0));
`;
