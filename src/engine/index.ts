export { stopCluster } from './cluster.js';
export { type Db, openDatabase, storeEvent } from './database.js';
export { eventReader } from './event-reader.js';
export { joinRun } from './join-run.js';
export type { DurableRun, RunEvent, RunOutcome, RunStage, RunStep, StepContext, StepFailure } from './run.js';
export { type CancelledRun, cancelRun } from './run-cancel.js';
export { isRunIdle } from './run-lock.js';
export { executeRun } from './runs.js';
export type { Database, MachineState, MachineTable, RunState } from './schema.js';
