import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, StackwrightError } from '../base/errors.js';
import { othersMayWrite } from '../base/files.js';
import { importTypescript } from '../base/import-typescript.js';
import { packageRoot } from '../base/package-root.js';
import type { DeployPlugin } from './plugin.js';
import { kitFor, type SitePlugin } from './plugin-kit.js';

/** A folder `NNN-name`. */
interface PluginFolder {
  folder: string;
  directory: string;
  isOfSite: boolean;
}

/**
 * Loads every plugin, in the order of their numbers: those of the package, and those in `plugins` of a site, the
 * directory of the answer file.
 * @throws StackwrightError `PluginBroken` naming the first one that does not load; `PluginUnsafe`
 */
export async function loadPlugins(site?: string): Promise<DeployPlugin[]> {
  const ofSite = site === undefined ? [] : foldersIn(join(resolve(site), 'plugins'), true);
  const folders = [...foldersIn(packagePlugins(), false), ...ofSite];
  const plugins: DeployPlugin[] = [];
  for (const one of folders.sort((a, b) => (a.folder < b.folder ? -1 : 1))) {
    const plugin = await loadPlugin(one);
    if (plugins.some(({ name }) => name === plugin.name)) throw broken(one, `there is another plugin ${plugin.name}`);
    plugins.push(plugin);
  }
  return plugins;
}

function foldersIn(directory: string, isOfSite: boolean): PluginFolder[] {
  if (!existsSync(directory)) return [];
  const folders = readdirSync(directory).filter((folder) => /^\d{3}-[a-z0-9-]+$/.test(folder));
  return folders.map((folder) => ({ folder, directory: join(directory, folder), isOfSite }));
}

async function loadPlugin(one: PluginFolder): Promise<DeployPlugin> {
  const { folder, directory, isOfSite } = one;
  const file = ['index.js', 'index.ts'].map((name) => join(directory, name)).find(existsSync);
  if (!file) throw broken(one, 'it has no index.ts');
  if (isOfSite) await requireOwn([join(directory, '..'), directory, file]);
  let plugin: DeployPlugin | undefined;
  try {
    const imported = isOfSite
      ? await importTypescript(file)
      : await import(/* @vite-ignore */ pathToFileURL(file).href);
    const exported: SitePlugin | undefined = imported.plugin;
    plugin = typeof exported === 'function' ? exported(kitFor(directory)) : exported;
  } catch (error) {
    throw broken(one, messageOf(error), file, error);
  }
  if (typeof plugin?.sequences !== 'function' || !Array.isArray(plugin.groups)) {
    throw broken(one, 'it exports no plugin with groups and sequences', file);
  }
  if (plugin.name !== folder.slice(4)) throw broken(one, `its name is ${plugin.name}`, file);
  return plugin;
}

function broken({ folder, directory }: PluginFolder, why: string, file = directory, cause?: unknown): StackwrightError {
  return new StackwrightError('PluginBroken', `the deploy plugin ${folder} does not load: ${why}`, {
    value: folder,
    file,
    hint: 'correct the plugin, or remove its folder',
    cause,
  });
}

/** What is in a site's plugin is executed here and, as root, on hosts. */
async function requireOwn(paths: string[]): Promise<void> {
  for (const path of paths) {
    if (!(await othersMayWrite(path))) continue;
    throw new StackwrightError('PluginUnsafe', `others may write ${path}, which would be executed`, {
      value: path,
      hint: `chown ${process.getuid?.() ?? 0} ${path} && chmod o-w ${path}`,
    });
  }
}

/** Source runs as source (tests), the bundle runs the bundled plugins. */
function packagePlugins(): string {
  const bundled = !import.meta.url.endsWith('.ts');
  return bundled ? join(packageRoot(), 'dist', 'plugins') : join(packageRoot(), 'plugins');
}
