import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';
import { parseSeconds } from '../seconds.js';

export interface DeployFlags {
  answerFile?: string;
  allinone: boolean;
  installHosts?: string;
  excludeServers?: string;
  defaultPassword?: string;
  set?: string[];
  sshConfig?: string;
  hostKeys?: string;
  dryRun: boolean;
  detach: boolean;
  timeout: number;
  site?: string;
  hookTimeout: number;
  reapply: boolean;
  json: boolean;
  verbose: boolean;
}

export type PlanFlags = Pick<
  DeployFlags,
  'set' | 'excludeServers' | 'sshConfig' | 'hostKeys' | 'timeout' | 'json' | 'verbose'
> & {
  answerFile: string;
};

export interface RunFlags {
  json: boolean;
  verbose: boolean;
}

export interface RetryFlags extends RunFlags {
  from: string;
  host?: string;
}

export interface WorkerFlags extends RunFlags {
  from?: string;
  sshConfig?: string;
  hostKeys?: string;
}

export interface LogFlags {
  follow: boolean;
  json: boolean;
}

export interface LookFlags {
  json: boolean;
}

const json = { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false } as const;
const verbose = {
  kind: 'boolean',
  brief: 'Show also what is usually left out',
  default: false,
  withNegated: false,
} as const;

const excludeServers = {
  kind: 'parsed',
  parse: String,
  optional: true,
  brief: 'Hosts to leave out, separated by commas',
  placeholder: 'HOSTS',
} as const;
const set = {
  kind: 'parsed',
  parse: String,
  optional: true,
  variadic: true,
  brief: 'NAME=VALUE counts before the answer file; may be given several times',
  placeholder: 'NAME=VALUE',
} as const;
const sshConfig = {
  kind: 'parsed',
  parse: String,
  optional: true,
  brief: 'An ssh_config with a block for every host, such as the one of the inventory',
  placeholder: 'FILE',
} as const;
const hostKeys = {
  kind: 'parsed',
  parse: String,
  optional: true,
  brief: 'Host keys to believe, in the form of known_hosts; those of other unknown hosts are shown to you',
  placeholder: 'FILE',
} as const;
const timeout = {
  kind: 'parsed',
  parse: parseSeconds,
  default: '300',
  brief: 'Seconds that one command within a manifest may take',
  placeholder: 'SECONDS',
} as const;

function optionalRun(brief: string) {
  return { kind: 'tuple', parameters: [{ parse: String, optional: true, brief, placeholder: 'RUN' }] } as const;
}

const startCommand = buildCommand<DeployFlags, [], CliContext>({
  loader: async () => (await import('./deploy.run.js')).startDeployment,
  parameters: {
    flags: {
      answerFile: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The answer file; with neither it nor hosts, you are asked',
        placeholder: 'FILE',
      },
      allinone: {
        kind: 'boolean',
        brief: 'Deploy everything on this machine',
        default: false,
        withNegated: false,
      },
      installHosts: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The controller, then compute hosts, separated by commas; one host is everything',
        placeholder: 'HOSTS',
      },
      excludeServers,
      defaultPassword: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Password of services whose own is not given; - asks for it, or reads it from standard input',
        placeholder: 'PASSWORD',
      },
      set,
      sshConfig,
      hostKeys,
      detach: {
        kind: 'boolean',
        brief: 'Leave the run to itself; deploy log --follow watches it',
        default: false,
        withNegated: false,
      },
      dryRun: {
        kind: 'boolean',
        brief: 'Write manifests and plan, and execute nothing',
        default: false,
        withNegated: false,
      },
      timeout,
      site: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The directory with plugins, extras.d and local.conf; that of the answer file unless given',
        placeholder: 'DIR',
      },
      hookTimeout: {
        kind: 'parsed',
        parse: parseSeconds,
        default: '3600',
        brief: 'Seconds that one call of a hook may take',
        placeholder: 'SECONDS',
      },
      reapply: {
        kind: 'boolean',
        brief: 'Have puppet look at everything, also where nothing has changed since the last deployment',
        default: false,
        withNegated: false,
      },
      json,
      verbose,
    },
  },
  docs: {
    brief: 'Deploy what an answer file describes',
    customUsage: [
      { input: '--answer-file answers.txt', brief: 'Deploy on the hosts that the file names' },
      { input: '--allinone', brief: 'Deploy on this machine; the answer file is kept' },
      { input: '--install-hosts ctl,c1,c2', brief: 'Deploy on ctl as controller, with two compute hosts' },
      { input: '', brief: 'Ask for every answer' },
      { input: '--answer-file answers.txt --ssh-config ssh_config', brief: 'Reach them as the inventory says' },
      { input: '--answer-file answers.txt --detach', brief: 'In the background, whatever becomes of this terminal' },
      {
        input: '--answer-file answers.txt --host-keys keys',
        brief: 'Where no terminal can ask whether a host is right',
      },
      { input: '--answer-file answers.txt --dry-run', brief: 'Show what would be done' },
    ],
  },
});

