import { cp, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import { packageRoot } from '../base/package-root.js';
import { type LocalConf, localPlugins, renderMerges } from './local-conf.js';
import { type HookDirectory, readHookDirectory } from './scripts.js';

/** What hooks see besides `extras.d`: these of the directory above it, where they are there. */
const siteEntries = ['lib', 'files', 'tools', 'conf'];

/** A directory with all that a shell of hooks needs; it may stay here or go to a host. */
export interface Workspace {
  /** Absolute. Below it: `shell/`, `top/` (TOP_DIR), `localrc`, `merge.GROUP`. */
  directory: string;
  hooks: HookDirectory;
  /** Names of the plugins of this machine that are laid in. */
  plugins: string[];
  conf?: LocalConf;
  extrasDirectory: string;
}

export interface WorkspaceOptions {
  extrasDirectory: string;
  conf?: LocalConf;
  /** Copies everything instead of linking: for a directory that goes to a host. */
  copy: boolean;
  /** A site may have settings alone. */
  mayLackExtras?: boolean;
}

/** Lays a workspace into a directory, which is emptied. */
export async function writeWorkspace(directory: string, options: WorkspaceOptions): Promise<Workspace> {
  const { conf, copy } = options;
  const extrasDirectory = resolve(options.extrasDirectory);
  const hooks = await readHookDirectory(extrasDirectory, options.mayLackExtras);
  await rm(directory, { recursive: true, force: true });
  const top = join(directory, 'top');
  await mkdir(top, { recursive: true, mode: 0o700 });
  const shell = join(packageRoot(), 'src', 'hooks', 'shell');
  const lay = async (source: string, target: string) => {
    if (copy) await cp(source, target, { recursive: true, dereference: true });
    else await symlink(source, target);
  };
  await lay(shell, join(directory, 'shell'));
  if (await isDirectory(extrasDirectory)) await lay(extrasDirectory, join(top, 'extras.d'));
  for (const name of siteEntries) {
    const source = join(dirname(extrasDirectory), name);
    if (await isDirectory(source)) await lay(source, join(top, name));
  }
  for (const name of await readdir(join(shell, 'top'))) {
    await symlink(join(relative(top, directory), 'shell', 'top', name), join(top, name));
  }
  const plugins = conf ? await layPlugins(conf, join(top, 'plugins'), lay) : [];
  if (conf) {
    await writeFile(join(directory, 'localrc'), conf.localrc, { mode: 0o600 });
    for (const group of new Set(conf.merges.map((merge) => merge.group))) {
      const merges = conf.merges.filter((merge) => merge.group === group);
      await writeFile(join(directory, `merge.${group}`), renderMerges(merges), { mode: 0o600 });
    }
  }
  return { directory, hooks, plugins, extrasDirectory, ...(conf ? { conf } : {}) };
}

async function layPlugins(
  conf: LocalConf,
  target: string,
  lay: (source: string, target: string) => Promise<void>,
): Promise<string[]> {
  const found = localPlugins(conf);
  for (const { name, directory } of found) {
    if (!(await isDirectory(directory))) {
      throw new StackwrightError('LocalConfInvalid', `the plugin ${name} is not in ${directory}`, {
        file: conf.path,
        value: directory,
        hint: 'enable_plugin takes the URL of a git repository, or a directory that is there',
      });
    }
    await mkdir(target, { recursive: true });
    await lay(directory, join(target, name));
  }
  return found.map(({ name }) => name);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
