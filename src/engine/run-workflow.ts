import type { DBOS as DbosClass } from '@dbos-inc/dbos-sdk';
import type { Json } from '../base/events.js';
import { type Execution, executionOf } from './execution.js';
import type { RunEvent, RunStep, StepFailure } from './run.js';
import { executeStep, type StepOutcome } from './run-step.js';
import { liveWorkers } from './run-workers.js';

/** What the workflow of an attempt is given and gives back; DBOS stores both. */
export interface AttemptInput {
  run: string;
  attempt: number;
  /** Results of the steps that earlier attempts have finished. */
  finished: Record<string, Json>;
}

export interface AttemptOutput {
  finished: Record<string, Json>;
  failures: StepFailure[];
  /** Steps were left out because somebody has asked the run to stop. */
  cancelled?: boolean;
}

/** What a worker is given of a stage. */
interface ShareInput {
  run: string;
  attempt: number;
  stage: number;
  steps: string[];
}

type Dbos = typeof DbosClass;
export type AttemptWorkflow = (input: AttemptInput) => Promise<AttemptOutput>;
type ShareWorkflow = (input: ShareInput) => Promise<Record<string, StepOutcome>>;
type Results = () => Promise<ReadonlyMap<string, Json>>;

interface Workflows {
  attempt: AttemptWorkflow;
  share: ShareWorkflow;
}

let registered: Workflows | undefined;

/** Made known to DBOS before it is launched. */
export function registerWorkflows(dbos: Dbos): Workflows {
  // A run is taken up as often as it takes.
  const maxRecoveryAttempts = 10_000;
  registered ??= {
    attempt: dbos.registerWorkflow((input) => attemptWorkflow(dbos, input), { name: 'run', maxRecoveryAttempts }),
    share: dbos.registerWorkflow((input) => shareWorkflow(dbos, input), { name: 'share', maxRecoveryAttempts }),
  };
  return registered;
}

/** Deterministic, as DBOS wants it: what is called, and in which order, depends on the input and on what is kept. */
async function attemptWorkflow(dbos: Dbos, input: AttemptInput): Promise<AttemptOutput> {
  const execution = executionOf(input.run);
  const finished: Record<string, Json> = { ...input.finished };
  reportStart(execution, input.attempt);
  for (const [index, stage] of execution.run.stages.entries()) {
    const waiting = stage.steps.filter((step) => !(step.id in finished));
    const results = new Map(Object.entries(finished));
    const workers = stage.anywhere
      ? await dbos.runStep(() => liveWorkers(execution.db, input.run), { name: `workers of stage ${index + 1}` })
      : [];
    const [own = [], ...others] = shareOut(waiting, workers.length + 1);
    const place = { run: input.run, attempt: input.attempt, stage: index };
    const given = await Promise.all(others.map((steps, at) => giveAway(dbos, workers[at] ?? '', { ...place, steps })));
    const outcomes = await Promise.all([
      executeShare(dbos, execution, { steps: own, stage: index, results: async () => results }),
      ...given.map((share) => share.getResult({ pollingIntervalMs: 200 })),
    ]);
    const failures: StepFailure[] = [];
    let cancelled = false;
    for (const [step, outcome] of outcomes.flatMap((share) => Object.entries(share))) {
      if (outcome.ok) finished[step] = outcome.result;
      if ('failure' in outcome) failures.push(outcome.failure);
      if ('cancelled' in outcome) cancelled = true;
    }
    if (cancelled) return { finished, failures, cancelled };
    if (failures.length > 0) return { finished, failures };
  }
  return { finished, failures: [] };
}

/** Shares of nearly the same size; steps of one host stay together. */
function shareOut(steps: RunStep[], count: number): RunStep[][] {
  const hosts = [...new Set(steps.map((step) => step.host ?? step.id))];
  const shares: RunStep[][] = Array.from({ length: Math.min(count, hosts.length) }, () => []);
  for (const step of steps) shares[hosts.indexOf(step.host ?? step.id) % count]?.push(step);
  return shares;
}

