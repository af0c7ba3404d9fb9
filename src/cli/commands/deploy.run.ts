import { hostname, userInfo } from 'node:os';
import { StackwrightError } from '../../base/errors.js';
import { localAddress } from '../../base/local-address.js';
import type { StateDirectory } from '../../base/state.js';
import {
  cancelDeployment,
  type DeployOutcome,
  deployRun,
  detachRun,
  inventoryMachines,
  joinDeployment,
  type LoggedEvent,
  listRuns,
  localSshConfig,
  planRun,
  type RunReport,
  resumeRun,
  retryRun,
  runLog,
  type StepReport,
  showRun,
  undeployRun,
} from '../../deploy/index.js';
import { openDatabase, type StepFailure } from '../../engine/index.js';
import { type AnswerSource, chooseAnswers, firstContact, parseSetting, readDefaultPassword } from '../answer-source.js';
import { outputColors } from '../colors.js';
import { type CliContext, command } from '../context.js';
import { wrongUsage } from '../failure.js';
import { lazyDatabase } from '../lazy-database.js';
import { plainTable } from '../table.js';
import type { DeployFlags, LogFlags, LookFlags, RetryFlags, RunFlags, WorkerFlags } from './deploy.js';

export async function startDeployment(this: CliContext, flags: DeployFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const overrides = new Map((flags.set ?? []).map(parseSetting));
    if (flags.excludeServers !== undefined) overrides.set('EXCLUDE_SERVERS', flags.excludeServers);
    if (flags.defaultPassword !== undefined) {
      overrides.set('CONFIG_DEFAULT_PASSWORD', await readDefaultPassword(this, flags.defaultPassword));
    }
    await deploy(this, { ...flags, overrides });
  });
}

/** What a deployment is started with, whatever the command is called. */
export interface StartedDeployment extends Omit<AnswerSource, 'findMachines' | 'reporter'> {
  sshConfig?: string;
  hostKeys?: string;
  dryRun: boolean;
  detach?: boolean;
  timeout: number;
  site?: string;
  hookTimeout?: number;
  reapply?: boolean;
  json: boolean;
  verbose: boolean;
}

/** Deploys, or only plans. */
export async function deploy(context: CliContext, start: StartedDeployment): Promise<void> {
  const reporter = context.reporter(start);
  const state = await context.openState(reporter);
  await using database = lazyDatabase(async () => state);
  const findMachines = inventoryMachines(database.open);
  const chosen = await chooseAnswers(context, { ...start, findMachines, reporter });
  const { timeout, site, hookTimeout, reapply = false } = start;
  const sshConfig = start.sshConfig ?? (start.allinone ? await reachThisMachine(state, start.dryRun) : undefined);
  const ssh = sshConfig ? { sshConfigFile: sshConfig } : {};
  const hooks = { ...(site === undefined ? {} : { site }), ...(hookTimeout === undefined ? {} : { hookTimeout }) };
  const options = { state, reporter, timeout, reapply, findMachines, ...chosen, ...ssh, ...hooks };
  if (start.dryRun && start.detach) throw wrongUsage('--dry-run and --detach exclude one another');
  if (start.dryRun) {
    const plan = await planRun(options);
    if (start.json) context.printJson(plan);
    else for (const stage of plan.stages) for (const step of stage.steps) context.print(stepLine(step));
    return;
  }
  const wanted = { ...options, firstContact: firstContact(context, start.hostKeys) };
  const db = await database.open();
  if (start.detach) {
    const { run, directory } = await detachRun({ ...wanted, db });
    if (start.json) context.printJson({ run, directory });
    else context.print(`the run goes on by itself; to follow it: stackwright deploy log --follow ${run}`);
    return;
  }
  sayHowToGoOn(context);
  conclude(context, start.json, await deployRun({ ...wanted, db }));
}

async function reachThisMachine(state: StateDirectory, dryRun: boolean): Promise<string | undefined> {
  // A plan is not executed, and so needs no way.
  return dryRun ? undefined : await localSshConfig(state, { address: localAddress(), authorize: true });
}

