import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { overrideAnswers, readAnswerFile, writeAnswerFile } from '../base/ini.js';
import { openSsh, type Ssh, type SshHost } from '../base/ssh.js';
import type { StateDirectory } from '../base/state.js';
import {
  type Db,
  type DurableRun,
  executeRun,
  type RunOutcome,
  type RunStage,
  type StepContext,
  type StepFailure,
  storeEvent,
} from '../engine/index.js';
import { findHooks } from '../hooks/index.js';
import { keepAnswers, type Overrides, writtenAnswers } from './answer-files.js';
import {
  type AnswerFinding,
  hostsOf,
  messagesOf,
  type ResolvedAnswers,
  requireRight,
  resolveAnswers,
} from './answers.js';
import type { DeployEvent } from './events.js';
import { type FirstContact, meetHosts } from './first-contact.js';
import { askKernels } from './kernel-modules.js';
import { loadPlugins } from './load-plugins.js';
import type { Configuration, FindMachines } from './parameter.js';
import {
  type DeployContext,
  type DeployPlugin,
  discoveryStep,
  type HostFacts,
  type ManifestOrder,
  type Sequence,
} from './plugin.js';
import { hostsLookedUp, writeManifests } from './puppet.js';
import { stepsFrom } from './retry.js';
import {
  copySshConfig,
  isSavedRun,
  newRunId,
  readSavedRun,
  runDirectory,
  type SavedRun,
  saveRun,
} from './run-directory.js';
import { latestUnfinished, type StepReport, stepReports } from './run-report.js';
import { type Contributions, type RunKind, stagesOf } from './stages.js';

export interface DeployOptions {
  state: StateDirectory;
  db: Db;
  answerFile: string;
  /** An ssh_config with a block for every host, e.g. the one that the inventory writes. */
  sshConfigFile?: string;
  reporter: Reporter;
  /** Made of date, time and a random part unless given. */
  runId?: string;
  /** Seconds for one command within a manifest; 300. */
  timeout?: number;
  /** Answers that count before those of the file. */
  overrides?: Overrides;
  /** Asked for hosts that are named by a query. */
  findMachines?: FindMachines;
  /** The directory with `plugins`, `extras.d` and `local.conf`; that of the answer file unless given. */
  site?: string;
  /** Seconds for one call of a hook; 3600. */
  hookTimeout?: number;
  /** What the run does; it deploys unless told. */
  kind?: RunKind;
  /** How unknown host keys become known before anything is written. Unless given, no host is asked for anything then. */
  firstContact?: FirstContact;
  /** Has puppet look at every manifest, also where nothing has changed since it was applied. */
  reapply?: boolean;
}

/** What will be done, and where it is written down. */
export interface DeployPlan {
  run: string;
  directory: string;
  hosts: string[];
  stages: { title: string; steps: { id: string; title: string; host: string | null }[] }[];
}

export interface DeployOutcome {
  run: string;
  state: RunOutcome['state'];
  directory: string;
  /** What a person should know after a run that went well. */
  messages: string[];
  failures: StepFailure[];
  steps: StepReport[];
}

/**
 * Deploys what an answer file describes, as a durable run.
 * @throws StackwrightError `AnswersWrong`, `NoHosts`, `PluginBroken`, `RunLocked`. A failed step is no exception: the
 *   outcome says `failed`.
 */
export async function deployRun(options: DeployOptions): Promise<DeployOutcome> {
  const prepared = await prepareRun(options, 'keep passwords');
  return await execute(options, prepared);
}

/**
 * Writes the run directory with manifests and plan and executes nothing. The directory is under `runs/`, but no run
 * of the database.
 */
export async function planRun(options: Omit<DeployOptions, 'db'>): Promise<DeployPlan> {
  const { run, directory, hosts, stages } = await prepareRun(options, 'only look');
  return {
    run,
    directory,
    hosts,
    stages: stages.map(({ title, steps }) => ({
      title,
      steps: steps.map((step) => ({ id: step.id, title: step.title, host: step.host ?? null })),
    })),
  };
}

/**
 * Goes on with a run that was interrupted or cancelled or has failed: finished steps are not repeated. Without `runId` the latest
 * run that is not done.
 * @throws StackwrightError `RunUnknown`, `NothingToResume`, `RunPlanChanged`, `RunLocked`
 */
