export { stopCluster } from './cluster.js';
export { type Db, openDatabase, storeEvent } from './database.js';
export { type CancelledRun, cancelRun } from './run-cancel.js';
export { isRunIdle } from './run-lock.js';
export {
  type DurableRun,
  executeRun,
  type RunEvent,
  type RunOutcome,
  type RunStage,
  type RunStep,
  type StepContext,
  type StepFailure,
} from './runs.js';
export type { Database, MachineState, MachineTable, RunState } from './schema.js';
