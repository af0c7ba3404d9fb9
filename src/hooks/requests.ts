import { join } from 'node:path';
import { mergeGroups, type Phase, phaseWords } from './phases.js';
import type { HookScript } from './scripts.js';

/** What the shell is asked to do: the fields of a line, see shell/driver.bash. */
export type ShellRequest = string[];

/** A piece of a phase: requests to the shell, or a TypeScript hook between them. */
export type PhasePart = { requests: ShellRequest[] } | { hook: HookScript };

/** Where the shell finds the things of a workspace. */
export interface ShellPaths {
  /** The workspace, as the shell sees it. */
  directory: string;
  /** `extras.d`, as the shell sees it. */
  extrasDirectory: string;
  /** The groups of local.conf that set something. */
  groups: ReadonlySet<string>;
}

export function settingsRequests(paths: ShellPaths, name: string | undefined, values: boolean): ShellRequest[] {
  return [
    ...(values ? [['settings', 'the answer file', join(paths.directory, 'answers')]] : []),
    ...(name === undefined ? [] : [['settings', name, join(paths.directory, 'localrc')]]),
    ['defaults'],
  ];
}

/** What a phase consists of, in order: scripts of extras.d, then plugins; sections of local.conf around them. */
export function phaseParts(phase: Phase, scripts: readonly HookScript[], paths: ShellPaths): PhasePart[] {
  const words = phaseWords(phase);
  const parts: PhasePart[] = [];
  const ask = (...requests: ShellRequest[]) => {
    const last = parts.at(-1);
    if (last && 'requests' in last) last.requests.push(...requests);
    else parts.push({ requests });
  };
  const merge = (groups: string[]) => {
    for (const group of groups.filter((name) => paths.groups.has(name))) {
      ask(['merge', 'local.conf', join(paths.directory, `merge.${group}`), ...words]);
    }
  };
  const { before, after } = mergeGroups(phase);
  merge(before);
  for (const script of scripts) {
    if (script.kind === 'typescript') parts.push({ hook: script });
    else ask(['script', script.name, join(paths.extrasDirectory, script.name), ...words]);
  }
  ask(['plugins', '', '', ...words]);
  merge(after);
  return parts;
}

export function requestLine(request: ShellRequest): string {
  return `${request.join('\x1f')}\n`;
}