export async function resumeRun(
  options: Pick<DeployOptions, 'state' | 'db' | 'reporter' | 'runId'>,
): Promise<DeployOutcome> {
  const run = options.runId ?? (await latestUnfinished(options.db));
  return await execute(options, await savedRun(options, run));
}

/**
 * A run as it was planned, from its directory.
 * @throws StackwrightError `RunUnknown`, `RunPlanChanged`
 */
export async function savedRun(
  { state, reporter }: Pick<DeployOptions, 'state' | 'reporter'>,
  run: string,
): Promise<PreparedRun> {
  const directory = runDirectory(state, run);
  const saved = await readSavedRun(directory, run);
  const prepared = await reconstruct(saved, directory, reporter);
  if (prepared.fingerprint !== saved.fingerprint) {
    const site = `this machine has no ${saved.site}, whose plugins and hooks the run may have`;
    throw new StackwrightError('RunPlanChanged', `the run ${run} was planned by another version and cannot go on`, {
      value: run,
      hint: existsSync(saved.site)
        ? `start a new run: stackwright deploy --answer-file ${saved.answerFile}`
        : `${site}: put it there, or go on where the run was begun`,
    });
  }
  return prepared;
}

/**
 * Does the steps of a run again from one on, also where it had ended well: those of that step's stage and of all later
 * ones, of one host or of all. Steps before it are not repeated.
 * @param from the id of a step, with its host or without: `manifest.glance@ctl`, `manifest.glance`
 * @throws StackwrightError `RunUnknown`, `StepUnknown`, `RunPlanChanged`, `RunLocked`
 */
export async function retryRun(
  options: Pick<DeployOptions, 'state' | 'db' | 'reporter'> & { runId: string; from: string; host?: string },
): Promise<DeployOutcome> {
  const prepared = await savedRun(options, options.runId);
  const repeat = stepsFrom(prepared.stages, options);
  return await execute(options, prepared, repeat);
}

/** A run that is written down in its directory. */
export interface PreparedRun {
  run: string;
  directory: string;
  hosts: string[];
  stages: Sequence[];
  manifests: ManifestOrder[];
  configuration: Configuration;
  saved: SavedRun;
  /** By which hosts are reached; the user's own unless there is one. */
  sshConfig?: string;
  /** Of all steps and manifests: a run is resumed by what planned it, or not at all. */
  fingerprint: string;
  messages: string[];
}

/** Reads the answers and writes the run's directory: manifests, answers as they are used, and the plan. */
export async function prepareRun(
  options: Omit<DeployOptions, 'db'>,
  purpose: 'keep passwords' | 'only look',
): Promise<PreparedRun> {
  const { state, reporter, findMachines } = options;
  const run = options.runId ?? newRunId();
  const directory = runDirectory(state, run);
  const answerFile = resolve(options.answerFile);
  const site = resolve(options.site ?? dirname(answerFile));
  const plugins = await loadPlugins(site);
  const answers = overrideAnswers(await readAnswerFile(answerFile), options.overrides ?? new Map());
  const looked = await resolveAnswers(answers, plugins, { mayCreate: false, findMachines });
  requireRightAnswers(reporter, answerFile, looked);
  const hosts = hostsOf(plugins, looked);
  if (hosts.length === 0) {
    throw new StackwrightError('NoHosts', 'the answers name no host to deploy on', {
      file: answerFile,
      hint: 'set CONFIG_CONTROLLER_HOST, and see whether EXCLUDE_SERVERS leaves a host',
    });
  }
  if (isSavedRun(directory)) {
    throw new StackwrightError('RunExists', `there is a run ${run} already`, {
      value: run,
      hint: `stackwright deploy resume ${run} goes on with it`,
    });
  }
  const reach = (name: string) => sshHost(name, options.sshConfigFile);
  if (options.firstContact) await meetHosts(state, hosts.map(reach), options.firstContact);
  const resolved = await resolveAnswers(answers, plugins, {
    mayCreate: true,
    findMachines,
    ...(options.firstContact ? { lackingModules: askKernels(state, reach) } : {}),
  });
  for (const finding of resolved.findings) report(reporter, findingEvent(answerFile, finding));
  requireRight(answerFile, resolved.findings);
  // Before anything is deployed: the next run has the same passwords, whatever becomes of this one.
  if (purpose === 'keep passwords') await keepAnswers(answerFile, resolved.generated);
  const hooks = await findHooks(site);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // The values as they are used, generated passwords included: a resumed run has the same.
  await writeAnswerFile(join(directory, 'answers.txt'), writtenAnswers(plugins, resolved.configuration), {
    overwrite: true,
  });
  if (options.sshConfigFile) await copySshConfig(options.sshConfigFile, directory);
  const saved: SavedRun = {
    run,
    answerFile,
    hasSshConfig: options.sshConfigFile !== undefined,
    timeout: options.timeout ?? 300,
    fingerprint: '',
    kind: options.kind ?? 'deploy',
    site,
    hasHooks: hooks !== undefined,
    hookTimeout: options.hookTimeout ?? 3600,
    reapply: options.reapply ?? false,
  };
  const contributions = await contributionsOf(plugins, resolved, hosts, saved.kind);
  await writeManifests(directory, contributions.manifests, resolved.configuration);
  const prepared = await assemble(saved, directory, resolved.configuration, hosts, contributions);
  await saveRun(directory, { ...saved, fingerprint: prepared.fingerprint });
  report(reporter, {
    code: 'deploy.planned',
    level: 'info',
    message: `run ${run}: ${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}, ${contributions.manifests.length} manifests, in ${directory}`,
    data: { run, directory, hosts: hosts.length, manifests: contributions.manifests.length },
  });
  return prepared;
}