export async function resumeDeployment(this: CliContext, flags: RunFlags, run?: string): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const db = await openDatabase(state);
    try {
      sayHowToGoOn(this);
      conclude(this, flags.json, await resumeRun({ state, db, reporter, ...(run ? { runId: run } : {}) }));
    } finally {
      await db.destroy();
    }
  });
}

export async function retryDeployment(this: CliContext, flags: RetryFlags, run: string): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const { from, host } = flags;
    const db = await openDatabase(state);
    try {
      sayHowToGoOn(this);
      const retried = { state, db, reporter, runId: run, from, ...(host ? { host } : {}) };
      conclude(this, flags.json, await retryRun(retried));
    } finally {
      await db.destroy();
    }
  });
}

export async function joinRunningDeployment(this: CliContext, flags: WorkerFlags, run: string): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const { from, sshConfig, hostKeys } = flags;
    const db = await openDatabase(state);
    try {
      this.process.once('SIGINT', () => {
        this.process.stderr.write('interrupted; who leads the run goes on with what this worker had\n');
        this.process.exit(130);
      });
      const ended = await joinDeployment({
        state,
        db,
        reporter,
        run,
        ...(from ? { from } : {}),
        ...(sshConfig ? { sshConfigFile: sshConfig } : {}),
        firstContact: firstContact(this, hostKeys),
      });
      if (flags.json) this.printJson(ended);
      else this.print([runTable([ended]), stepTable(ended.report)].join('\n'));
    } finally {
      await db.destroy();
    }
  });
}

export async function cancelDeploymentRun(this: CliContext, flags: LookFlags, run: string): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const db = await openDatabase(await this.openState(reporter));
    try {
      const by = `operator ${userInfo().username}@${hostname()}`;
      const cancelled = await cancelDeployment(db, reporter, { run, by });
      if (flags.json) this.printJson(cancelled);
      else if (cancelled.state === 'cancelling') this.print(`stackwright deploy log --follow ${run} waits for its end`);
    } finally {
      await db.destroy();
    }
  });
}

export async function unstack(this: CliContext, flags: RunFlags, run?: string): Promise<void> {
  await undeploy(this, 'unstack', flags, run);
}

export async function clean(this: CliContext, flags: RunFlags, run?: string): Promise<void> {
  await undeploy(this, 'clean', flags, run);
}

async function undeploy(context: CliContext, kind: 'unstack' | 'clean', flags: RunFlags, run?: string): Promise<void> {
  await command(context, flags.json, async () => {
    const reporter = context.reporter(flags);
    const state = await context.openState(reporter);
    const db = await openDatabase(state);
    try {
      sayHowToGoOn(context);
      conclude(context, flags.json, await undeployRun({ state, db, reporter, kind, ...(run ? { runId: run } : {}) }));
    } finally {
      await db.destroy();
    }
  });
}

export async function listDeployments(this: CliContext, flags: LookFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const db = await openDatabase(await this.openState(this.reporter(flags)));
    try {
      const runs = await listRuns(db);
      if (flags.json) this.printJson(runs);
      else this.print(runs.length === 0 ? 'no runs' : runTable(runs));
    } finally {
      await db.destroy();
    }
  });
}

/** How far a run is: the steps that are going on, those that have failed, and how to go on. */
export async function deploymentStatus(this: CliContext, flags: LookFlags, run?: string): Promise<void> {
  await command(this, flags.json, async () => {
    const db = await openDatabase(await this.openState(this.reporter(flags)));
    try {
      const { report, ...found } = await showRun(db, run);
      const underWay = report.filter(({ state }) => state === 'running' || state === 'failed');
      if (flags.json) this.printJson({ ...found, report: underWay });
      else {
        this.print(runTable([found]));
        if (underWay.length > 0) this.print(stepTable(underWay));
        for (const { error } of underWay) if (error) this.print(failureText(error));
        if (found.state !== 'done') this.print(howToGoOn(found));
      }
    } finally {
      await db.destroy();
    }
  });
}

