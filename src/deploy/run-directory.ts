import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import type { StateDirectory } from '../base/state.js';
import { unknownRun } from './run-report.js';
import type { RunKind } from './stages.js';

/** `plan.json` of the run directory. No secrets: those are in its answers.txt (0600). */
export interface SavedRun {
  run: string;
  answerFile: string;
  hasSshConfig: boolean;
  timeout: number;
  fingerprint: string;
  kind: RunKind;
  /** Where plugins and hooks of the user are; hooks are read at each phase, so a corrected one counts. */
  site: string;
  hasHooks: boolean;
  hookTimeout: number;
  reapply: boolean;
}

/** Writes the plan, last of all: a directory with a plan is complete. */
export async function saveRun(directory: string, saved: SavedRun): Promise<void> {
  await writeFileAtomic(planFile(directory), `${JSON.stringify(saved, null, 2)}\n`, 0o600);
}

export function isSavedRun(directory: string): boolean {
  return existsSync(planFile(directory));
}

function planFile(directory: string): string {
  return join(directory, 'plan.json');
}

/** @throws StackwrightError `RunUnknown` */
export async function readSavedRun(directory: string, run: string): Promise<SavedRun> {
  const text = await readTextIfExists(planFile(directory));
  if (text === undefined) throw unknownRun(run);
  const saved = JSON.parse(text);
  // Runs of earlier versions lack these; they named a site where it had hooks.
  const defaults = { kind: 'deploy', hookTimeout: 3600, reapply: false, hasHooks: 'site' in saved, site: directory };
  return { ...defaults, ...saved };
}

/** @throws StackwrightError `RunNameWrong` */
export function runDirectory(state: StateDirectory, run: string): string {
  // It becomes a path here and on every host.
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,60}$/.test(run)) {
    throw new StackwrightError('RunNameWrong', `${run} cannot be the name of a run`, {
      value: run,
      hint: 'letters, digits, dots and dashes, beginning with a letter or digit',
    });
  }
  return state.path('runs', run);
}

/** Sorts by time; the random part keeps two runs of one second apart. */
export function newRunId(): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${time}-${randomBytes(2).toString('hex')}`;
}

/** Keeps the user's ssh_config as it is now. */
export async function copySshConfig(source: string, directory: string): Promise<void> {
  if (!existsSync(source)) {
    throw new StackwrightError('SshConfigMissing', `there is no SSH configuration ${source}`, {
      value: source,
      hint: 'the server keeps one for the machines of its inventory: ssh/config in the state directory',
    });
  }
  await copyFile(source, join(directory, 'ssh_config'));
}