/** @throws StackwrightError `AnswersWrong`, after all that was found has been reported */
function requireRightAnswers(reporter: Reporter, file: string, { findings }: ResolvedAnswers): void {
  if (findings.every(({ level }) => level !== 'error')) return;
  for (const finding of findings) report(reporter, findingEvent(file, finding));
  requireRight(file, findings);
}

/** The same run again, from its directory. */
async function reconstruct(saved: SavedRun, directory: string, reporter: Reporter): Promise<PreparedRun> {
  const plugins = await loadPlugins(saved.site);
  const path = join(directory, 'answers.txt');
  const resolved = await resolveAnswers(await readAnswerFile(path), plugins, { mayCreate: false });
  requireRightAnswers(reporter, path, resolved);
  const hosts = hostsOf(plugins, resolved);
  const contributions = await contributionsOf(plugins, resolved, hosts, saved.kind);
  return await assemble(saved, directory, resolved.configuration, hosts, contributions);
}

async function contributionsOf(
  plugins: DeployPlugin[],
  resolved: ResolvedAnswers,
  hosts: string[],
  kind: RunKind,
): Promise<Contributions> {
  const all = plugins.map((plugin) => plugin.sequences(resolved.configuration, hosts));
  // A plugin need not look whether a host is excluded.
  const isMeant = ({ host }: { host?: string }) => host === undefined || hosts.includes(host);
  const manifests = all.flatMap((one) => one.manifests ?? []).filter(isMeant);
  // An excluded host is left alone, but for its address, where what is deployed is to reach it.
  const named = kind === 'deploy' ? await hostsLookedUp(manifests, resolved.configuration) : [];
  const asked = named.map(discoveryStep);
  const meant = (sequences: Sequence[] = []) =>
    sequences.map((sequence) => ({
      ...sequence,
      steps: sequence.steps.filter((step) => isMeant(step) || asked.includes(step.id)),
    }));
  return {
    prepare: all.flatMap((one) => meant(one.prepare)),
    manifests,
    verify: all.flatMap((one) => meant(one.verify)),
    finish: all.flatMap((one) => meant(one.finish)),
    messages: [...all.flatMap((one) => one.messages ?? []), ...messagesOf(plugins, resolved)],
  };
}

async function assemble(
  saved: SavedRun,
  directory: string,
  configuration: Configuration,
  hosts: string[],
  contributions: Contributions,
): Promise<PreparedRun> {
  const { run, kind, site, hasHooks, hookTimeout: limit, reapply } = saved;
  const hooks = hasHooks ? await findHooks(site) : undefined;
  const controller = configuration.get('CONFIG_CONTROLLER_HOST');
  const stages = stagesOf(contributions, {
    kind,
    run,
    directory,
    hosts,
    controller,
    reapply,
    ...(hooks ? { hooks: { site: hooks, limit } } : {}),
  });
  return {
    run: saved.run,
    directory,
    hosts,
    stages,
    manifests: contributions.manifests,
    configuration,
    saved,
    ...(saved.hasSshConfig ? { sshConfig: join(directory, 'ssh_config') } : {}),
    fingerprint: await fingerprintOf(directory, stages),
    messages: contributions.messages,
  };
}

