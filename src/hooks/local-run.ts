import { basename, join } from 'node:path';
import { run } from '../base/command.js';
import type { Reporter } from '../base/events.js';
import { registerSecret } from '../base/mask.js';
import type { StateDirectory } from '../base/state.js';
import { openTemporary } from '../base/temporary.js';
import { reportHook } from './events.js';
import { readLocalConf } from './local-conf.js';
import { type Phase, parsePhase } from './phases.js';
import { phaseParts, type ShellPaths, settingsRequests } from './requests.js';
import { openShellSession } from './shell-session.js';
import type { OutputStream } from './transcript.js';
import { runTypescriptHook } from './typescript-hook.js';
import { writeWorkspace } from './workspace.js';

export interface LocalRunOptions {
  state: StateDirectory;
  extrasDirectory: string;
  /** `local.conf`, or a file of shell assignments. */
  settingsFile?: string;
  phases: string[];
  /** Seconds for one call of a script. */
  limit: number;
  reporter: Reporter;
  /** Output of the hooks, as it comes and masked. */
  onOutput(text: string, stream: OutputStream): void;
  signal?: AbortSignal;
}

/**
 * Runs the hooks of a directory on this machine: the phases that are given, in that order, in one shell.
 * @throws StackwrightError `HookPhaseUnknown`, `HooksMissing`, `LocalConfMissing`, `LocalConfInvalid`, `HookFailed`,
 *   `HookTimedOut`, `HookUnsupported`, `HookInvalid`, `Interrupted`
 */
export async function runHooks(options: LocalRunOptions): Promise<void> {
  const { state, reporter, limit } = options;
  const wanted = options.phases.map(parsePhase);
  const conf = options.settingsFile === undefined ? undefined : await readLocalConf(options.settingsFile);
  await using temporary = openTemporary(state, 'hooks run');
  const directory = join(temporary.directory('hooks'), 'workspace');
  const workspace = await writeWorkspace(directory, {
    extrasDirectory: options.extrasDirectory,
    copy: false,
    ...(conf ? { conf } : {}),
  });
  const { hooks, extrasDirectory } = workspace;
  for (const { name, warning } of hooks.scripts) {
    if (warning) reportHook(reporter, { code: 'hooks.name.noted', level: 'warn', message: warning, data: { name } });
  }
  for (const [name, value] of Object.entries(process.env)) {
    if (value && /PASSWORD|SECRET|TOKEN|PASSPHRASE|_PW$/.test(name)) registerSecret(value);
  }
  const paths: ShellPaths = {
    directory,
    extrasDirectory,
    groups: new Set(conf?.merges.map((merge) => merge.group)),
  };
  const place = (path: string) => (conf && path === join(directory, 'localrc') ? conf.path : path);
  await using session = openShellSession({ ...options, workspace, place });
  await session.ask(settingsRequests(paths, conf && basename(conf.path), false));
  for (const phase of wanted) await runPhase(phase);
  await session.close();

  async function runPhase(phase: Phase): Promise<void> {
    for (const part of phaseParts(phase, hooks.scripts, paths)) {
      if ('requests' in part) await session.ask(part.requests);
      else {
        const controller = { name: 'localhost', address: '127.0.0.1' };
        await runTypescriptHook(part.hook, phase, {
          configuration: noAnswers,
          hosts: [controller],
          controller,
          services: session.services(),
          run: (_host, [program = '', ...args], settings) => run(program, args, settings),
          reporter,
          limit,
        });
      }
    }
  }
}

const noAnswers = {
  get(name: string): string {
    throw new Error(`there are no answers, and so no ${name}`);
  },
  is: () => false,
  list: () => [],
  entries: () => [],
};