function howToGoOn({ run, state }: RunReport): string {
  const isUnderWay = state === 'running' || state === 'cancelling';
  return isUnderWay
    ? `to follow it: stackwright deploy log --follow ${run}`
    : `to go on with it: stackwright deploy resume ${run}`;
}

export async function showDeployment(this: CliContext, flags: LookFlags, run?: string): Promise<void> {
  await command(this, flags.json, async () => {
    const db = await openDatabase(await this.openState(this.reporter(flags)));
    try {
      const found = await showRun(db, run);
      if (flags.json) this.printJson(found);
      else {
        this.print(runTable([found]));
        if (found.cancelledBy) this.print(`cancelled by ${found.cancelledBy}`);
        this.print(stepTable(found.report));
        for (const { error } of found.report) if (error) this.print(failureText(error));
      }
    } finally {
      await db.destroy();
    }
  });
}

export async function logDeployment(this: CliContext, flags: LogFlags, run?: string): Promise<void> {
  await command(this, flags.json, async () => {
    const db = await openDatabase(await this.openState(this.reporter(flags)));
    try {
      for await (const event of runLog(db, run, { follow: flags.follow })) {
        if (flags.json) this.print(JSON.stringify(event));
        else this.print(eventLine(event));
      }
    } finally {
      await db.destroy();
    }
  });
}

function eventLine({ time, level, message }: LoggedEvent): string {
  const text =
    level === 'error' ? outputColors.red(message) : level === 'warn' ? outputColors.yellow(message) : message;
  return `${outputColors.dim(time.toISOString())} ${text}`;
}

/** Interrupting is safe: what runs on the hosts goes on there, and the run goes on where it was. */
function sayHowToGoOn(context: CliContext): void {
  context.process.once('SIGINT', () => {
    context.process.stderr.write(
      'interrupted; stackwright deploy resume goes on with the run, and so do workers that have joined it\n',
    );
    context.process.exit(130);
  });
}

/** Shows how a run ended; a failed one ends the command with a failure. */
function conclude(context: CliContext, json: boolean, outcome: DeployOutcome): void {
  if (json) context.printJson(outcome);
  else context.print(stepTable(outcome.steps));
  if (outcome.state === 'done') return;
  if (outcome.state === 'cancelled') {
    throw new StackwrightError('RunCancelled', `the run ${outcome.run} was cancelled`, {
      value: outcome.run,
      hint: `stackwright deploy resume ${outcome.run} goes on with it`,
    });
  }
  throw new StackwrightError('RunFailed', `the run ${outcome.run} failed`, {
    value: outcome.run,
    hint: [...outcome.failures.map(failureText), `when it is put right: stackwright deploy resume ${outcome.run}`].join(
      '\n',
    ),
  });
}

function failureText({ step, message, hint }: StepFailure): string {
  return [`${step}: ${message}`, hint].filter(Boolean).join('\n');
}

function stepLine(step: { title: string; host: string | null }): string {
  return step.host === null ? step.title : `${step.host}: ${step.title}`;
}

function runTable(runs: RunReport[]): string {
  const table = plainTable(['run', 'state', 'steps', 'started', 'ended']);
  for (const { run, state, steps, done, createdAt, finishedAt } of runs) {
    const ended = finishedAt?.toISOString() ?? '';
    table.push([run, colour(state), `${done} of ${steps}`, createdAt.toISOString(), ended]);
  }
  return table.toString();
}

function stepTable(steps: StepReport[]): string {
  const isShared = steps.some(({ worker }) => worker !== null);
  const table = plainTable(['host', 'step', 'state', 'starts', 'seconds', ...(isShared ? ['worker'] : [])]);
  for (const { host, title, state, starts, seconds, worker } of steps) {
    const time = seconds === null ? '' : seconds.toFixed(1);
    table.push([host ?? '', title, colour(state), String(starts), time, ...(isShared ? [worker ?? ''] : [])]);
  }
  return table.toString();
}

function colour(state: string): string {
  if (state === 'done') return outputColors.green(state);
  if (state === 'failed') return outputColors.red(state);
  return ['interrupted', 'cancelling', 'cancelled'].includes(state) ? outputColors.yellow(state) : state;
}
