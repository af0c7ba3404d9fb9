import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface ExpandFlags {
  json: boolean;
}

const expandCommand = buildCommand<ExpandFlags, [string], CliContext>({
  loader: async () => (await import('./cmdb.run.js')).expandCmdb,
  parameters: {
    flags: {
      json: { kind: 'boolean', brief: 'Print the entries as JSON', default: false, withNegated: false },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'A .cmdb or .cmdb.yaml file', placeholder: 'FILE' }],
    },
  },
  docs: {
    brief: 'Show the entries of a CMDB, generate(…) expanded; changes nothing',
    customUsage: [
      { input: 'config/vm.cmdb', brief: 'Print the list as it would be stored' },
      { input: 'config/vm.cmdb --json', brief: 'The same as JSON' },
    ],
  },
});

export const cmdbRoutes = buildRouteMap({
  routes: { expand: expandCommand },
  docs: { brief: 'CMDB files: the settings of each machine' },
});
