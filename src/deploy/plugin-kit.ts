import { StackwrightError } from '../base/errors.js';
import { hostSequence, manifestsIn, type PluginManifest, secret, serviceHost, yesNo } from './declare.js';
import type { DeployPlugin, ManifestOrder } from './plugin.js';
import * as processors from './processors.js';
import { answerSequence, runningSequence } from './service-answer.js';
import * as validators from './validators.js';

export type { Configuration, Parameter, ParameterGroup } from './parameter.js';
export type { DeployContext, DeployPlugin, DeployStep, HostFacts, PluginSequences, Sequence } from './plugin.js';

/** What a site exports as `plugin` from `plugins/NNN-name/index.ts`: a plugin, or what makes one of a kit. */
export type SitePlugin = DeployPlugin | ((kit: PluginKit) => DeployPlugin);

/** What a plugin of a site is made of. It is given: a site imports types of Stackwright, and no code. */
export interface PluginKit {
  /** A parameter that is `y` or `n`. */
  yesNo: typeof yesNo;
  /** A password, random unless it is given. */
  secret: typeof secret;
  /** A host of its own for a service; the controller unless it is given. */
  serviceHost: typeof serviceHost;
  /** The orders for `manifests/NAME.pp` of the plugin's folder on several hosts. */
  manifestsOn(hosts: string[], manifest: Omit<PluginManifest, 'modules'> & { modules?: string[] }): ManifestOrder[];
  /** The same step of a plugin's own on several hosts. */
  hostSequence: typeof hostSequence;
  /** Steps that see whether services answer at their ports. */
  answerSequence: typeof answerSequence;
  /** Steps that see whether units of systemd run. */
  runningSequence: typeof runningSequence;
  processors: typeof processors;
  validators: typeof validators;
  /** What a step throws to say what to do; others are shown as faults of the plugin. */
  StackwrightError: typeof StackwrightError;
}

/** The kit for the plugin of a folder. */
export function kitFor(directory: string): PluginKit {
  return {
    yesNo,
    secret,
    serviceHost,
    manifestsOn: (hosts, manifest) => manifestsIn(directory, hosts, { modules: [], ...manifest }),
    hostSequence,
    answerSequence,
    runningSequence,
    processors,
    validators,
    StackwrightError,
  };
}
