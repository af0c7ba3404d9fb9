import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Reporter } from '../base/events.js';
import { digestOfDirectory } from '../base/files.js';
import type { Ssh, SshHost } from '../base/ssh.js';
import { reportHook } from './events.js';
import type { Phase } from './phases.js';
import { phaseParts, requestLine, type ShellPaths, type ShellRequest, settingsRequests } from './requests.js';
import { renderAnswers } from './services.js';
import { type HookSite, localConfOf } from './site.js';
import { openTranscript } from './transcript.js';
import { type HookConfiguration, type HookHost, runTypescriptHook } from './typescript-hook.js';
import { type Workspace, writeWorkspace } from './workspace.js';

/** A phase of a deployment, on the host on which its hooks run. */
export interface HostPhase {
  phase: Phase;
  site: HookSite;
  /** Of the deployment; stable, as the shell's last state is kept under it. */
  run: string;
  /** Seconds for one call of a script. */
  limit: number;
  ssh: Ssh;
  reach(host: string): SshHost;
  controller: HookHost;
  hosts: HookHost[];
  configuration: HookConfiguration;
  /** Here: where the files are laid together. Emptied. */
  directory: string;
  /** On the host; its parent is there, mode 0700. */
  hostDirectory: string;
  logFile: string;
  reporter: Reporter;
  /** Calls the work again where the connection breaks, to adopt what it has begun. */
  persistently<T>(work: (mode: 'anew' | 'adopt') => Promise<T>): Promise<T>;
}

/**
 * Runs the hooks of a phase on a host. The shell of a phase begins with what the one before has left: variables,
 * functions, options, working directory. Scripts are read from the site each time, so a corrected one counts.
 * @throws StackwrightError those of `runHooks`, and of ssh
 */
export async function runHostPhase(options: HostPhase): Promise<void> {
  const { phase, site, hostDirectory, directory, reporter, configuration, controller } = options;
  const conf = await localConfOf(site);
  const workspace = await writeWorkspace(directory, {
    extrasDirectory: site.extrasDirectory,
    copy: true,
    mayLackExtras: true,
    ...(conf ? { conf } : {}),
  });
  await writeFile(join(directory, 'answers'), renderAnswers(configuration, controller.address), { mode: 0o600 });
  const remote = join(hostDirectory, 'workspace');
  const paths: ShellPaths = {
    directory: remote,
    extrasDirectory: join(remote, 'top', 'extras.d'),
    groups: new Set(conf?.merges.map((merge) => merge.group)),
  };
  const isFirst = phase === 'override_defaults';
  if (isFirst) {
    for (const { name, warning } of workspace.hooks.scripts) {
      if (warning) reportHook(reporter, { code: 'hooks.name.noted', level: 'warn', message: warning, data: { name } });
    }
  }
  const state = join(hostDirectory, 'state');
  const before = isFirst ? settingsRequests(paths, conf && basename(conf.path), true) : [['load', '', state]];
  let services: string[] = [];
  for (const [index, part] of phaseParts(phase, workspace.hooks.scripts, paths).entries()) {
    if ('requests' in part) {
      const begin = index === 0 || !isFirst ? before : [['load', '', state]];
      const requests = [...begin, ...part.requests, ['save', '', state]];
      services = await askHost(options, workspace, `${phase.replace(' ', '-')}.${index}`, requests);
    } else {
      await runTypescriptHook(part.hook, phase, {
        configuration,
        hosts: options.hosts,
        controller,
        services,
        run: (host, words, settings) => options.ssh.run(options.reach(host.name), words, settings),
        reporter,
        limit: options.limit,
      });
    }
  }
}

/** Answers ENABLED_SERVICES as the shell left it. */
async function askHost(
  options: HostPhase,
  workspace: Workspace,
  name: string,
  requests: ShellRequest[],
): Promise<string[]> {
  const { ssh, reach, controller, limit, hostDirectory, logFile, reporter, run } = options;
  const mark = `\x1e${createHash('sha256').update(`${run} ${name}`).digest('hex').slice(0, 16)} `;
  const digest = await digestOfDirectory(workspace.directory);
  const program = join(hostDirectory, 'workspace', 'shell', 'phase.bash');
  // Each call of a script has its own limit on the host; plugins that are fetched there are not counted here.
  const timeout = (workspace.hooks.scripts.length + 20) * limit + 600;
  const call = () =>
    options.persistently(async (mode) => {
      let ending = 'without a word';
      const transcript = openTranscript({
        mark,
        reporter,
        onOutput: (text) => appendFileSync(logFile, text),
        onEnd: (how) => {
          ending = how;
        },
        place: (path) => placeHere(path, options, workspace),
      });
      // Where the script is not there yet, its answer is ours to give.
      const start = `[ -f "$1" ] || exit ${NOT_SENT}; exec bash "$@"`;
      const words = ['sh', '-c', start, 'sh', program, name, digest, String(limit), mark, mode];
      const { status } = await ssh.run(reach(controller.name), words, {
        input: requests.map(requestLine).join(''),
        timeout,
        okStatuses: [0, 1, NOT_SENT],
        onLine: (line) => transcript.feed(`${line}\n`, 'stdout'),
      });
      return { status, transcript, ending };
    });
  let outcome = await call();
  if (outcome.status === NOT_SENT) {
    await send(options, workspace, digest);
    outcome = await call();
  }
  const { status, transcript, ending } = outcome;
  if (status !== 0) throw transcript.failure() ?? transcript.silentEnd(ending);
  return transcript.services();
}

/** What the host answers where it has other files, see shell/phase.bash. */
const NOT_SENT = 66;

async function send(options: HostPhase, workspace: Workspace, digest: string): Promise<void> {
  const { ssh, reach, controller, hostDirectory, logFile } = options;
  const host = reach(controller.name);
  const prepare = 'set -eu; umask 077; mkdir -p "$1"; cd "$1"; rm -rf stamp workspace; mkdir workspace';
  await ssh.run(host, ['sh', '-c', prepare, 'sh', hostDirectory], { timeout: 60 });
  await ssh.sendDirectory(host, workspace.directory, join(hostDirectory, 'workspace'), { logFile });
  await ssh.run(host, ['tee', join(hostDirectory, 'stamp')], { input: `${digest}\n`, timeout: 60 });
}

/** A path of the host as the user knows it on this machine. */
function placeHere(path: string, { hostDirectory, site }: HostPhase, { conf }: Workspace): string {
  const remote = join(hostDirectory, 'workspace');
  if (path === join(remote, 'localrc') && conf) return conf.path;
  const top = join(remote, 'top/');
  return path.startsWith(top) ? join(site.directory, path.slice(top.length)) : path;
}
