import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPlugins } from './plugin.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

function write(folder: string, text: string): void {
  mkdirSync(join(directory, folder));
  writeFileSync(join(directory, folder, 'index.js'), text);
}

const whole = (name: string) => `export const plugin = { name: '${name}', groups: [], sequences: () => ({}) };`;

it('loads plugins in the order of their numbers', async () => {
  write('100-keystone', whole('keystone'));
  write('002-amqp', whole('amqp'));
  mkdirSync(join(directory, 'notes'));

  expect((await loadPlugins(directory)).map((plugin) => plugin.name)).toEqual(['amqp', 'keystone']);
});

it.each([
  ['throw new Error("no luck");', 'no luck'],
  ['export const other = 1;', 'exports no plugin'],
  [whole('other'), 'its name is other'],
])('stops at a plugin that does not load, and names it: %s', async (text, message) => {
  write('002-amqp', text);

  await expect(loadPlugins(directory)).rejects.toMatchObject({
    code: 'PluginBroken',
    message: expect.stringContaining(`002-amqp does not load: ${text.startsWith('throw') ? message : ''}`),
    details: { value: '002-amqp' },
  });
  await expect(loadPlugins(directory)).rejects.toThrow(message);
});

it('has the plugins of the package', async () => {
  const names = (await loadPlugins()).map((plugin) => plugin.name);

  expect(names.at(0)).toBe('prescript');
  expect(names).toContain('memcached');
  expect(names.at(-1)).toBe('postscript');
});
