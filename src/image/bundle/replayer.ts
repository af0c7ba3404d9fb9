import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/errors.js';
import { serveConnections } from '../../base/listen.js';
import { keepConnections } from './connections.js';
import { type RecordedResponse, refuse, replay, wantedUrl } from './responses.js';

/** A forward proxy that answers with what was recorded, and 504 to everything else. */
export interface Replayer extends AsyncDisposable {
  /** Answers the connections of a listening socket, which ends with it. */
  serve(listener: Server): void;
}

/** @param onMissing called with every URL that is not there, and every https server that is asked for */
export function openReplayer(
  responses: RecordedResponse[],
  directory: string,
  onMissing: (name: string) => void,
): Replayer {
  const kept = new Map(responses.map((recorded) => [recorded.url, recorded]));

  async function answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = wantedUrl(asked);
    if (!url) return refuse(response, 400, 'this is a proxy');
    const known = asked.method === 'GET' || asked.method === 'HEAD' ? kept.get(url.href) : undefined;
    if (known) return await replay(known, directory, asked, response);
    onMissing(url.href);
    refuse(response, 504, `not in the bundle: ${url}`);
  }

  const http = createServer((asked, response) => {
    answer(asked, response).catch((error) => refuse(response, 500, messageOf(error)));
  });
  http.on('connect', (asked: IncomingMessage, client: Duplex) => {
    onMissing(`https://${asked.url?.replace(/:443$/, '')}`);
    client.on('error', () => {});
    client.end('HTTP/1.1 504 Not in the bundle\r\nContent-Length: 0\r\n\r\n');
  });
  const end = keepConnections(http);
  const listeners: Server[] = [];
  return {
    serve(listener) {
      listeners.push(listener);
      serveConnections(listener, http);
    },
    async [Symbol.asyncDispose]() {
      for (const listener of listeners) listener.close();
      await end();
    },
  };
}
