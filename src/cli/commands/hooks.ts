import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';
import { parseSeconds } from '../seconds.js';

export interface RunHooksFlags {
  extrasDir: string;
  settings?: string;
  timeout: number;
  json: boolean;
  verbose: boolean;
}

const runCommand = buildCommand<RunHooksFlags, string[], CliContext>({
  loader: async () => (await import('./hooks.run.js')).runHooksCommand,
  parameters: {
    flags: {
      extrasDir: { kind: 'parsed', parse: String, brief: 'The directory with the scripts', placeholder: 'DIR' },
      settings: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'A local.conf, or a file of shell assignments',
        placeholder: 'FILE',
      },
      timeout: {
        kind: 'parsed',
        parse: parseSeconds,
        default: '3600',
        brief: 'Seconds that one call of a script may take',
        placeholder: 'SECONDS',
      },
      json: { kind: 'boolean', brief: 'Print events and errors as JSON lines', default: false, withNegated: false },
      verbose: {
        kind: 'boolean',
        brief: 'Show also what is usually left out',
        default: false,
        withNegated: false,
      },
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { parse: String, brief: 'A phase, such as source or "stack install"', placeholder: 'PHASE' },
    },
  },
  docs: {
    brief: 'Run hooks on this host: the phases in the order given, in one shell',
    customUsage: [
      { input: '--extras-dir extras.d source "stack install"', brief: 'What a deployment would call up to install' },
      { input: '--extras-dir extras.d --settings local.conf source unstack', brief: 'With settings and plugins' },
    ],
  },
});

export interface ListHooksFlags {
  site: string;
  answerFile?: string;
  json: boolean;
}

const listCommand = buildCommand<ListHooksFlags, [], CliContext>({
  loader: async () => (await import('./hooks.run.js')).listHooksCommand,
  parameters: {
    flags: {
      site: { kind: 'parsed', parse: String, brief: 'The directory with extras.d and local.conf', placeholder: 'DIR' },
      answerFile: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The answer file; answers.txt of the site unless given',
        placeholder: 'FILE',
      },
      json: { kind: 'boolean', brief: 'Print the list as JSON', default: false, withNegated: false },
    },
  },
  docs: {
    brief: 'Show which hook does something in which phase, in which order, and why; executes nothing',
    customUsage: [{ input: '--site config', brief: 'The hooks of the site in the directory config' }],
  },
});

export const hooksRoutes = buildRouteMap({
  routes: { list: listCommand, run: runCommand },
  docs: { brief: 'Hooks: the scripts of extras.d' },
});
