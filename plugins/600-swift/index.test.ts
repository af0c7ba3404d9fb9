import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

const on = ['CONFIG_SWIFT_INSTALL=y', 'CONFIG_STORAGE_HOST=st'];

it('keeps objects on the storage host, which answers for them', async () => {
  const { problems, manifests, asked } = await planOf(plugin, ...on);
  const tls = await planOf(plugin, ...on, 'CONFIG_ENDPOINTS_SSL=y');

  expect(problems).toEqual([]);
  expect(manifests).toEqual(['swift-endpoint@ctl', 'swift@st']);
  expect(await asked()).toEqual(['st:8080/healthcheck']);
  expect(await tls.asked()).toEqual(['st:8080/healthcheck tls']);
  expect(tls.packages('swift@st')).toContain('haproxy');
  expect((await planOf(plugin)).manifests).toEqual([]);
});

it('makes a file system of xfs only where it makes the device', async () => {
  const xfs = 'CONFIG_SWIFT_STORAGE_FSTYPE=xfs';

  expect((await planOf(plugin, ...on)).packages('swift@st')).not.toContain('xfsprogs');
  expect((await planOf(plugin, ...on, xfs)).packages('swift@st')).toContain('xfsprogs');
  expect((await planOf(plugin, ...on, xfs, 'CONFIG_SWIFT_STORAGES=/dev/vdb')).packages('swift@st')).not.toContain(
    'xfsprogs',
  );
});

it.each([
  ['no memcached', 'CONFIG_MEMCACHED_INSTALL=n', 'CONFIG_SWIFT_INSTALL=y needs CONFIG_MEMCACHED_INSTALL=y'],
  ['a device that is none', 'CONFIG_SWIFT_STORAGES=vdb', 'CONFIG_SWIFT_STORAGES'],
  ['no copies', 'CONFIG_SWIFT_STORAGE_REPLICAS=0', 'CONFIG_SWIFT_STORAGE_REPLICAS'],
])('refuses %s', async (_what, line, problem) => {
  expect((await planOf(plugin, ...on, line)).problems.join('\n')).toContain(problem);
});
