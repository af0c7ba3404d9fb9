import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface CheckFlags {
  json: boolean;
}

const checkCommand = buildCommand<CheckFlags, [string], CliContext>({
  loader: async () => (await import('./site.run.js')).checkSiteCommand,
  parameters: {
    flags: {
      json: { kind: 'boolean', brief: 'Print the problems as JSON', default: false, withNegated: false },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'Directory with state, *.specs, *.configure, *.cmdb', placeholder: 'DIR' }],
    },
  },
  docs: {
    brief: 'Find everything that is wrong in a site before a machine does',
    customUsage: [
      { input: 'config', brief: 'Check the site in the directory config' },
      { input: 'config --json', brief: 'The same as JSON' },
    ],
  },
});

export const siteRoutes = buildRouteMap({
  routes: { check: checkCommand },
  docs: { brief: 'Sites: eDeploy configuration directories' },
});
