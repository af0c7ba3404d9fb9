import { expect, it } from 'vitest';
import type { Configuration } from '../../src/deploy/parameter.js';
import type { DeployContext } from '../../src/deploy/plugin.js';
import { plugin } from './index.js';

const configuration = { get: () => '', list: () => [], is: () => false } as unknown as Configuration;

/** Looks at hosts that call themselves as given. */
async function seeNames(names: Record<string, string>): Promise<unknown> {
  const { prepare = [] } = plugin.sequences(configuration, Object.keys(names));
  const step = prepare.flatMap(({ steps }) => steps).find(({ id }) => id === 'prescript.names');
  const facts = (host: string) => ({ hostname: names[host] });
  return await step?.work({ facts } as unknown as DeployContext);
}

it('refuses two hosts with the same host name, which services would take for one', async () => {
  await expect(seeNames({ '192.0.2.10': 'ctl', c1: 'debian', c2: 'debian' })).rejects.toMatchObject({
    code: 'HostNamesEqual',
    message: 'c1 and c2 have the same host name debian',
  });
  expect(await seeNames({ '192.0.2.10': 'ctl', c1: 'one', c2: 'two' })).toBeUndefined();
});
