import type { DBOS as DbosClass } from '@dbos-inc/dbos-sdk';
import { type AttemptWorkflow, registerWorkflows } from './run-workflow.js';

export interface Launch {
  url: string;
  run: string;
  /** A worker that has joined the run; its queue has its name. */
  worker?: string;
}

/** Works with DBOS launched for one run, which this process leads or has joined. */
export async function withDbos<T>(
  { url, run, worker }: Launch,
  work: (dbos: typeof DbosClass, attempt: AttemptWorkflow) => Promise<T>,
): Promise<T> {
  const { DBOS } = await import('@dbos-inc/dbos-sdk');
  const { attempt } = registerWorkflows(DBOS);
  DBOS.setConfig({
    // Its queue is the run's alone: another process that executes another run does not take from it.
    name: `run-${run}`,
    systemDatabaseUrl: url,
    systemDatabasePoolSize: 5,
    // Setting it, DBOS sends two queries at once at every connection, which pg warns of on standard error.
    systemDatabaseIdleTransactionTimeoutMs: 0,
    useListenNotify: false,
    // At launch DBOS recovers what this executor has left, and nothing of another run: whoever leads the run goes on
    // where the one before was cut off.
    executorID: worker ?? `run:${run}`,
    // Pinned: a newer Stackwright goes on with the runs of an older one (the domain compares the steps). DBOS wants
    // versions to be unique over applications.
    applicationVersion: `run-2-${run}`,
    listenQueues: worker === undefined ? [] : [worker],
    logLevel: 'error',
    logger: silentLogger,
  });
  try {
    await DBOS.launch();
    return await work(DBOS, attempt);
  } finally {
    await DBOS.shutdown();
  }
}

const silentLogger = { info: () => {}, debug: () => {}, warn: () => {}, error: () => {} };
