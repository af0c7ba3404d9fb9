import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openRecorder, type Recorder } from './recorder.js';
import { openReplayer, type Replayer } from './replayer.js';
import { upstreamProxies } from './upstream.js';

const exec = promisify(execFile);

let work: string;
let servers: Server[];
let recorder: Recorder;
let replayer: Replayer | undefined;
let asked: { method?: string; url?: string; headers: IncomingMessage['headers'] }[];
let origin: string;
/** How the origin answers. */
let answer: RequestListener;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-recorder-'));
  servers = [];
  asked = [];
  answer = (_request, response) => response.end('hello');
  origin = await listen(
    createServer((request, response) => {
      asked.push({ method: request.method, url: request.url, headers: request.headers });
      answer(request, response);
    }),
  );
  recorder = await openRecorder(join(work, 'http'), () => undefined);
});

afterEach(async () => {
  await recorder[Symbol.asyncDispose]();
  await replayer?.[Symbol.asyncDispose]();
  replayer = undefined;
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(work, { recursive: true });
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** As a script of a build asks. */
async function curl(proxy: string, ...args: string[]): Promise<string> {
  const { stdout } = await exec('curl', ['-sS', '--noproxy', '', '--proxy', proxy, ...args], { maxBuffer: 2 ** 28 });
  return stdout;
}

const statusOnly = ['-o', '/dev/null', '-w', '%{http_code}'];

async function replaying(missing: string[] = []): Promise<string> {
  replayer = openReplayer(recorder.responses(), join(work, 'http'), (name) => missing.push(name));
  const listener = createSocketServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  replayer.serve(listener);
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

it('keeps content with the headers that matter, and answers with the same', async () => {
  answer = (_request, response) => {
    const headers = { 'content-type': 'text/x-deb', etag: '"7"', 'last-modified': 'Sat, 01 Aug 2026 00:00:00 GMT' };
    response.writeHead(200, { ...headers, 'set-cookie': 'secret=1', 'x-cache': 'HIT' }).end('package');
  };
  const recorded = await curl(recorder.url, `${origin}/pool/a.deb?x=1`);

  expect(recorder.responses()).toEqual([
    {
      url: `${origin}/pool/a.deb?x=1`,
      status: 200,
      headers: { 'content-type': 'text/x-deb', etag: '"7"', 'last-modified': 'Sat, 01 Aug 2026 00:00:00 GMT' },
      sha256: sha256('package'),
      bytes: 7,
    },
  ]);
  expect(readdirSync(join(work, 'http'))).toEqual([sha256('package')]);
  const replayed = await curl(await replaying(), '-i', `${origin}/pool/a.deb?x=1`);
  expect([recorded, replayed.split('\r\n\r\n')[1]]).toEqual(['package', 'package']);
  expect(replayed).toMatch(/^content-length: 7\r$/im);
  expect(replayed).toMatch(/^last-modified: Sat, 01 Aug 2026 00:00:00 GMT\r$/im);
  expect(asked).toHaveLength(1);
});

it('asks for the whole file also where a client has a part, or an older one', async () => {
  const conditions = ['-H', 'If-Modified-Since: Sat, 01 Aug 2026 00:00:00 GMT', '-H', 'If-None-Match: "7"'];

  await curl(recorder.url, '-r', '2-3', '--compressed', ...conditions, '-A', 'test', `${origin}/a`);

  expect(asked[0]?.headers).toEqual({
    host: origin.slice(7),
    accept: '*/*',
    'user-agent': 'test',
    connection: 'close',
  });
  expect(await curl(recorder.url, ...conditions, `${origin}/a`)).toBe('hello');
});

it('keeps that there is nothing, and where it has gone', async () => {
  answer = ({ url }, response) => {
    if (url === '/old') response.writeHead(302, { location: '/new' }).end();
    else response.writeHead(url === '/new' ? 200 : 404).end(url);
  };

  await curl(recorder.url, '-L', `${origin}/old`);
  await curl(recorder.url, `${origin}/none`);

  const proxy = await replaying();
  expect(await curl(proxy, '-L', `${origin}/old`)).toBe('/new');
  expect(await curl(proxy, ...statusOnly, `${origin}/none`)).toBe('404');
});

it('fetches a URL once, however often and however fast it is asked for', async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => curl(recorder.url, `${origin}/same`)));

  expect(answers).toEqual(Array(5).fill('hello'));
  expect(asked).toHaveLength(1);
});

