import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, rename } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../base/errors.js';
import { keepConnections } from './connections.js';
import { headersToKeep, isKept, type RecordedResponse, refuse, replay, wantedUrl } from './responses.js';
import type { UpstreamProxies } from './upstream.js';

/** A forward proxy on this host's loopback that keeps what passes through it. */
export interface Recorder extends AsyncDisposable {
  /** Its own. */
  url: string;
  /** In the order in which they were complete. */
  responses(): RecordedResponse[];
  /** Servers, such as `https://HOST`, of whose answers nothing is kept: they were encrypted, or no GET. */
  unkept(): string[];
}

/**
 * Fetches each URL once and whole, keeps it, and answers with what it keeps from then on: a build sees
 * one state of every archive. Nothing is ever whole in memory.
 * @param directory for contents; it is made
 */
export async function openRecorder(directory: string, upstream: UpstreamProxies): Promise<Recorder> {
  await mkdir(directory, { recursive: true });
  const kept = new Map<string, RecordedResponse>();
  const underway = new Map<string, Promise<void>>();
  const unkept = new Set<string>();
  let parts = 0;

  async function answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = wantedUrl(asked);
    if (!url) return refuse(response, 400, 'this is a proxy');
    if (url.protocol !== 'http:') {
      unkept.add(url.origin);
      return refuse(response, 501, `only http is recorded: ${url}`);
    }
    if (asked.method !== 'GET' && asked.method !== 'HEAD') {
      unkept.add(url.origin);
      return await passOn(await fetchFrom(url, asked, asked.headers, upstream), response);
    }
    // Another request for the same may fail, and then this one tries.
    while (underway.has(url.href)) await underway.get(url.href)?.catch(() => {});
    const known = kept.get(url.href);
    if (known) return await replay(known, directory, asked, response);
    const fetching = fetchAndKeep(url, asked, response);
    underway.set(url.href, fetching);
    await fetching.finally(() => underway.delete(url.href));
  }

  async function fetchAndKeep(url: URL, asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const origin = await fetchFrom(url, asked, wholeOnly(asked.headers), upstream);
    if (!isKept(origin)) return await passOn(origin, response);
    const status = origin.statusCode ?? 0;
    const headers = headersToKeep(origin);
    const length = origin.headers['content-length'];
    response.writeHead(status, { ...headers, ...(length === undefined ? {} : { 'content-length': length }) });
    const part = join(directory, `part-${parts++}`);
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await open(part, 'wx');
    try {
      for await (const chunk of origin as AsyncIterable<Buffer>) {
        hash.update(chunk);
        bytes += chunk.length;
        await file.writeFile(chunk);
        await send(response, chunk);
      }
    } finally {
      await file.close();
    }
    const sha256 = hash.digest('hex');
    await rename(part, join(directory, sha256));
    kept.set(url.href, { url: url.href, status, headers, sha256, bytes });
    response.end();
  }

  const http = createServer((asked, response) => {
    answer(asked, response).catch((error) => refuse(response, 502, messageOf(error)));
  });
  http.on('connect', (asked: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => {});
    const address = `https://${asked.url}`;
    if (!URL.canParse(address)) return client.destroy();
    const url = new URL(address);
    unkept.add(url.origin);
    return tunnel(url, asked, client, head, upstream).catch(() => client.destroy());
  });
  const end = keepConnections(http);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    responses: () => [...kept.values()],
    unkept: () => [...unkept].sort(),
    [Symbol.asyncDispose]: end,
  };
}

/** They concern one connection (RFC 9110, 7.6.1). */
const ofConnection =
  /^(connection|proxy-connection|keep-alive|proxy-auth.*|te|trailer|transfer-encoding|upgrade|host)$/;

/** The whole file as it is: no part, no answer that depends on what the client has. */
function wholeOnly(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const entries = Object.entries(headers);
  return Object.fromEntries(entries.filter(([name]) => !/^(range|if-.*|accept-encoding)$/.test(name)));
}

/** Seconds without a byte after which a server is given up. */
const patience = 120;

async function fetchFrom(
  url: URL,
  asked: IncomingMessage,
  headers: IncomingHttpHeaders,
  upstream: UpstreamProxies,
): Promise<IncomingMessage> {
  const proxy = upstream(url, asked.headers['user-agent']);
  const passed = Object.entries(headers).filter(([name]) => !ofConnection.test(name));
  const sent = request({
    method: asked.method === 'HEAD' ? 'GET' : asked.method,
    host: (proxy ?? url).hostname,
    port: (proxy ?? url).port || 80,
    path: proxy ? url.href : `${url.pathname}${url.search}`,
    headers: { ...Object.fromEntries(passed), host: url.host, ...(proxy ? authorization(proxy) : {}) },
    // A connection that the server closes meanwhile would fail the next request.
    agent: false,
    timeout: patience * 1000,
  });
  sent.on('timeout', () => sent.destroy(new Error(`${url.host} did not answer within ${patience} s`)));
  const answered = once(sent, 'response');
  // Later the answer breaks off, and that is where it is seen.
  sent.on('error', () => {});
  asked.pipe(sent);
  const [origin] = (await answered) as [IncomingMessage];
  return origin;
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const words = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(words).toString('base64')}` };
}

async function passOn(origin: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers = Object.entries(origin.headers).filter(([name]) => !ofConnection.test(name));
  response.writeHead(origin.statusCode ?? 502, Object.fromEntries(headers));
  await pipeline(origin, response);
}

/** What a client no longer wants is kept all the same. */
async function send(response: ServerResponse, chunk: Buffer): Promise<void> {
  if (response.destroyed || response.write(chunk)) return;
  const gone = new AbortController();
  const { signal } = gone;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).catch(() => {});
  gone.abort();
}

async function tunnel(
  url: URL,
  asked: IncomingMessage,
  client: Duplex,
  head: Buffer,
  upstream: UpstreamProxies,
): Promise<void> {
  const proxy = upstream(url, asked.headers['user-agent']);
  const server = proxy ? await tunnelThrough(proxy, url) : connect(Number(url.port || 443), url.hostname);
  if (!proxy) await once(server, 'connect');
  client.write('HTTP/1.1 200 Connection established\r\n\r\n');
  server.write(head);
  await Promise.all([pipeline(client, server), pipeline(server, client)]);
}

async function tunnelThrough(proxy: URL, url: URL): Promise<Duplex> {
  const path = `${url.hostname}:${url.port || 443}`;
  const headers = { host: path, ...authorization(proxy) };
  const options = { method: 'CONNECT', host: proxy.hostname, port: proxy.port || 80, path, headers, agent: false };
  const sent = request({ ...options, timeout: patience * 1000 }).end();
  const [answer, socket] = (await once(sent, 'connect')) as [IncomingMessage, Duplex];
  if (answer.statusCode === 200) return socket;
  socket.destroy();
  throw new Error(`${proxy.host} answered ${answer.statusCode}`);
}
