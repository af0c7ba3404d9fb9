import { createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type CommandOptions, run } from '../../src/base/command.js';
import type { StackwrightEvent } from '../../src/base/events.js';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import type { DeployContext } from '../../src/deploy/plugin.js';
import { plugin } from './index.js';

/** An address of this machine at which nobody else listens. */
const address = '127.0.113.11';
let server: Server | undefined;

afterEach(() => server?.close());

/** Listens as memcached does, and says this. */
async function listen(answer: string): Promise<void> {
  const listening = createServer((socket) => socket.once('data', () => socket.end(answer)));
  server = listening;
  await new Promise<void>((resolve) => listening.listen(11211, address, resolve));
}

/** Asks it, with this machine in place of the host. */
async function ask(): Promise<StackwrightEvent[]> {
  const { verify } = await planOf(plugin, 'CONFIG_MEMCACHED_HOST=cache');
  const events: StackwrightEvent[] = [];
  const context = {
    reach: (name: string) => ({ name }),
    facts: () => ({ address }),
    reporter: { report: (event: StackwrightEvent) => events.push(event) },
    ssh: {
      run: (_host: unknown, [program = '', ...args]: string[], options: CommandOptions) => run(program, args, options),
    },
  };
  await verify[0]?.work(context as unknown as DeployContext);
  return events;
}

it('has keystone wait for it, and nothing where there is no keystone', async () => {
  const orders = async (...lines: string[]) => {
    const { configuration } = await planOf(plugin, ...lines);
    return plugin.sequences(configuration, ['ctl']).manifests;
  };

  expect(await orders()).toMatchObject([{ host: 'ctl', startsLast: false }]);
  expect(await orders('CONFIG_KEYSTONE_INSTALL=n')).toMatchObject([{ host: 'ctl', startsLast: true }]);
  expect(await orders('CONFIG_MEMCACHED_INSTALL=n')).toBeUndefined();
});

it('is asked to keep something and to give it back', async () => {
  await listen('VERSION 1.6.18\r\nSTORED\r\nVALUE stackwright.check 0 5\r\nhello\r\nEND\r\n');

  expect(await ask()).toMatchObject([{ data: { host: 'cache', service: 'memcached', detail: '1.6.18' } }]);
});

it.each([
  ['nobody listens', undefined],
  ['something else listens', 'HTTP/1.0 400 Bad Request\r\n\r\n'],
  ['it keeps nothing', 'VERSION 1.6.18\r\nSERVER_ERROR out of memory storing object\r\nEND\r\n'],
])('says where to look when %s', async (_what, answer) => {
  if (answer !== undefined) await listen(answer);

  await expect(ask()).rejects.toMatchObject({
    code: 'ServiceSilent',
    message: `memcached does not answer at ${address}:11211 on cache`,
    details: { hint: expect.stringContaining('journalctl -u memcached') },
  });
});

it('refuses memory that is neither megabytes nor a share', async () => {
  expect((await planOf(plugin, 'CONFIG_MEMCACHED_MAX_MEMORY=lots')).problems).toEqual([
    expect.stringContaining('CONFIG_MEMCACHED_MAX_MEMORY'),
  ]);
});
