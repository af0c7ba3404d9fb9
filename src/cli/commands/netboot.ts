import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface NetbootBuildFlags {
  kernelPackage: string;
  rebuild: boolean;
  json: boolean;
}

const build = buildCommand<NetbootBuildFlags, [], CliContext>({
  loader: async () => (await import('./netboot.run.js')).netbootBuild,
  parameters: {
    flags: {
      kernelPackage: {
        kind: 'parsed',
        parse: String,
        brief: 'Debian’s kernel package',
        default: 'linux-image-cloud-amd64',
      },
      rebuild: { kind: 'boolean', brief: 'Build although nothing has changed', default: false, withNegated: false },
      json: { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false },
    },
  },
  docs: {
    brief: 'Build the ramdisk that machines boot from',
    customUsage: [
      { input: '', brief: 'For virtual machines' },
      { input: '--kernel-package linux-image-amd64', brief: 'For real machines: drivers of most hardware' },
    ],
  },
});

export const netbootRoutes = buildRouteMap({
  routes: { build },
  docs: { brief: 'The ramdisk that machines boot over the network' },
});
