import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { listenInNamespace, serveConnections } from './listen.js';

it('answers every connection made in another network namespace, and none from its own', async () => {
  const namespace = `test-${randomBytes(3).toString('hex')}`;
  execFileSync('ip', ['netns', 'add', namespace]);
  execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  const http = createServer((_request, response) => response.end('hello'));
  try {
    const listener = await listenInNamespace(`/run/netns/${namespace}`, '127.0.0.1', 18080);
    serveConnections(listener, http);

    const answers = await Promise.all(Array.from({ length: 20 }, () => get(['netns', 'exec', namespace])));

    expect(answers).toEqual(Array.from({ length: 20 }, () => 'hello'));
    await expect(fetch('http://127.0.0.1:18080/')).rejects.toThrow('fetch failed');
    listener.close();
  } finally {
    execFileSync('ip', ['netns', 'delete', namespace]);
  }
});

async function get(inside: string[]): Promise<string> {
  const { execa } = await import('execa');
  const { stdout } = await execa('ip', [...inside, 'nc', '-w', '5', '127.0.0.1', '18080'], {
    input: 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  });
  return stdout.split('\n').at(-1) ?? '';
}
