import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

const on = 'CONFIG_HEAT_INSTALL=y';

it('has the interface of CloudFormation unless it is not wanted', async () => {
  const both = await planOf(plugin, on);
  const one = await planOf(plugin, on, 'CONFIG_HEAT_CFN_INSTALL=n');

  expect(both.problems).toEqual([]);
  expect(both.manifests).toEqual(['heat@ctl']);
  expect(await both.asked()).toEqual(['ctl:8004/', 'ctl:8000/', 'ctl heat-engine']);
  expect(both.packages('heat@ctl')).toContain('heat-api-cfn');
  expect(await one.asked()).toEqual(['ctl:8004/', 'ctl heat-engine']);
  expect(one.packages('heat@ctl')).not.toContain('heat-api-cfn');
  expect((await planOf(plugin)).manifests).toEqual([]);
});

it('refuses a key of a length that its cipher has not', async () => {
  const { configuration, problems } = await planOf(plugin, on, 'CONFIG_HEAT_AUTH_ENC_KEY=short');
  const made = (await planOf(plugin, on)).configuration.get('CONFIG_HEAT_AUTH_ENC_KEY');

  expect(problems).toEqual([expect.stringContaining('CONFIG_HEAT_AUTH_ENC_KEY')]);
  // A secret is in no message.
  expect(problems.join()).not.toContain(configuration.get('CONFIG_HEAT_AUTH_ENC_KEY'));
  expect([16, 24, 32]).toContain(made.length);
});
