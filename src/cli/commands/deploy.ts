import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';
import { parseSeconds } from '../seconds.js';

export interface DeployFlags {
  answerFile: string;
  sshConfig?: string;
  dryRun: boolean;
  timeout: number;
  json: boolean;
  verbose: boolean;
}

export interface RunFlags {
  json: boolean;
  verbose: boolean;
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

const startCommand = buildCommand<DeployFlags, [], CliContext>({
  loader: async () => (await import('./deploy.run.js')).startDeployment,
  parameters: {
    flags: {
      answerFile: { kind: 'parsed', parse: String, brief: 'The answer file', placeholder: 'FILE' },
      sshConfig: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'An ssh_config with a block for every host, such as the one of the inventory',
        placeholder: 'FILE',
      },
      dryRun: {
        kind: 'boolean',
        brief: 'Write manifests and plan, and execute nothing',
        default: false,
        withNegated: false,
      },
      timeout: {
        kind: 'parsed',
        parse: parseSeconds,
        default: '300',
        brief: 'Seconds that one command within a manifest may take',
        placeholder: 'SECONDS',
      },
      json,
      verbose,
    },
  },
  docs: {
    brief: 'Deploy what an answer file describes',
    customUsage: [
      { input: '--answer-file answers.txt', brief: 'Deploy on the hosts that the file names' },
      { input: '--answer-file answers.txt --ssh-config ssh_config', brief: 'Reach them as the inventory says' },
      { input: '--answer-file answers.txt --dry-run', brief: 'Show what would be done' },
    ],
  },
});

const resumeCommand = buildCommand<RunFlags, [string?], CliContext>({
  loader: async () => (await import('./deploy.run.js')).resumeDeployment,
  parameters: {
    flags: { json, verbose },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: String, optional: true, brief: 'The run; the latest that is not done', placeholder: 'RUN' },
      ],
    },
  },
  docs: {
    brief: 'Go on with a run that was interrupted or has failed',
    customUsage: [
      { input: '', brief: 'Go on with the latest run that is not done' },
      { input: '20261121-120000-1f2e', brief: 'Go on with this run; finished steps are not repeated' },
    ],
  },
});

const listCommand = buildCommand<LookFlags, [], CliContext>({
  loader: async () => (await import('./deploy.run.js')).listDeployments,
  parameters: { flags: { json } },
  docs: { brief: 'List all runs, newest first', customUsage: [{ input: '', brief: 'Every run and its state' }] },
});

const showCommand = buildCommand<LookFlags, [string], CliContext>({
  loader: async () => (await import('./deploy.run.js')).showDeployment,
  parameters: {
    flags: { json },
    positional: { kind: 'tuple', parameters: [{ parse: String, brief: 'The run', placeholder: 'RUN' }] },
  },
  docs: {
    brief: 'Show the steps of a run, their times and logs',
    customUsage: [{ input: '20261121-120000-1f2e', brief: 'Every step of this run' }],
  },
});

export const deployRoutes = buildRouteMap({
  routes: { start: startCommand, resume: resumeCommand, list: listCommand, show: showCommand },
  defaultCommand: 'start',
  docs: { brief: 'Deploy services from an answer file, and go on where a run was cut off' },
});