it('passes on what may be another answer tomorrow, and keeps nothing of it', async () => {
  let status = 503;
  answer = (_request, response) => response.writeHead(status, { 'www-authenticate': 'Basic' }).end('later');

  expect(await curl(recorder.url, `${origin}/busy`)).toBe('later');
  status = 401;
  expect(await curl(recorder.url, '-i', `${origin}/closed`)).toContain('Basic');

  expect(recorder.responses()).toEqual([]);
  status = 200;
  expect(await curl(recorder.url, ...statusOnly, `${origin}/busy`)).toBe('200');
});

it('passes on a password, and keeps none', async () => {
  await curl(recorder.url, `${origin.replace('//', '//me:secret@')}/a`);

  expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
  expect(JSON.stringify(recorder.responses())).not.toContain('secret');
});

it('passes on a POST, and says that it is not kept', async () => {
  answer = (request, response) => request.pipe(response);

  expect(await curl(recorder.url, '-d', 'question', `${origin}/git-upload-pack`)).toBe('question');

  expect(recorder.responses()).toEqual([]);
  expect(recorder.unkept()).toEqual([origin]);
});

it('answers 502 where a server cannot be reached', async () => {
  expect(await curl(recorder.url, ...statusOnly, 'http://127.0.0.1:1/')).toBe('502');
});

it('keeps nothing of an answer that breaks off, and lets the client see it', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'content-length': 10 }).write('half');
    setTimeout(() => response.destroy(), 50);
  };

  await expect(curl(recorder.url, `${origin}/a`)).rejects.toThrow(/transfer closed|partial|empty reply/i);

  expect(recorder.responses()).toEqual([]);
  answer = (_request, response) => response.end('whole');
  expect(await curl(recorder.url, `${origin}/a`)).toBe('whole');
});

it('answers requests that were sent at once in their order', async () => {
  // The first is answered last.
  let answerFirst = () => {};
  answer = ({ url }, response) => {
    if (url === '/1') answerFirst = () => response.end('body of /1');
    else response.end(`body of ${url}`);
    if (url === '/4') answerFirst();
  };
  const requests = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const last = index === count - 1 ? 'Connection: close\r\n' : '';
      return `GET ${origin}/${index + 1} HTTP/1.1\r\nHost: x\r\n${last}\r\n`;
    }).join('');
  const bodies = (text: string) => text.match(/body of \/\d/g);
  const wanted = ['body of /1', 'body of /2', 'body of /3', 'body of /4'];

  expect(bodies(await speak(recorder.url, requests(4)))).toEqual(wanted);
  expect(bodies(await speak(await replaying(), requests(4)))).toEqual(wanted);
});