/** A worker's queue has its name. */
async function giveAway(dbos: Dbos, worker: string, place: Omit<ShareInput, 'steps'> & { steps: RunStep[] }) {
  const { run, attempt, stage } = place;
  const share = { ...place, steps: place.steps.map(({ id }) => id) };
  const workflowID = `${run}/${attempt}/${stage + 1}/${worker}`;
  return await dbos.startWorkflow(registerWorkflows(dbos).share, { workflowID, queueName: worker })(share);
}

async function shareWorkflow(dbos: Dbos, { run, attempt, stage, steps }: ShareInput) {
  const execution = executionOf(run);
  const own = (execution.run.stages[stage]?.steps ?? []).filter(({ id }) => steps.includes(id));
  let loaded: Promise<ReadonlyMap<string, Json>> | undefined;
  const results = () => {
    loaded ??= resultsBefore(dbos, execution, { attempt, stage });
    return loaded;
  };
  execution.shares++;
  try {
    return await executeShare(dbos, execution, { steps: own, stage, results });
  } finally {
    execution.shares--;
  }
}

/** Steps side by side, those of a host one after the other. */
async function executeShare(
  dbos: Dbos,
  execution: Execution,
  { steps, stage, results }: { steps: RunStep[]; stage: number; results: Results },
): Promise<Record<string, StepOutcome>> {
  // Called all at once and in order; each then waits until the last one of its host is done and kept.
  const lastOfHost = new Map<string, Promise<unknown>>();
  const outcomes = steps.map(async (step): Promise<[string, StepOutcome]> => {
    const before = step.host === undefined ? undefined : lastOfHost.get(step.host);
    const work = async () => {
      await before;
      return await execution.limit(async () => await executeStep(execution, step, stage, await results()));
    };
    const outcome = dbos.runStep(work, { name: step.id });
    if (step.host !== undefined) lastOfHost.set(step.host, Promise.allSettled([outcome]));
    return [step.id, await outcome];
  });
  return Object.fromEntries(await Promise.all(outcomes));
}

async function resultsBefore(
  dbos: Dbos,
  { run }: Execution,
  { attempt, stage }: { attempt: number; stage: number },
): Promise<ReadonlyMap<string, Json>> {
  const workflowID = `${run.id}/${attempt}`;
  const status = await dbos.getWorkflowStatus(workflowID);
  const [input] = (status?.input ?? []) as AttemptInput[];
  const finished = { ...input?.finished, ...(await finishedSteps(dbos, workflowID)) };
  const earlier = run.stages.slice(0, stage).flatMap(({ steps }) => steps);
  return new Map(earlier.flatMap(({ id }) => (id in finished ? [[id, finished[id] as Json]] : [])));
}

/** The results that the checkpoints of an attempt have, those of its shares included. */
export async function finishedSteps(dbos: Dbos, workflowID: string): Promise<Record<string, Json>> {
  const finished: Record<string, Json> = {};
  const kept = (await dbos.listWorkflowSteps(workflowID)) ?? [];
  for (const share of new Set(kept.flatMap(({ childWorkflowID }) => childWorkflowID ?? []))) {
    Object.assign(finished, await finishedSteps(dbos, share));
  }
  for (const { name, output, error, childWorkflowID } of kept) {
    if (error || childWorkflowID) continue;
    const outcome = output as StepOutcome | undefined;
    if (outcome?.ok) finished[name] = outcome.result;
  }
  return finished;
}

function reportStart(execution: Execution, attempt: number): void {
  const { run, reporter, finishedBefore } = execution;
  const steps = execution.positions.size;
  const event: RunEvent = {
    code: 'run.started',
    level: 'info',
    message: `run ${run.id}: ${steps} steps${finishedBefore > 0 ? `, ${finishedBefore} of them finished before` : ''}`,
    data: { run: run.id, attempt, steps, finished: finishedBefore },
  };
  reporter.report(event);
}