async function fingerprintOf(directory: string, stages: Sequence[]): Promise<string> {
  const hash = createHash('sha256');
  for (const stage of stages) hash.update(`${stage.steps.map((step) => step.id).join(' ')}\n`);
  const hosts = join(directory, 'hosts');
  const entries = existsSync(hosts) ? await readdir(hosts, { recursive: true, withFileTypes: true }) : [];
  const manifests = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.pp'));
  const files = manifests.map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(await readFile(file));
  return hash.digest('hex').slice(0, 32);
}

async function execute(
  options: Pick<DeployOptions, 'state' | 'db' | 'reporter'>,
  prepared: PreparedRun,
  repeat?: ReadonlySet<string>,
): Promise<DeployOutcome> {
  const { state, db, reporter } = options;
  await using ssh = openSsh(state);
  const outcome = await executeRun({ state, db, reporter, repeat, run: durableRun(prepared, ssh) });
  return await describeOutcome(options, prepared, outcome);
}

export function durableRun(prepared: PreparedRun, ssh: Ssh): DurableRun {
  const { run, directory, saved, hosts, stages } = prepared;
  return {
    id: run,
    directory,
    plan: { answerFile: saved.answerFile, hosts, kind: saved.kind },
    stages: stages.map((stage) => durableStage(stage, prepared, ssh)),
  };
}

function durableStage(stage: Sequence, prepared: PreparedRun, ssh: Ssh): RunStage {
  return {
    title: stage.title,
    anywhere: stage.anywhere ?? false,
    steps: stage.steps.map((step) => ({
      id: step.id,
      title: step.title,
      ...(step.host === undefined ? {} : { host: step.host }),
      work: (context) => step.work(deployContext(prepared, ssh, context)),
    })),
  };
}

/** As root, unless a configuration of its own says who reaches the hosts. */
export function sshHost(name: string, configFile?: string): SshHost {
  return { name, ...(configFile ? { configFile } : { user: 'root' }) };
}

/** What a step of a run works with. */
export function deployContext(
  prepared: PreparedRun,
  ssh: Ssh,
  { results, logFile, interrupted, reporter }: StepContext,
): DeployContext {
  const { configuration, saved, sshConfig: configFile } = prepared;
  return {
    configuration,
    ssh,
    reach: (name) => sshHost(name, configFile),
    facts(host) {
      const facts = results.get(discoveryStep(host)) as HostFacts | undefined;
      if (!facts) throw new Error(`${host} was not discovered before`);
      return facts;
    },
    addresses() {
      const prefix = discoveryStep('');
      const found = [...results].filter(([id]) => id.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(found.map(([id, facts]) => [id.slice(prefix.length), (facts as HostFacts).address]));
    },
    workDirectory: `/var/tmp/stackwright/${prepared.run}`,
    execTimeout: saved.timeout,
    logFile,
    interrupted,
    reporter,
  };
}

async function describeOutcome(
  { db, reporter }: Pick<DeployOptions, 'db' | 'reporter'>,
  prepared: PreparedRun,
  outcome: RunOutcome,
): Promise<DeployOutcome> {
  const { run, directory } = prepared;
  const messages = outcome.state === 'done' && prepared.saved.kind === 'deploy' ? prepared.messages : [];
  for (const text of messages) {
    const event: DeployEvent = { code: 'deploy.message', level: 'info', message: text, data: { text } };
    report(reporter, event);
    await storeEvent(db, event, { runId: run });
  }
  return {
    run,
    state: outcome.state,
    directory,
    messages,
    failures: outcome.failures,
    steps: await stepReports(db, run),
  };
}

function findingEvent(file: string, { code, level, name, line, message }: AnswerFinding): DeployEvent {
  const place = line === undefined ? file : `${file}:${line}`;
  return {
    code: level === 'error' ? 'deploy.answer.wrong' : 'deploy.answer.noted',
    level,
    message: `${place}: ${message}`,
    data: { finding: code, name, file, line: line ?? null },
  };
}

function report(reporter: Reporter, event: DeployEvent): void {
  reporter.report(event);
}
