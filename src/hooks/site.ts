import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import { othersMayWrite } from '../base/files.js';
import { type LocalConf, readLocalConf } from './local-conf.js';

/** A directory that has hooks: `extras.d`, `local.conf`, or both. */
export interface HookSite {
  /** Absolute. */
  directory: string;
  extrasDirectory: string;
}

/**
 * The hooks of a site, or undefined where it has none. What is in them is executed as root on hosts, so nobody else
 * may have put it there.
 * @throws StackwrightError `HooksUnsafe`
 */
export async function findHooks(site: string): Promise<HookSite | undefined> {
  const directory = resolve(site);
  const found = ['extras.d', 'local.conf'].map((name) => join(directory, name)).filter((path) => existsSync(path));
  if (found.length === 0) return undefined;
  for (const path of found) {
    if (!(await othersMayWrite(path))) continue;
    throw new StackwrightError('HooksUnsafe', `others may write ${path}, which would be executed as root on hosts`, {
      value: path,
      hint: `chown ${process.getuid?.() ?? 0} ${path} && chmod o-w ${path}`,
    });
  }
  return { directory, extrasDirectory: join(directory, 'extras.d') };
}

/** The settings of a site, where it has any. */
export async function localConfOf(site: HookSite): Promise<LocalConf | undefined> {
  const path = join(site.directory, 'local.conf');
  return existsSync(path) ? await readLocalConf(path) : undefined;
}
