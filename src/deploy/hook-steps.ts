import { join } from 'node:path';
import { type HookSite, type Phase, runHostPhase } from '../hooks/index.js';
import { persistently } from './host-work.js';
import type { DeployContext, Sequence } from './plugin.js';

/** The hooks of a deployment: where they are, how long one may take (seconds). */
export interface DeployHooks {
  site: HookSite;
  limit: number;
}

export interface HookSteps {
  hooks: DeployHooks;
  run: string;
  directory: string;
  controller: string;
  hosts: string[];
}

/** A sequence for each phase: hooks run on the controller. */
export function hookSequences(phases: Phase[], steps: HookSteps): Sequence[] {
  return phases.map((phase) => ({
    title: `hooks ${phase}`,
    steps: [
      {
        id: `hooks.${phase.replace(' ', '.')}@${steps.controller}`,
        title: `run the hooks ${phase}`,
        host: steps.controller,
        work: (context) => runPhase(context, phase, steps),
      },
    ],
  }));
}

async function runPhase(context: DeployContext, phase: Phase, steps: HookSteps): Promise<undefined> {
  const { configuration, ssh, reach, facts, workDirectory, logFile, interrupted, reporter } = context;
  const hostOf = (name: string) => ({ name, address: facts(name).address });
  await runHostPhase({
    phase,
    site: steps.hooks.site,
    run: steps.run,
    limit: steps.hooks.limit,
    ssh,
    reach,
    controller: hostOf(steps.controller),
    hosts: steps.hosts.map(hostOf),
    configuration,
    directory: join(steps.directory, 'hooks'),
    hostDirectory: `${workDirectory}/hooks`,
    logFile,
    reporter,
    persistently: (work) => persistently(context, steps.controller, interrupted, work),
  });
}
