import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { writeFileAtomic } from '../base/files.js';
import { takeLock } from '../base/lock.js';
import { packageRoot } from '../base/package-root.js';
import { isAlive } from '../base/process.js';
import type { StateDirectory } from '../base/state.js';
import { checkAnswers, deployRun, listRuns, requireRight, resumeRun } from '../deploy/index.js';
import { type Db, openDatabase } from '../engine/index.js';
import {
  listEvents,
  listMachines,
  loadSite,
  type Machine,
  operatorKey,
  setMachineState,
  sshConfigFile,
} from '../inventory/index.js';
import { type Lab, labUp, machineDirectory, powerOffMachine, powerOnMachine, requireLab } from '../lab/index.js';
import { ensureRamdisk } from '../netboot/index.js';
import { ensureRole, type Role } from '../role/index.js';
import { atStation, type StationSeconds } from './stations.js';

export interface QuickstartOptions {
  state: StateDirectory;
  reporter: Reporter;
}

/** What came out, for a person to go on with. */
export interface QuickstartResult {
  machine: Machine;
  role: Role;
  lab: Lab;
  /** What the service said over the network. */
  service: { name: string; address: string; port: number; answer: string };
  runId: string;
  seconds: StationSeconds;
  /** Where the site is that the user may change and keep. */
  site: string;
}

const LAB = 'lab';
const MACHINE = 'node1';
const ROLE = { name: 'quickstart', version: 'D12-F.1.0.0', elements: ['quickstart-role'] };
const MEMCACHED_PORT = 11211;

/**
 * From a blank machine to a running service, every station real. Started again after it was
 * interrupted, it goes on: what is built is not built again, an installed machine is not installed
 * again, an unfinished deployment is resumed.
 * @throws StackwrightError `Busy` where another one is at work, and those of its stations
 */
export async function quickstart({ state, reporter }: QuickstartOptions): Promise<QuickstartResult> {
  await using _lock = await takeLock(state.path('quickstart'), 'the quickstart', 0);
  const seconds: StationSeconds = {};
  const site = await ownSite(state);
  const answerFile = join(site, 'answers.txt');
  // A mistake in what the user may have changed comes out now, not minutes later.
  await loadSite(site);
  await operatorKey(state);
  requireRight(answerFile, await checkAnswers(answerFile));
  const role = await atStation('role', seconds, reporter, () =>
    ensureRole({ ...ROLE, elementsPath: [join(site, 'elements')], environment: {}, state, reporter, force: true }),
  );
  await atStation('ramdisk', seconds, reporter, () => ensureRamdisk({ state, reporter }));
  const lab = await atStation('rack', seconds, reporter, () => labUp({ state, reporter, name: LAB, site }));
  const db = await openDatabase(state);
  try {
    const context = { state, reporter, db, lab };
    const installed = await atStation('install', seconds, reporter, () => install(context));
    const machine = await atStation('firstboot', seconds, reporter, () => firstBoot(context, installed));
    const runId = await atStation('deploy', seconds, reporter, () => deploy(context, machine, answerFile));
    const service = await atStation('check', seconds, reporter, () => checkMemcached(lab, machine));
    return { machine, role, lab, service, runId, seconds, site };
  } finally {
    await db.destroy();
  }
}

/** The example is copied, because the state and CMDB files of a site are written to at every claim. */
async function ownSite(state: StateDirectory): Promise<string> {
  const site = state.path('quickstart', 'site');
  if (existsSync(site)) return site;
  const copying = state.path('quickstart', 'site.copying');
  await rm(copying, { recursive: true, force: true });
  await mkdir(state.path('quickstart'), { recursive: true });
  await cp(join(packageRoot(), 'examples', 'quickstart'), copying, { recursive: true });
  // Our own key, so that nothing of the user's is used or made.
  const answers = join(copying, 'answers.txt');
  const key = state.path('ssh', 'id_ed25519.pub');
  await writeFileAtomic(
    answers,
    (await readFile(answers, 'utf8')).replace(/^CONFIG_SSH_KEY=.*$/m, `CONFIG_SSH_KEY=${key}`),
    0o600,
  );
  await rename(copying, site);
  return site;
}

interface Context {
  state: StateDirectory;
  reporter: Reporter;
  db: Db;
  lab: Lab;
}

const INSTALL_MINUTES = 15;
const BOOT_MINUTES = 10;

