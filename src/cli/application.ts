import { buildApplication, buildRouteMap } from '@stricli/core';
import packageFile from '../../package.json' with { type: 'json' };
import type { CliContext } from './context.js';
import { describeFailure } from './failure.js';
import { routes } from './routes.js';

/** Exit status: 0 done, 1 failed, 2 wrong usage. */
export const application = buildApplication(
  buildRouteMap<keyof typeof routes, CliContext>({
    routes,
    docs: { brief: 'Blank machines to a running cloud', fullDescription: introduction() },
  }),
  {
    name: 'stackwright',
    versionInfo: { currentVersion: packageFile.version },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { useAliasInUsageLine: true, caseStyle: 'convert-camel-to-kebab' },
    determineExitCode: () => 1,
    localization: {
      text: describeFailure,
    },
  },
);

function introduction(): string {
  return [
    'Stackwright takes blank machines to a running cloud.',
    '',
    'The way of a machine: image → role → netboot → inventory → installation → first boot → deploy.',
    'Everything is kept below /var/lib/stackwright, or the directory that STACKWRIGHT_STATE names.',
    'DATABASE_URL names a shared PostgreSQL; without it a private one is started.',
  ].join('\n');
}
