import { buildCommand, buildRouteMap } from '@stricli/core';
import type { SiteForm } from '../../inventory/index.js';
import type { CliContext } from '../context.js';

export interface CheckFlags {
  json: boolean;
}

export interface ConvertFlags {
  to: SiteForm;
  json: boolean;
}

const siteDirectory = {
  kind: 'tuple',
  parameters: [{ parse: String, brief: 'Directory with state, *.specs, *.configure, *.cmdb', placeholder: 'DIR' }],
} as const;

const checkCommand = buildCommand<CheckFlags, [string], CliContext>({
  loader: async () => (await import('./site.run.js')).checkSiteCommand,
  parameters: {
    flags: {
      json: { kind: 'boolean', brief: 'Print the problems as JSON', default: false, withNegated: false },
    },
    positional: siteDirectory,
  },
  docs: {
    brief: 'Find everything that is wrong in a site before a machine does',
    customUsage: [
      { input: 'config', brief: 'Check the site in the directory config' },
      { input: 'config --json', brief: 'The same as JSON' },
    ],
  },
});

const forms: SiteForm[] = ['python', 'yaml'];

const convertCommand = buildCommand<ConvertFlags, [string], CliContext>({
  loader: async () => (await import('./site.run.js')).convertSiteCommand,
  parameters: {
    flags: {
      to: { kind: 'enum', values: forms, brief: 'The form that the files shall have' },
      json: { kind: 'boolean', brief: 'Print what was converted as JSON', default: false, withNegated: false },
    },
    positional: siteDirectory,
  },
  docs: {
    brief: 'Turn state, specs and CMDBs into YAML, or back; files as they were are kept as .orig',
    customUsage: [
      { input: 'config --to yaml', brief: 'state.yaml, NAME.specs.yaml, NAME.cmdb.yaml' },
      { input: 'config --to python', brief: "eDeploy's own form" },
    ],
  },
});

export const siteRoutes = buildRouteMap({
  routes: { check: checkCommand, convert: convertCommand },
  docs: { brief: 'Sites: eDeploy configuration directories' },
});
