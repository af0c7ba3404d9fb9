import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPlugins } from './load-plugins.js';
import { configurationOf } from './parameter.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

/** A plugin of the site. */
function write(folder: string, text: string, file = 'index.ts'): void {
  mkdirSync(join(directory, 'plugins', folder), { recursive: true });
  writeFileSync(join(directory, 'plugins', folder, file), text);
}

const whole = (name: string) => `export const plugin = { name: '${name}', groups: [], sequences: () => ({}) };`;

it('loads plugins of package and site in the order of their numbers', async () => {
  write('101-late', whole('late'), 'index.js');
  write('005-early', whole('early'));
  mkdirSync(join(directory, 'plugins/notes'));

  const names = (await loadPlugins(directory)).map((plugin) => plugin.name);

  expect(names.slice(4, 8)).toEqual(['memcached', 'early', 'keystone', 'late']);
});

it.each([
  ['throw new Error("no luck");', 'no luck'],
  ['export const plugin = () => { throw new Error("no luck"); };', 'no luck'],
  ['export const other = 1;', 'exports no plugin'],
  [whole('other'), 'its name is other'],
])('stops at a plugin that does not load, and names it: %s', async (text, message) => {
  write('002-broken', text);

  await expect(loadPlugins(directory)).rejects.toMatchObject({
    code: 'PluginBroken',
    message: expect.stringMatching(new RegExp(`002-broken does not load: .*${message}`)),
    details: { value: '002-broken', file: join(directory, 'plugins/002-broken/index.ts') },
  });
});

it('has the plugins of the package', async () => {
  const names = (await loadPlugins()).map((plugin) => plugin.name);

  expect(names.at(0)).toBe('prescript');
  expect(names).toContain('memcached');
  expect(names.at(-1)).toBe('postscript');
});

it('makes plugins of a site of a kit', async () => {
  write(
    '005-etcd',
    `import type { DeployPlugin, PluginKit } from 'stackwright/plugins';
    export const plugin = ({ manifestsOn }: PluginKit): DeployPlugin => ({
      name: 'etcd',
      groups: [],
      sequences: (_, hosts) => ({ manifests: manifestsOn(hosts, { name: 'etcd' }) }),
    });`,
  );

  const plugins = await loadPlugins(directory);

  const etcd = plugins.find(({ name }) => name === 'etcd');
  const { manifests } = etcd?.sequences(configurationOf(new Map()), ['a', 'b', 'a']) ?? {};
  const file = join(directory, 'plugins/005-etcd/manifests/etcd.pp');
  expect(manifests).toEqual([
    { host: 'a', name: 'etcd', file, marker: 'etcd', modules: [] },
    { host: 'b', name: 'etcd', file, marker: 'etcd', modules: [] },
  ]);
});

it('takes no plugin of a site that others may write, and none with the name of another', async () => {
  write('800-keystone', whole('keystone'));
  await expect(loadPlugins(directory)).rejects.toThrow('800-keystone does not load: there is another plugin keystone');

  chmodSync(join(directory, 'plugins/800-keystone'), 0o777);
  await expect(loadPlugins(directory)).rejects.toMatchObject({
    code: 'PluginUnsafe',
    details: { value: join(directory, 'plugins/800-keystone') },
  });
});