const planCommand = buildCommand<PlanFlags, [], CliContext>({
  loader: async () => (await import('./deploy-plan.run.js')).planDeployment,
  parameters: {
    flags: {
      answerFile: { kind: 'parsed', parse: String, brief: 'The answer file', placeholder: 'FILE' },
      excludeServers,
      set,
      sshConfig,
      hostKeys,
      timeout,
      json,
      verbose,
    },
  },
  docs: {
    brief: 'Show what a deployment would change on each host, and change nothing',
    customUsage: [
      { input: '--answer-file answers.txt', brief: 'Ask puppet on every host, resource by resource' },
      { input: '--answer-file answers.txt --set CONFIG_DEBUG_MODE=y', brief: 'What this answer would change' },
    ],
  },
});

const resumeCommand = buildCommand<RunFlags, [string?], CliContext>({
  loader: async () => (await import('./deploy.run.js')).resumeDeployment,
  parameters: {
    flags: { json, verbose },
    positional: optionalRun('The run; the latest that is not done'),
  },
  docs: {
    brief: 'Go on with a run that was interrupted or cancelled or has failed',
    customUsage: [
      { input: '', brief: 'Go on with the latest run that is not done' },
      { input: '20261121-120000-1f2e', brief: 'Go on with this run; finished steps are not repeated' },
    ],
  },
});

const retryCommand = buildCommand<RetryFlags, [string], CliContext>({
  loader: async () => (await import('./deploy.run.js')).retryDeployment,
  parameters: {
    flags: {
      from: { kind: 'parsed', parse: String, brief: 'The first step to do again', placeholder: 'STEP' },
      host: { kind: 'parsed', parse: String, optional: true, brief: 'Only on this host', placeholder: 'HOST' },
      json,
      verbose,
    },
    positional: { kind: 'tuple', parameters: [{ parse: String, brief: 'The run', placeholder: 'RUN' }] },
  },
  docs: {
    brief: 'Do steps of a run again, from one on',
    customUsage: [
      { input: '--from manifest.glance 20261121-120000-1f2e', brief: 'This step and all after it, on every host' },
      { input: '--from manifest.neutron-compute --host c1 20261121-120000-1f2e', brief: 'Only on c1' },
    ],
  },
});

const workerCommand = buildCommand<WorkerFlags, [string], CliContext>({
  loader: async () => (await import('./deploy.run.js')).joinRunningDeployment,
  parameters: {
    flags: {
      from: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Where the run was begun: its answers and manifests are fetched from there by SSH, unless they are here',
        placeholder: 'HOST',
      },
      sshConfig,
      hostKeys,
      json,
      verbose,
    },
    positional: { kind: 'tuple', parameters: [{ parse: String, brief: 'The run', placeholder: 'RUN' }] },
  },
  docs: {
    brief: 'Help with a run that goes on elsewhere, and go on with it if that machine fails',
    customUsage: [
      { input: '20261121-120000-1f2e', brief: 'Work on this run, whose directory both machines have' },
      { input: '--from ctl1 20261121-120000-1f2e', brief: 'Fetch answers and manifests from ctl1 first' },
    ],
  },
});

