import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hasCode, StackwrightError } from '../base/errors.js';

/** A file of `extras.d` that is called at every phase. */
export interface HookScript {
  name: string;
  path: string;
  kind: 'shell' | 'typescript';
  /** What a person should know about its name. */
  warning?: string;
}

export interface HookDirectory {
  scripts: HookScript[];
  /** Files that are left alone, and why. */
  ignored: { name: string; reason: string }[];
}

/**
 * The hooks of a directory in the order of their names, byte by byte.
 * @param mayLack the directory need not be there: settings may enable plugins alone
 * @throws StackwrightError `HooksMissing`
 */
export async function readHookDirectory(directory: string, mayLack = false): Promise<HookDirectory> {
  if (mayLack && !existsSync(directory)) return { scripts: [], ignored: [] };
  const scripts: HookScript[] = [];
  const ignored: HookDirectory['ignored'] = [];
  for (const name of await namesOf(directory)) {
    const path = join(resolve(directory), name);
    const kind = kindOf(name);
    const reason = kind ? await unusable(path) : 'a hook ends with .sh or .ts';
    if (reason !== undefined || kind === undefined) {
      ignored.push({ name, reason: reason ?? '' });
      continue;
    }
    const warning = nameWarning(name);
    scripts.push({ name, path, kind, ...(warning ? { warning } : {}) });
  }
  return { scripts, ignored };
}

async function namesOf(directory: string): Promise<string[]> {
  try {
    // As the shell's * in the locale C.
    const names = await readdir(directory);
    return names.filter((name) => !name.startsWith('.')).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTDIR')) throw error;
    throw new StackwrightError('HooksMissing', `there is no directory of hooks ${directory}`, {
      value: directory,
      hint: 'make it and put scripts such as 70-mine.sh into it',
    });
  }
}

function kindOf(name: string): HookScript['kind'] | undefined {
  if (name.endsWith('.sh')) return 'shell';
  return name.endsWith('.ts') && !/\.(d|test)\.ts$/.test(name) ? 'typescript' : undefined;
}

async function unusable(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isFile() ? undefined : 'it is no file';
  } catch {
    return 'it cannot be read';
  }
}

function nameWarning(name: string): string | undefined {
  const number = /^(\d\d)-/.exec(name)?.[1];
  if (number === undefined) return `${name} has no number in front, such as 70-: its place is that of its name`;
  const reserved = number < '10' ? '00 to 09' : number >= '90' ? '90 to 99' : undefined;
  return reserved && `${name}: the numbers ${reserved} are reserved for the system; use 10 to 89`;
}
