import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

it('is on the controller, with the files of the client where these are wanted', async () => {
  const both = await planOf(plugin);
  const alone = await planOf(plugin, 'CONFIG_CLIENT_INSTALL=n', 'CONFIG_ENDPOINTS_SSL=y');

  expect(both.manifests).toEqual(['keystone@ctl', 'client@ctl']);
  expect(await both.asked()).toEqual(['ctl:5000/v3']);
  expect(both.messages).toEqual(['on ctl: . /root/keystonerc_admin && openstack token issue']);
  expect([alone.manifests, await alone.asked(), alone.messages]).toEqual([['keystone@ctl'], ['ctl:5000/v3 tls'], []]);
  expect((await planOf(plugin, 'CONFIG_KEYSTONE_INSTALL=n')).manifests).toEqual([]);
});

it.each([
  ['a password that a shell reads otherwise', "CONFIG_KEYSTONE_ADMIN_PW=it's"],
  ['no processes', 'CONFIG_SERVICE_WORKERS=0'],
  ['a format that Debian has not', 'CONFIG_KEYSTONE_TOKEN_FORMAT=UUID'],
  ['an interface that is gone', 'CONFIG_KEYSTONE_API_VERSION=v2.0'],
])('refuses %s', async (_what, line) => {
  expect((await planOf(plugin, line)).problems).toEqual([expect.stringContaining(line.split('=')[0] ?? '')]);
});