const cancelCommand = buildCommand<LookFlags, [string], CliContext>({
  loader: async () => (await import('./deploy.run.js')).cancelDeploymentRun,
  parameters: {
    flags: { json },
    positional: { kind: 'tuple', parameters: [{ parse: String, brief: 'The run', placeholder: 'RUN' }] },
  },
  docs: {
    brief: 'Stop a run after what it is doing now, wherever it goes on',
    customUsage: [
      { input: '20261121-120000-1f2e', brief: 'Begin no step of this run any more; resume goes on with it' },
    ],
  },
});

const listCommand = buildCommand<LookFlags, [], CliContext>({
  loader: async () => (await import('./deploy.run.js')).listDeployments,
  parameters: { flags: { json } },
  docs: { brief: 'List all runs, newest first', customUsage: [{ input: '', brief: 'Every run and its state' }] },
});

const statusCommand = buildCommand<LookFlags, [string?], CliContext>({
  loader: async () => (await import('./deploy.run.js')).deploymentStatus,
  parameters: { flags: { json }, positional: optionalRun('The run; the latest') },
  docs: {
    brief: 'Say how far a run is: what is going on, what has failed, how to go on',
    customUsage: [
      { input: '', brief: 'Of the latest run' },
      { input: '--json 20261121-120000-1f2e', brief: 'Of this run, for a script' },
    ],
  },
});

const showCommand = buildCommand<LookFlags, [string?], CliContext>({
  loader: async () => (await import('./deploy.run.js')).showDeployment,
  parameters: { flags: { json }, positional: optionalRun('The run; the latest') },
  docs: {
    brief: 'Show the steps of a run, their times and logs',
    customUsage: [
      { input: '', brief: 'Every step of the latest run' },
      { input: '20261121-120000-1f2e', brief: 'Every step of this run' },
    ],
  },
});

function removalCommand(kind: 'unstack' | 'clean', brief: string, example: string) {
  return buildCommand<RunFlags, [string?], CliContext>({
    loader: async () => (await import('./deploy.run.js'))[kind],
    parameters: {
      flags: { json, verbose },
      positional: optionalRun('The run that deployed; the latest unless given'),
    },
    docs: { brief, customUsage: [{ input: '', brief: example }] },
  });
}

export const unstackCommand = removalCommand(
  'unstack',
  'Stop what a deployment has started, hooks first',
  'Stop the services of the latest deployment',
);

export const cleanCommand = removalCommand(
  'clean',
  'Stop what a deployment has started and remove what it has installed, hooks first',
  'Undo the latest deployment',
);
const logCommand = buildCommand<LogFlags, [string?], CliContext>({
  loader: async () => (await import('./deploy.run.js')).logDeployment,
  parameters: {
    flags: {
      follow: { kind: 'boolean', brief: 'Go on until the run ends', default: false, withNegated: false },
      json,
    },
    aliases: { f: 'follow' },
    positional: optionalRun('The run; the latest'),
  },
  docs: {
    brief: 'Print what a run has reported, also from another terminal while it goes on',
    customUsage: [
      { input: '', brief: 'Of the latest run' },
      { input: '--follow 20261121-120000-1f2e', brief: 'Of this run, until it ends' },
    ],
  },
});

export const deployRoutes = buildRouteMap({
  routes: {
    start: startCommand,
    plan: planCommand,
    resume: resumeCommand,
    retry: retryCommand,
    worker: workerCommand,
    cancel: cancelCommand,
    list: listCommand,
    status: statusCommand,
    show: showCommand,
    log: logCommand,
  },
  defaultCommand: 'start',
  docs: { brief: 'Deploy services from an answer file, and go on where a run was cut off' },
});
