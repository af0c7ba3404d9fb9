import { accessSync, constants, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StackwrightError } from './errors.js';

/** Everything that Stackwright keeps on this machine is below this one directory. */
export interface StateDirectory {
  root: string;
  /** A path below the state directory; its parent directories are made on demand by the writer. */
  path(...parts: string[]): string;
}

/** `STACKWRIGHT_STATE`, else `/var/lib/stackwright`: an empty variable is none, and not the working directory. */
export function stateDirectory(root = process.env.STACKWRIGHT_STATE || '/var/lib/stackwright'): StateDirectory {
  const absolute = resolve(root);
  try {
    mkdirSync(absolute, { recursive: true, mode: 0o755 });
    accessSync(absolute, constants.W_OK);
  } catch (error) {
    throw new StackwrightError('StateNotWritable', `the state directory ${absolute} cannot be written`, {
      value: absolute,
      hint: 'run as root, or set STACKWRIGHT_STATE to a directory of yours',
      cause: error,
    });
  }
  return { root: absolute, path: (...parts) => join(absolute, ...parts) };
}
