import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

const bash = buildCommand<object, [], CliContext>({
  loader: async () => (await import('./completion.run.js')).bashCompletion,
  parameters: {},
  docs: {
    brief: 'Print what bash needs',
    customUsage: [{ input: '> /etc/bash_completion.d/stackwright', brief: 'For every user of this host' }],
  },
});

export const completionRoutes = buildRouteMap({
  routes: { bash },
  docs: { brief: 'Complete commands and flags in a shell' },
});
