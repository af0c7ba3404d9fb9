import type { Phase } from '../hooks/index.js';
import { type DeployHooks, type HookSteps, hookSequences } from './hook-steps.js';
import type { ManifestPart } from './host-work.js';
import type { ManifestOrder, Sequence } from './plugin.js';
import { manifestSequences, packageSequence, puppetSequence, sendSequence, settleSequence } from './puppet.js';
import { cleanSequences, stopProcesses } from './removal.js';

/** What a run does: deploys, stops what was deployed, or removes it too. */
export type RunKind = 'deploy' | 'unstack' | 'clean';

/** What the plugins contribute to a deployment. */
export interface Contributions {
  prepare: Sequence[];
  manifests: ManifestOrder[];
  verify: Sequence[];
  finish: Sequence[];
  messages: string[];
}

export interface StageOptions {
  kind: RunKind;
  run: string;
  directory: string;
  hosts: string[];
  controller: string;
  hooks?: DeployHooks;
  /** Puppet looks at every manifest, also at those that were applied before. */
  reapply: boolean;
}

/** All stages of a run, in order. */
export function stagesOf(contributions: Contributions, options: StageOptions): Sequence[] {
  const stages =
    options.kind === 'deploy' ? deployStages(contributions, options) : removalStages(contributions, options);
  return stages.filter((stage) => stage.steps.length > 0);
}

function deployStages(contributions: Contributions, options: StageOptions): Sequence[] {
  const { prepare, manifests, verify, finish } = contributions;
  const { directory, hooks, reapply } = options;
  // Hooks may change what services read, so those that nobody needs before are started after them.
  const held = hooks ? manifests.filter((order) => order.startsLast) : [];
  const late = hooks ? manifests.filter((order) => order.needsServices) : [];
  // Those that bring no packages of services prepare the host for it: sources of packages, time.
  const begin = Math.max(
    manifests.findIndex(({ packages }) => packages !== undefined),
    0,
  );
  const prerequisites = manifests.slice(0, begin);
  const services = manifests.slice(begin).filter((order) => !late.includes(order));
  const first = (order: ManifestOrder): ManifestPart => (held.includes(order) ? 'hold' : 'whole');
  return [
    ...prepare,
    ...anywhere(puppetSequence(manifests), sendSequence(manifests, directory, reapply)),
    ...hooksAt(options, 'override_defaults', 'source', 'stack pre-install'),
    ...anywhere(
      ...manifestSequences(prerequisites, options, first),
      packageSequence(manifests),
      ...manifestSequences(services, options, first),
    ),
    ...hooksAt(options, 'stack install', 'stack post-config'),
    ...anywhere(...manifestSequences(held, options, () => 'start'), ...manifestSequences(late, options, () => 'whole')),
    ...verify,
    ...hooksAt(options, 'stack extra', 'stack test-config'),
    ...finish,
    ...anywhere(settleSequence(manifests, directory)),
  ];
}

/** The other way round; what was deployed last stops first. */
function removalStages({ prepare, manifests }: Contributions, options: StageOptions): Sequence[] {
  const { kind, directory, hosts, controller } = options;
  return [
    ...prepare,
    ...anywhere(sendSequence(manifests, directory, false)),
    ...hooksAt(options, 'override_defaults', 'source', 'unstack'),
    // Hooks work on the controller, which may be excluded.
    ...stopProcesses(hosts.filter((host) => host === controller)),
    ...anywhere(...manifestSequences([...manifests].reverse(), options, () => 'stop')),
    ...(kind === 'clean' ? [...hooksAt(options, 'clean'), ...cleanSequences(hosts)] : []),
  ];
}

/** Manifests and what belongs to them need the run's directory alone; plugins and hooks may read this machine's files. */
function anywhere(...sequences: Sequence[]): Sequence[] {
  return sequences.map((sequence) => ({ ...sequence, anywhere: true }));
}

function hooksAt(options: StageOptions, ...phases: Phase[]): Sequence[] {
  const { hooks, run, directory, controller, hosts } = options;
  // An excluded controller is left alone, and so are its hooks.
  if (!hooks || !hosts.includes(controller)) return [];
  const steps: HookSteps = { hooks, run, directory, controller, hosts };
  return hookSequences(phases, steps);
}