it('streams: a slow client holds up the server', async () => {
  const block = randomBytes(2 ** 20);
  let written = 0;
  answer = async (_request, response) => {
    for (let index = 0; index < 96; index++) {
      written++;
      if (!response.write(block)) await new Promise((resolve) => response.once('drain', resolve));
    }
    response.end();
  };
  const { hostname, port } = new URL(recorder.url);
  const client = connect(Number(port), hostname);
  client.write(`GET ${origin}/large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await new Promise((resolve) => client.once('data', resolve));
  client.pause();
  let before = -1;
  while (written !== before) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }

  expect(written).toBeLessThan(48);
  client.resume();
  await new Promise((resolve) => client.once('close', resolve));
  expect(recorder.responses()[0]?.bytes).toBe(96 * 2 ** 20);
});

it('keeps the whole of what a client no longer wants', async () => {
  const content = randomBytes(2 ** 22);
  let goOn = () => {};
  answer = (_request, response) => {
    response.write(content.subarray(0, 1000));
    goOn = () => response.end(content.subarray(1000));
  };
  const { hostname, port } = new URL(recorder.url);
  const client = connect(Number(port), hostname);
  client.write(`GET ${origin}/a HTTP/1.1\r\nHost: x\r\n\r\n`);
  await new Promise((resolve) => client.once('data', resolve));
  client.destroy();
  goOn();

  await curl(recorder.url, '-o', join(work, 'again'), `${origin}/a`);

  expect(sha256(readFileSync(join(work, 'again')))).toBe(sha256(content));
  expect(asked).toHaveLength(1);
});

it('answers 504 to a URL that was not recorded, and names it', async () => {
  await curl(recorder.url, `${origin}/a`);
  const missing: string[] = [];
  const proxy = await replaying(missing);

  expect(await curl(proxy, ...statusOnly, `${origin}/b`)).toBe('504');
  expect(await curl(proxy, ...statusOnly, '-d', 'x', `${origin}/a`)).toBe('504');
  await expect(curl(proxy, 'https://127.0.0.1/c')).rejects.toThrow('504');

  expect(missing).toEqual([`${origin}/b`, `${origin}/a`, 'https://127.0.0.1']);
});

it('tunnels https, and names its server', async () => {
  const echo = createSocketServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const { port } = echo.address() as AddressInfo;

  const heard = await speak(recorder.url, `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\nhello`, 'hello');

  expect(heard).toMatch(/^HTTP\/1.1 200 .*\r\n\r\nhello$/);
  expect(recorder.unkept()).toEqual([`https://127.0.0.1:${port}`]);
  echo.close();
});

it('records through the proxy of the host', async () => {
  const before = recorder;
  const environment = { http_proxy: `${origin.replace('//', '//me:secret@')}`, no_proxy: 'localhost, .example.org' };
  const upstream = await upstreamProxies(environment);
  recorder = await openRecorder(join(work, 'through'), upstream);
  await before[Symbol.asyncDispose]();

  expect(await curl(recorder.url, 'http://deb.example.com/debian/a.deb')).toBe('hello');

  expect(asked).toMatchObject([{ url: 'http://deb.example.com/debian/a.deb', headers: { host: 'deb.example.com' } }]);
  expect(asked[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
  expect(upstream(new URL('http://www.example.org/'), undefined)).toBeUndefined();
  expect(upstream(new URL('https://www.example.com/'), undefined)).toBeUndefined();
});

it('asks apt for its proxies, and those of the environment for everything else', async () => {
  const file = join(work, 'apt.conf');
  const proxies = ['http::Proxy "http://apt:3142"', 'http::Proxy::near.example.org "DIRECT"'];
  writeFileSync(file, proxies.map((line) => `Acquire::${line};\n`).join(''));
  vi.stubEnv('APT_CONFIG', file);
  const upstream = await upstreamProxies({ HTTP_PROXY: 'proxy:3128' });
  vi.unstubAllEnvs();
  const proxyOf = (url: string, program: string) => upstream(new URL(url), program)?.host;

  expect(proxyOf('http://deb.debian.org/', 'Debian APT-HTTP/1.3 (2.6.1)')).toBe('apt:3142');
  expect(proxyOf('http://near.example.org/', 'Debian APT-HTTP/1.3 (2.6.1)')).toBeUndefined();
  expect(proxyOf('http://deb.debian.org/', 'curl/7.88.1')).toBe('proxy:3128');
  expect(proxyOf('https://deb.debian.org/', 'Debian APT-HTTP/1.3 (2.6.1)')).toBe('apt:3142');
  expect(proxyOf('https://deb.debian.org/', 'curl/7.88.1')).toBeUndefined();
});

it('refuses a proxy that speaks no http, without its password', async () => {
  await expect(upstreamProxies({ all_proxy: 'socks5://me:secret@proxy:1080' })).rejects.toMatchObject({
    code: 'ProxyUnsupported',
    details: { value: 'socks5://proxy:1080' },
  });
});

/** Sends text to a proxy, and hears it until it ends, or has said something. */
function speak(proxy: string, text: string, until?: string): Promise<string> {
  const { hostname, port } = new URL(proxy);
  const client = connect(Number(port), hostname);
  let heard = '';
  client.write(text);
  return new Promise((resolve, reject) => {
    client.on('error', reject);
    client.on('close', () => resolve(heard));
    client.on('data', (chunk) => {
      heard += chunk;
      if (until && heard.endsWith(until)) client.destroy();
    });
  });
}
