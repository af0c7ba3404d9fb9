import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadFolders, loadPlugins, pluginFolders } from './load-plugins.js';
import { configurationOf } from './parameter.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

function write(folder: string, text: string): void {
  mkdirSync(join(directory, folder));
  writeFileSync(join(directory, folder, 'index.js'), text);
}

const loadAll = async () => await loadFolders(pluginFolders(directory, false));

const whole = (name: string) => `export const plugin = { name: '${name}', groups: [], sequences: () => ({}) };`;

it('loads plugins in the order of their numbers', async () => {
  write('100-keystone', whole('keystone'));
  write('002-amqp', whole('amqp'));
  mkdirSync(join(directory, 'notes'));

  expect((await loadAll()).map((plugin) => plugin.name)).toEqual(['amqp', 'keystone']);
});

it.each([
  ['throw new Error("no luck");', 'no luck'],
  ['export const other = 1;', 'exports no plugin'],
  [whole('other'), 'its name is other'],
])('stops at a plugin that does not load, and names it: %s', async (text, message) => {
  write('002-amqp', text);

  await expect(loadAll()).rejects.toMatchObject({
    code: 'PluginBroken',
    message: expect.stringContaining(`002-amqp does not load: ${text.startsWith('throw') ? message : ''}`),
    details: { value: '002-amqp' },
  });
  await expect(loadAll()).rejects.toThrow(message);
});

it('has the plugins of the package', async () => {
  const names = (await loadPlugins()).map((plugin) => plugin.name);

  expect(names.at(0)).toBe('prescript');
  expect(names).toContain('memcached');
  expect(names.at(-1)).toBe('postscript');
});

/** The plugin of a site. */
function writeOfSite(folder: string, text: string): void {
  mkdirSync(join(directory, 'plugins', folder), { recursive: true });
  writeFileSync(join(directory, 'plugins', folder, 'index.ts'), text);
}

it('has those of a site among them, made of a kit', async () => {
  writeOfSite(
    '005-etcd',
    `import type { DeployPlugin, PluginKit } from 'stackwright/plugins';
    export const plugin = ({ manifestsOn }: PluginKit): DeployPlugin => ({
      name: 'etcd',
      groups: [],
      sequences: (_, hosts) => ({ manifests: manifestsOn(hosts, { name: 'etcd' }) }),
    });`,
  );

  const plugins = await loadPlugins(directory);

  const names = plugins.map(({ name }) => name);
  expect(names.slice(4, 7)).toEqual(['memcached', 'etcd', 'keystone']);
  const etcd = plugins.find(({ name }) => name === 'etcd');
  const { manifests } = etcd?.sequences(configurationOf(new Map()), ['a', 'b', 'a']) ?? {};
  const file = join(directory, 'plugins/005-etcd/manifests/etcd.pp');
  expect(manifests).toEqual([
    { host: 'a', name: 'etcd', file, marker: 'etcd', modules: [] },
    { host: 'b', name: 'etcd', file, marker: 'etcd', modules: [] },
  ]);
});

it('takes no plugin of a site that others may write, and none with the name of another', async () => {
  writeOfSite('800-keystone', whole('keystone'));
  await expect(loadPlugins(directory)).rejects.toThrow('800-keystone does not load: there is another plugin keystone');

  chmodSync(join(directory, 'plugins/800-keystone'), 0o777);
  await expect(loadPlugins(directory)).rejects.toMatchObject({
    code: 'PluginUnsafe',
    details: { value: join(directory, 'plugins/800-keystone') },
  });
});
