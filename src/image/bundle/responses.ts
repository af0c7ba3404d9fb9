import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';

/** What a server answered to a GET of a URL. Its content is in a file named by `sha256`. */
export const recordedResponse = z.strictObject({
  url: z.string(),
  status: z.int().min(200).max(499),
  /** Only those in `keptHeaders`. */
  headers: z.record(z.string(), z.string()),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().min(0),
});

export type RecordedResponse = z.infer<typeof recordedResponse>;

/** Headers by which apt, curl, wget and git decide what to do. The length is that of the content. */
const keptHeaders = ['content-type', 'content-encoding', 'last-modified', 'etag', 'location'];

/** Answers that are as good tomorrow. Others, such as a question for a password, are passed on only. */
const keptStatuses = new Set([200, 301, 302, 303, 307, 308, 403, 404, 410]);

export function isKept({ statusCode = 0 }: IncomingMessage): boolean {
  return keptStatuses.has(statusCode);
}

export function headersToKeep({ headers }: IncomingMessage): Record<string, string> {
  const found = keptHeaders.map((name) => [name, headers[name]] as const);
  return Object.fromEntries(found.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/**
 * The URL of a request to a proxy, which is absolute (RFC 9112, 3.2.2); undefined for one to a plain
 * server. A name and password in it are left out: they are in no bundle.
 */
export function wantedUrl({ url = '' }: IncomingMessage): URL | undefined {
  if (!URL.canParse(url)) return undefined;
  const wanted = new URL(url);
  wanted.username = '';
  wanted.password = '';
  wanted.hash = '';
  return wanted;
}

/** Answers with the whole of what was recorded; conditions and ranges of a request may be ignored (RFC 9110, 14.2). */
export async function replay(
  { status, headers, sha256, bytes }: RecordedResponse,
  directory: string,
  { method }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(status, { ...headers, 'content-length': bytes });
  if (method === 'HEAD') response.end();
  else await pipeline(createReadStream(join(directory, sha256)), response);
}

/** Answers with a sentence of ours. What cannot be answered any more is broken off, so that it is not taken for whole. */
export function refuse(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(`${reason}\n`);
}
