import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

it('is on the controller, or on a host of its own, by its old name too', async () => {
  const own = await planOf(plugin, 'CONFIG_MYSQL_HOST=db');

  expect((await planOf(plugin)).manifests).toEqual(['mariadb@ctl']);
  expect(own.problems).toEqual([]);
  expect(own.manifests).toEqual(['mariadb@db']);
  expect(await own.asked()).toEqual(['db:3306']);
});

it('leaves the database of somebody else alone', async () => {
  const other = await planOf(plugin, 'CONFIG_MARIADB_INSTALL=n', 'CONFIG_MARIADB_HOST=192.0.2.7');

  expect([other.problems, other.manifests, await other.asked()]).toEqual([[], [], []]);
  expect(other.configuration.get('CONFIG_MARIADB_HOST')).toBe('192.0.2.7');
});