async function install(context: Context): Promise<Machine> {
  const { state, reporter, db, lab } = context;
  const known = lab.machines.find((machine) => machine.name === MACHINE);
  const last = known ? await machineByUuid(db, known.uuid) : undefined;
  if (last && isInstalled(last)) return last;
  if (last && isRefused(last)) {
    // It waits with a shell on its console.
    await powerOffMachine({ state, reporter, lab: LAB, name: MACHINE });
    await setMachineState(db, last.id, 'discovered', 'the quickstart tries again', reporter);
  }
  const { uuid, process } = await powerOnMachine({
    state,
    reporter,
    lab: LAB,
    name: MACHINE,
    boot: 'network',
    diskGigabytes: 4,
  });
  const before = await machineByUuid(db, uuid);
  const deadline = Date.now() + INSTALL_MINUTES * 60_000;
  for (;;) {
    const machine = await machineByUuid(db, uuid);
    if (machine && isInstalled(machine)) return machine;
    const isNews = machine?.updated_at.getTime() !== before?.updated_at.getTime();
    const failedNow = isNews && machine !== undefined && isRefused(machine);
    const gone = !process || !isAlive(process);
    if (failedNow || gone || Date.now() > deadline) {
      throw new StackwrightError('InstallationFailed', `machine ${MACHINE} was not installed`, {
        value: machine?.reason ?? (gone ? 'its QEMU ended' : 'it did not report in time'),
        hint: `its console says:\n${await consoleTail(context)}`,
      });
    }
    await delay(300);
  }
}

/** The machine of a UUID, once it has asked for its boot script. */
async function machineByUuid(db: Db, uuid: string): Promise<Machine | undefined> {
  return (await listMachines(db)).find((machine) => machine.identity === uuid);
}

function isInstalled(machine: Machine): boolean {
  return machine.state === 'installed' || machine.state === 'up';
}

/** It failed, or matched nothing. */
function isRefused({ state, reason }: Machine): boolean {
  return state === 'failed' || (state === 'discovered' && reason !== null);
}

/** Waits until the machine lets us in with the host key that its installation made. */
async function firstBoot(context: Context, machine: Machine): Promise<Machine> {
  const { state, reporter, db } = context;
  const vm = (await requireLab(state, LAB)).machines.find((known) => known.name === MACHINE);
  if (!vm?.process || !isAlive(vm.process)) {
    await powerOnMachine({ state, reporter, lab: LAB, name: MACHINE, boot: 'disk', diskGigabytes: 4 });
  }
  const host = machine.host_name ?? '';
  const deadline = Date.now() + BOOT_MINUTES * 60_000;
  const options = ['-F', sshConfigFile(state), '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5'];
  for (;;) {
    const { status, output } = await run('ssh', [...options, host, 'hostname'], { okStatuses: [0, 255], timeout: 60 });
    if (status === 0 && output.trim() === host) break;
    if (/Host key verification failed|REMOTE HOST IDENTIFICATION/.test(output) || Date.now() > deadline) {
      throw new StackwrightError('MachineNotUp', `${host} did not come up with its own name and host key`, {
        value: output.trim(),
        hint: `its console says:\n${await consoleTail(context)}`,
      });
    }
    await delay(300);
  }
  return setMachineState(db, machine.id, 'up', 'answers ssh with its pinned host key', reporter);
}

async function installedAt(db: Db, machine: Machine): Promise<Date> {
  const events = await listEvents(db, 1000, machine.id);
  return events.find(({ code }) => code === 'server.machine.installed')?.time ?? machine.created_at;
}

async function consoleTail({ state }: Context): Promise<string> {
  const path = join(machineDirectory(state, LAB, MACHINE), 'console.log');
  const text = await readFile(path, 'latin1').catch(() => '');
  return stripVTControlCharacters(text).trim().split('\n').slice(-12).join('\n');
}

async function deploy({ state, reporter, db }: Context, machine: Machine, answerFile: string): Promise<string> {
  const [latest] = await listRuns(db);
  // What was done before an installation is no longer on the machine.
  const isCurrent = latest !== undefined && latest.createdAt > (await installedAt(db, machine));
  const outcome =
    isCurrent && latest.state !== 'done'
      ? await resumeRun({ state, db, reporter, runId: latest.run })
      : await deployRun({ state, db, reporter, answerFile, sshConfigFile: sshConfigFile(state) });
  if (outcome.state === 'done') return outcome.run;
  const [failure] = outcome.failures;
  throw new StackwrightError('DeploymentFailed', `the deployment ${outcome.run} failed: ${failure?.message ?? ''}`, {
    value: failure?.step,
    hint: `stackwright deploy show ${outcome.run} lists the logs; stackwright deploy resume goes on after a repair`,
  });
}

/** Speaks memcached's own protocol from another place of the rack. */
async function checkMemcached(lab: Lab, machine: Machine): Promise<QuickstartResult['service']> {
  const address = machine.address ?? '';
  const input = 'set stackwright 0 60 5\r\nhello\r\nget stackwright\r\nversion\r\nquit\r\n';
  const nc = ['netns', 'exec', lab.namespace, 'nc', '-w', '10', address, String(MEMCACHED_PORT)];
  const { stdout } = await run('ip', nc, { input, timeout: 30, okStatuses: [0, 1] });
  const version = /^VERSION (\S+)/m.exec(stdout)?.[1];
  if (!stdout.includes('STORED') || !stdout.includes('hello') || version === undefined) {
    throw new StackwrightError('ServiceNotAnswering', `memcached on ${address} does not answer as it should`, {
      value: stdout.trim() || 'nothing came back',
      hint: 'stackwright deploy show lists the logs of the deployment',
    });
  }
  return { name: 'memcached', address, port: MEMCACHED_PORT, answer: `version ${version}, stored and fetched a value` };
}
