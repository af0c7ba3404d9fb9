import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

it('keeps images in files of the controller', async () => {
  const { manifests, packages, asked } = await planOf(plugin);

  expect(manifests).toEqual(['glance@ctl']);
  expect(await asked()).toEqual(['ctl:9292/']);
  expect(packages('glance@ctl')).not.toContain('python3-swiftclient');
  expect((await planOf(plugin, 'CONFIG_GLANCE_INSTALL=n')).manifests).toEqual([]);
});

it('keeps them in swift where that is installed, and only there', async () => {
  const backend = 'CONFIG_GLANCE_BACKEND=swift';
  const inSwift = await planOf(plugin, backend, 'CONFIG_SWIFT_INSTALL=y');

  expect(inSwift.problems).toEqual([]);
  expect(inSwift.packages('glance@ctl')).toContain('python3-swiftclient');
  expect((await planOf(plugin, backend)).problems).toEqual([
    'CONFIG_GLANCE_BACKEND=swift needs CONFIG_SWIFT_INSTALL=y',
  ]);
});

it('speaks TLS by haproxy', async () => {
  const { packages, asked } = await planOf(plugin, 'CONFIG_ENDPOINTS_SSL=y');

  expect(packages('glance@ctl')).toContain('haproxy');
  expect(await asked()).toEqual(['ctl:9292/ tls']);
});
