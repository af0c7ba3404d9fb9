export { databaseUrl, stopCluster } from './cluster.js';
export { type Db, openDatabase, storeEvent } from './database.js';
export type { Database, MachineState, MachineTable, RunState } from './schema.js';
