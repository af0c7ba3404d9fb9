import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface RoleFlags {
  json: boolean;
}

const json = { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false } as const;

const list = buildCommand<RoleFlags, [], CliContext>({
  loader: async () => (await import('./role.run.js')).roleList,
  parameters: { flags: { json } },
  docs: {
    brief: 'List the published roles',
    customUsage: [
      { input: '', brief: 'As a table' },
      { input: '--json', brief: 'With everything that is known' },
    ],
  },
});

const show = buildCommand<RoleFlags, [string, string], CliContext>({
  loader: async () => (await import('./role.run.js')).roleShow,
  parameters: {
    flags: { json },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Name of the role', parse: String, placeholder: 'name' },
        { brief: 'Version of the role', parse: String, placeholder: 'version' },
      ],
    },
  },
  docs: {
    brief: 'Show what a role was built from, and its file',
    customUsage: [{ input: 'web D12-F.1.0.0', brief: 'Kernel, elements, size and SHA-256' }],
  },
});

export const roleRoutes = buildRouteMap({
  routes: { list, show },
  docs: { brief: 'Trees that are published under a name and version' },
});
