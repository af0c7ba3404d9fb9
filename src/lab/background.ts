import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { commandLine, commandLog } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import { identifyProcess, type ProcessIdentity } from '../base/process.js';

/** Starts a program that outlives this command; its output goes to a file. */
export async function startInBackground(
  program: string,
  args: string[],
  options: { cwd: string; logFile: string },
): Promise<ProcessIdentity> {
  commandLog.onCommand?.(commandLine(program, args));
  const log = openSync(options.logFile, 'a', 0o600);
  try {
    const child = spawn(program, args, { cwd: options.cwd, detached: true, stdio: ['ignore', log, log] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity) return identity;
  } catch (error) {
    throw notStarted(program, args, options.logFile, error);
  } finally {
    closeSync(log);
  }
  throw notStarted(program, args, options.logFile, undefined);
}

function notStarted(program: string, args: string[], logFile: string, cause: unknown): StackwrightError {
  return new StackwrightError('ProcessNotStarted', `${program} did not start`, {
    value: commandLine(program, args),
    hint: `its output is in ${logFile}`,
    cause,
  });
}
