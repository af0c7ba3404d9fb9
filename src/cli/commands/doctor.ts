import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.js';

interface Flags {
  json: boolean;
  install: boolean;
}

export const doctorCommand = buildCommand<Flags, [], CliContext>({
  loader: async () => (await import('./doctor.run.js')).doctor,
  parameters: {
    flags: {
      json: { kind: 'boolean', brief: 'Print the findings as JSON', default: false },
      install: { kind: 'boolean', brief: 'Install what is missing with apt-get (as root)', default: false },
    },
  },
  docs: {
    brief: 'Say what this host lacks and how to get it',
    customUsage: [
      { input: '', brief: 'List every program that is used, and where it is' },
      { input: '--install', brief: 'Install the missing Debian packages' },
    ],
  },
});
