import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { pluginFile } from '../../src/deploy/plugin.js';

/** A cloud of two services: what each path answers. */
let answers: Record<string, { status: number; body: unknown }>;
let server: Server;
let url: string;

beforeEach(async () => {
  server = createServer((request, response) => {
    const { status, body } = answers[request.url ?? ''] ?? { status: 404, body: {} };
    response.writeHead(status, { 'X-Subject-Token': 'a-token' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoint = (path: string) => [{ interface: 'public', url: url + path }];
  const catalog = [
    { type: 'image', endpoints: endpoint('/images') },
    { type: 'network', endpoints: endpoint('/networks') },
  ];
  const agent = { host: 'c1', binary: 'neutron-linuxbridge-agent', alive: true };
  answers = {
    '/v3/auth/tokens': { status: 201, body: { token: { catalog } } },
    '/images/v2/images': { status: 200, body: { images: [] } },
    '/networks/v2.0/agents': { status: 200, body: { agents: [agent, { ...agent, host: 'gone', alive: false }] } },
  };
});

afterEach(() => server.close());

async function smoke(...hosts: string[]): Promise<[status: number, output: string]> {
  const names = ['USERNAME', 'PASSWORD', 'PROJECT_NAME', 'USER_DOMAIN_NAME', 'PROJECT_DOMAIN_NAME'];
  const env = { ...Object.fromEntries(names.map((name) => [`OS_${name}`, 'x'])), OS_AUTH_URL: `${url}/v3` };
  const words = [pluginFile('951-postscript', 'smoke.py'), '0', ...hosts];
  const { status, stdout } = await run('python3', words, { env, okStatuses: [0, 1] });
  return [status, stdout.trim()];
}

it('says which services answer, and looks at no host of somebody else', async () => {
  expect(await smoke('ctl', 'c1')).toEqual([0, 'keystone glance neutron']);
});

it('names what is not up, and what answers no data', async () => {
  answers['/images/v2/images'] = { status: 503, body: {} };

  const [status, output] = await smoke('gone');

  expect(status).toBe(1);
  expect(output.split('\n')).toEqual([
    `glance: ${url}/images/v2/images answers 503 Service Unavailable`,
    'neutron: neutron-linuxbridge-agent on gone is not up',
  ]);
});

it('says that keystone lets nobody in', async () => {
  answers['/v3/auth/tokens'] = { status: 401, body: {} };

  expect(await smoke('ctl')).toEqual([1, `keystone: ${url}/v3/auth/tokens answers 401 Unauthorized`]);
});
