import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

it('comes with nova, and not without it', async () => {
  const { manifests, asked } = await planOf(plugin, 'CONFIG_ENDPOINTS_SSL=y');
  const none = await planOf(plugin, 'CONFIG_NOVA_INSTALL=n');

  expect(manifests).toEqual(['placement@ctl']);
  expect(await asked()).toEqual(['ctl:8778/ tls']);
  expect([none.problems, none.manifests, await none.asked()]).toEqual([[], [], []]);
});
