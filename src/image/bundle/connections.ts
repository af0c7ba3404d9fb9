import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Lets clients keep their connections as long as they like: apt sends its next request when it is done
 * with dpkg. Also those count that came from a listener in another network namespace.
 * @returns ends the server with all of them
 */
export function keepConnections(http: Server): () => Promise<void> {
  const sockets = new Set<Socket>();
  http.keepAliveTimeout = 0;
  http.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return async () => {
    http.close();
    for (const socket of sockets) socket.destroy();
  };
}
