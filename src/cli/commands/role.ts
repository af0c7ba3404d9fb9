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

export interface RoleExportFlags extends RoleFlags {
  format: 'tree' | 'archive';
}

const exportCommand = buildCommand<RoleExportFlags, [string, string, string], CliContext>({
  loader: async () => (await import('./role.run.js')).roleExport,
  parameters: {
    flags: {
      json,
      format: {
        kind: 'enum',
        values: ['tree', 'archive'],
        brief: 'tree for an rsync daemon, archive (tar, zstd) for an HTTP server',
        default: 'tree',
      },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Name of the role', parse: String, placeholder: 'name' },
        { brief: 'Version of the role', parse: String, placeholder: 'version' },
        { brief: 'The install directory of the rsync daemon or HTTP server', parse: String, placeholder: 'directory' },
      ],
    },
  },
  docs: {
    brief: 'Lay a role where eDeploy’s rsync and HTTP servers have it',
    customUsage: [
      { input: 'web D12-F.1.0.0 /var/lib/debootstrap/install', brief: 'As …/install/D12-F.1.0.0/web/' },
      { input: 'web D12-F.1.0.0 /srv/www/install --format archive', brief: 'As web-D12-F.1.0.0.edeploy' },
    ],
  },
});

export const roleRoutes = buildRouteMap({
  routes: { list, show, export: exportCommand },
  docs: { brief: 'Trees that are published under a name and version' },
});
