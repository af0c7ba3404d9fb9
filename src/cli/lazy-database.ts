import type { StateDirectory } from '../base/state.js';
import { type Db, openDatabase } from '../engine/index.js';

/** A database that is opened when it is first needed, and closed if it was. */
export interface LazyDatabase extends AsyncDisposable {
  open(): Promise<Db>;
}

/** @param state may itself be opened late: looking at a file needs no state directory */
export function lazyDatabase(state: () => Promise<StateDirectory>): LazyDatabase {
  let opening: Promise<Db> | undefined;
  return {
    open: () => {
      opening ??= state().then(openDatabase);
      return opening;
    },
    async [Symbol.asyncDispose]() {
      // Whoever asked for one that cannot be opened has been told why.
      const database = await opening?.catch(() => undefined);
      await database?.destroy();
    },
  };
}
