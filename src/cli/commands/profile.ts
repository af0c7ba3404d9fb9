import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface MatchFlags {
  configDir: string;
  facts: string;
  json: boolean;
}

const matchCommand = buildCommand<MatchFlags, [], CliContext>({
  loader: async () => (await import('./profile.run.js')).matchProfile,
  parameters: {
    flags: {
      configDir: {
        kind: 'parsed',
        parse: String,
        brief: 'Directory with state, *.specs, *.configure',
        placeholder: 'DIR',
      },
      facts: { kind: 'parsed', parse: String, brief: 'Facts as JSON, or a .hw file', placeholder: 'FILE' },
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

export const profileRoutes = buildRouteMap({
  routes: { match: matchCommand },
  docs: { brief: 'Hardware profiles of a site' },
});
