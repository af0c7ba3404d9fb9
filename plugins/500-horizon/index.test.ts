import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

it('shows its page of login on the controller, by TLS where that is wanted', async () => {
  const plain = await planOf(plugin);
  const tls = await planOf(plugin, 'CONFIG_HORIZON_SSL=y');

  expect(plain.manifests).toEqual(['horizon@ctl']);
  expect(await plain.asked()).toEqual(['ctl:80/horizon/auth/login/']);
  expect(plain.messages.join()).toContain('the dashboard is at http://ctl/horizon');
  expect(await tls.asked()).toEqual(['ctl:443/horizon/auth/login/ tls']);
  expect(tls.messages.join()).toContain('the dashboard is at https://ctl/horizon');
  expect((await planOf(plugin, 'CONFIG_HORIZON_INSTALL=n')).manifests).toEqual([]);
});

it('has a key of its own each time that nobody gives one', async () => {
  const key = async () => (await planOf(plugin)).configuration.get('CONFIG_HORIZON_SECRET_KEY');

  expect(await key()).not.toBe(await key());
});
