import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { openSsh, type Ssh } from '../base/ssh.js';
import type { StateDirectory } from '../base/state.js';
import { type Db, joinRun } from '../engine/index.js';
import { type FirstContact, meetHosts } from './first-contact.js';
import { durableRun, savedRun, sshHost } from './run.js';
import { isSavedRun, runDirectory } from './run-directory.js';
import { type RunReport, type StepReport, showRun } from './run-report.js';

export interface JoinOptions {
  state: StateDirectory;
  db: Db;
  reporter: Reporter;
  run: string;
  /** The machine that has the run's directory, as OpenSSH names it; its answers and manifests are fetched once. */
  from?: string;
  /** By which this machine reaches the hosts, and `from`; that of the run, or the user's, unless given. */
  sshConfigFile?: string;
  /** Meets `from` and the hosts of the run where this machine does not know their keys; without it those fail. */
  firstContact?: FirstContact;
}

/**
 * Helps with a run that another process leads, until it ends: manifests, packages and what belongs to them are shared out
 * among all who have joined. It needs the run's directory, which has its secrets: on storage that both machines use, or
 * fetched by SSH.
 * @throws StackwrightError `RunUnknown`, `RunNotUnderWay`, `RunElsewhere`, `RunPlanChanged`, those of `meetHosts` and SSH
 */
export async function joinDeployment(options: JoinOptions): Promise<RunReport & { report: StepReport[] }> {
  const { state, db, reporter, run, sshConfigFile, firstContact } = options;
  const { directory: source } = await showRun(db, run);
  await using ssh = openSsh(state);
  const directory = runDirectory(state, run);
  if (!isSavedRun(directory)) await fetchRun(ssh, options, { source, directory });
  const prepared = await savedRun(options, run);
  if (sshConfigFile) prepared.sshConfig = sshConfigFile;
  if (firstContact) {
    const hosts = prepared.hosts.map((name) => sshHost(name, prepared.sshConfig));
    await meetHosts(state, hosts, firstContact);
  }
  await joinRun({ state, db, reporter, run: durableRun(prepared, ssh) });
  return await showRun(db, run);
}

/** All of it or nothing; logs stay where they are written. */
async function fetchRun(
  ssh: Ssh,
  options: JoinOptions,
  { source, directory }: Record<'source' | 'directory', string>,
): Promise<void> {
  const { state, run, from, sshConfigFile, firstContact } = options;
  if (from === undefined) {
    throw new StackwrightError('RunElsewhere', `the answers and manifests of the run ${run} are not on this machine`, {
      value: directory,
      hint: `fetch them by SSH from where it was begun: stackwright deploy worker --from HOST ${run}`,
    });
  }
  const host = { name: from, ...(sshConfigFile ? { configFile: sshConfigFile } : {}) };
  if (firstContact) await meetHosts(state, [host], firstContact);
  const coming = `${directory}.coming`;
  await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
  await rm(coming, { recursive: true, force: true });
  await mkdir(coming, { mode: 0o700 });
  try {
    await ssh.receiveDirectory(host, source, coming, { leaveOut: ['./logs', './hooks'] });
    await rename(coming, directory);
  } finally {
    await rm(coming, { recursive: true, force: true });
  }
}
