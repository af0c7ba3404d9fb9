import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface MatchFlags {
  configDir: string;
  facts: string;
  json: boolean;
}

const files = {
  configDir: {
    kind: 'parsed',
    parse: String,
    brief: 'Directory with state, *.specs, *.configure',
    placeholder: 'DIR',
  },
  facts: { kind: 'parsed', parse: String, brief: 'Facts as JSON, or a .hw file', placeholder: 'FILE' },
} as const;

const matchCommand = buildCommand<MatchFlags, [], CliContext>({
  loader: async () => (await import('./profile.run.js')).matchProfile,
  parameters: {
    flags: {
      ...files,
      json: { kind: 'boolean', brief: 'Print profile and variables as JSON', default: false, withNegated: false },
    },
  },
  docs: {
    brief: 'Say which profile a machine would get, and why not another; changes nothing',
    customUsage: [
      { input: '--config-dir config --facts machine.json', brief: 'Show the profile and its variables' },
      { input: '--config-dir config --facts ProLiant-CZJ31402CD.hw --json', brief: 'The same as JSON' },
    ],
  },
});

const scriptCommand = buildCommand<MatchFlags, [], CliContext>({
  loader: async () => (await import('./profile.run.js')).printScript,
  parameters: {
    flags: {
      ...files,
      json: { kind: 'boolean', brief: 'Print profile and script as JSON', default: false, withNegated: false },
    },
  },
  docs: {
    brief: 'Print the configure script that a machine would get; changes nothing',
    customUsage: [{ input: '--config-dir config --facts machine.json', brief: 'With its layout made into a script' }],
  },
});

export const profileRoutes = buildRouteMap({
  routes: { match: matchCommand, script: scriptCommand },
  docs: { brief: 'Hardware profiles of a site' },
});
