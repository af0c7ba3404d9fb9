import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface QuickstartFlags {
  json: boolean;
  verbose: boolean;
}

export const quickstartCommand = buildCommand<QuickstartFlags, [], CliContext>({
  loader: async () => (await import('./quickstart.run.js')).quickstartRun,
  parameters: {
    flags: {
      json: {
        kind: 'boolean',
        brief: 'Print the result as JSON, progress as JSON lines',
        default: false,
        withNegated: false,
      },
      verbose: { kind: 'boolean', brief: 'Show every event', default: false, withNegated: false },
    },
  },
  docs: {
    brief: 'From a blank virtual machine to a running service, every station real',
    fullDescription:
      'Builds a role, boots a blank QEMU machine over the network, installs it and deploys a service on it.\n' +
      'Interrupted, it goes on where it was. "stackwright lab down" removes everything but the built images.',
  },
});
