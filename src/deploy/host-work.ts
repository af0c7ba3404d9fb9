import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import { digestOfDirectory } from '../base/files.js';
import { waitForSsh } from '../base/ssh.js';
import { APT_FAILED, KILLED, LOCK_HELD, PUPPET_STATUSES, puppetLock, TIMED_OUT } from './host-script.js';
import type { DeployContext } from './plugin.js';

/**
 * What of a manifest is applied: the whole; all but its services, which stay as they are; its services alone, which
 * are started, and restarted where they run, as something may have changed their configuration; its services, stopped.
 * The last two need no puppet: what a manifest does with services was written down when it was applied.
 */
export type ManifestPart = 'whole' | 'hold' | 'start' | 'stop';

/** Seconds for a whole manifest: many commands, each of which may take up to its own limit. */
export function manifestLimit(execTimeout: number): number {
  return Math.max(3600, execTimeout * 12);
}

/** Where a run has what goes to a host. */
export function hostDirectory(directory: string, host: string): string {
  return join(directory, 'hosts', host.replaceAll(':', '_'));
}

export interface HostWork {
  host: string;
  /** The name of its log there. */
  file: string;
  directory: string;
  part: ManifestPart | 'settle';
  /** What it reads at its standard input. */
  input: string;
}

/** Has the host's script work; what a killed process of ours has left working there is waited for and taken over. */
export async function workOn(context: DeployContext, { host, file, directory, part, input }: HostWork) {
  const { ssh, workDirectory, logFile, interrupted, execTimeout } = context;
  const limit = manifestLimit(execTimeout);
  const content = createHash('sha256')
    .update(await digestOfDirectory(hostDirectory(directory, host)))
    .update(input);
  const key = `${content.digest('hex').slice(0, 32)}-${part}`;
  const { stdout, status } = await persistently(context, host, interrupted, (mode) =>
    ssh.run(context.reach(host), ['sh', `${workDirectory}/apply`, file, key, String(limit), mode, part], {
      // It may first wait for another application on the host, then for packages, then takes its own time.
      timeout: 3 * limit + 120,
      okStatuses: [...PUPPET_STATUSES, APT_FAILED, LOCK_HELD, TIMED_OUT, KILLED],
      input,
      logFile,
    }),
  );
  const details = { value: file, hint: `the log is ${logFile}` };
  if (status === LOCK_HELD) {
    throw new StackwrightError('HostBusy', `another application of a manifest has not ended on ${host}`, {
      ...details,
      hint: `see it there with: fuser -v ${puppetLock}`,
    });
  }
  if (status === TIMED_OUT || status === KILLED) {
    throw new StackwrightError('ManifestTimedOut', `${file} did not end on ${host} within ${limit} s`, details);
  }
  return { stdout, status, details };
}

/** A connection that breaks does not stop puppet on the host: we go back to it, as after a crash of ours. */
export async function persistently<T>(
  { ssh, reach }: DeployContext,
  host: string,
  interrupted: boolean,
  work: (mode: 'anew' | 'adopt') => Promise<T>,
): Promise<T> {
  let mode: 'anew' | 'adopt' = interrupted ? 'adopt' : 'anew';
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(mode);
    } catch (error) {
      const broken = error instanceof StackwrightError && error.code === 'SshUnreachable';
      if (!broken || attempt === 5) throw error;
      await waitForSsh(ssh, reach(host), RECONNECT_SECONDS);
      mode = 'adopt';
    }
  }
}

/** Long enough for a reboot. */
const RECONNECT_SECONDS = 300;
