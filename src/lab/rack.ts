import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import { packageRoot } from '../base/package-root.js';
import { endProcess, endProcessesInside, isAlive } from '../base/process.js';
import type { StateDirectory } from '../base/state.js';
import { mountsBelow, undoThing } from '../base/temporary.js';
import { openDatabase, stopCluster } from '../engine/index.js';
import { listMachines, loadSite, setMachineState } from '../inventory/index.js';
import { renderDnsmasqConfiguration } from '../netboot/index.js';
import { startInBackground } from './background.js';
import { reportLab } from './events.js';
import { type Lab, labDirectory, lockLab, newLab, RACK, readLab, writeLab } from './record.js';

export interface LabUpOptions {
  state: StateDirectory;
  reporter: Reporter;
  name: string;
  /** The eDeploy configuration directory that the rack's server serves. */
  site: string;
}

/**
 * Brings a rack up, or what of it is down: namespace and bridge, dnsmasq, the server. Whatever was
 * killed is started again; machines stay as they are.
 * @throws StackwrightError those of `loadSite` before anything starts, `ProcessNotStarted`
 */
export async function labUp(options: LabUpOptions): Promise<Lab> {
  const { state, reporter, name, site } = options;
  await loadSite(site);
  await using _lock = await lockLab(state, name);
  const directory = labDirectory(state, name);
  const known = await readLab(state, name);
  const lab: Lab = known ?? newLab(state, name, site);
  const moved = lab.site !== site;
  lab.site = site;
  await writeLab(state, lab);
  await ensureNamespace(lab);
  if (!lab.dnsmasq || !isAlive(lab.dnsmasq)) {
    reportPart(reporter, 'dnsmasq', lab.dnsmasq !== undefined);
    await startDnsmasq(lab, directory);
    await writeLab(state, lab);
  }
  if (!lab.server || !isAlive(lab.server) || moved) {
    reportPart(reporter, 'server', lab.server !== undefined);
    if (lab.server) await endProcess(lab.server);
    await startServer(lab, directory, site);
    await writeLab(state, lab);
  }
  return lab;
}

function reportPart(reporter: Reporter, part: string, again: boolean): void {
  if (again) {
    const message = `${part} of the rack was gone, starting it again`;
    reportLab(reporter, { code: 'lab.part.restarted', level: 'warn', message, data: { part } });
  } else {
    reportLab(reporter, { code: 'lab.part.started', level: 'info', message: `starting ${part}`, data: { part } });
  }
}

/**
 * Removes a rack: every process, the namespace, what is mounted below its directory, and the
 * directory. The private PostgreSQL is stopped too; its data, and images, stay for the next time.
 * The inventory keeps the machines and their records, as machines to be installed again.
 */
export async function labDown(state: StateDirectory, name: string, reporter: Reporter): Promise<void> {
  await using _lock = await lockLab(state, name);
  const directory = labDirectory(state, name);
  const lab = (await readLab(state, name)) ?? newLab(state, name, '');
  try {
    await forgetInstallations(state, lab, reporter);
  } finally {
    await removeRack(state, lab, directory);
  }
  const message = `the lab "${name}" is removed`;
  reportLab(reporter, { code: 'lab.removed', level: 'info', message, data: { name } });
}

/** What was on the machines' disks goes with them. */
async function forgetInstallations(state: StateDirectory, lab: Lab, reporter: Reporter): Promise<void> {
  if (lab.machines.length === 0) return;
  const db = await openDatabase(state);
  try {
    const uuids = new Set(lab.machines.map(({ uuid }) => uuid));
    for (const { id, identity } of await listMachines(db)) {
      if (uuids.has(identity)) await setMachineState(db, id, 'discovered', 'its lab was taken down', reporter);
    }
  } finally {
    await db.destroy();
  }
}

async function removeRack(state: StateDirectory, lab: Lab, directory: string): Promise<void> {
  const machines = lab.machines.map((machine) => machine.process);
  const processes = [...machines, lab.server, lab.dnsmasq].filter((process) => process !== undefined);
  for (const process of processes) await endProcess(process);
  // One that was killed before it could note what it had started is found by where it runs.
  await undoThing({ kind: 'namespace', name: lab.namespace });
  await endProcessesInside(directory);
  if (mountsBelow(directory).length > 0) await undoThing({ kind: 'mount', path: directory });
  rmSync(directory, { recursive: true, force: true });
  await stopCluster(state);
}

async function ensureNamespace(lab: Lab): Promise<void> {
  if (!existsSync(`/run/netns/${lab.namespace}`)) await run('ip', ['netns', 'add', lab.namespace]);
  const ip = (...args: string[]) => run('ip', ['-n', lab.namespace, ...args]);
  await ip('link', 'set', 'lo', 'up');
  const { status } = await run('ip', ['-n', lab.namespace, 'link', 'show', RACK.bridge], { okStatuses: [0, 1] });
  if (status !== 0) {
    // Without spanning tree: a port would not forward for 30 s, and DHCP would give up.
    await ip('link', 'add', RACK.bridge, 'type', 'bridge', 'forward_delay', '0', 'stp_state', '0');
  }
  await ip('address', 'replace', `${RACK.address}/${RACK.length}`, 'dev', RACK.bridge);
  await ip('-6', 'address', 'replace', `${RACK.ipv6Address}/64`, 'dev', RACK.bridge, 'nodad');
  await ip('link', 'set', RACK.bridge, 'up');
}

async function startDnsmasq(lab: Lab, directory: string): Promise<void> {
  const tftp = join(directory, 'tftp');
  mkdirSync(tftp, { recursive: true });
  for (const firmware of ['undionly.kpxe', 'snponly.efi']) {
    if (existsSync(`/usr/lib/ipxe/${firmware}`)) copyFileSync(`/usr/lib/ipxe/${firmware}`, join(tftp, firmware));
  }
  const configuration = join(directory, 'dnsmasq.conf');
  await writeFileAtomic(
    configuration,
    renderDnsmasqConfiguration({
      interface: RACK.bridge,
      address: RACK.address,
      netmask: RACK.netmask,
      range: RACK.range,
      httpPort: RACK.httpPort,
      tftpRoot: tftp,
      leaseFile: join(directory, 'dnsmasq.leases'),
      pidFile: join(directory, 'dnsmasq.pid'),
      ipv6Prefix: RACK.ipv6Prefix,
    }),
  );
  const logFile = join(directory, 'dnsmasq.log');
  const args = ['netns', 'exec', lab.namespace, 'dnsmasq', `--conf-file=${configuration}`];
  lab.dnsmasq = await startInBackground('ip', args, { cwd: directory, logFile });
  await waitUntil(
    async () => (await readTextIfExists(logFile))?.includes('DHCP, IP range') === true,
    () => isAlive(lab.dnsmasq as NonNullable<Lab['dnsmasq']>),
    'dnsmasq',
    logFile,
  );
}

async function startServer(lab: Lab, directory: string, site: string): Promise<void> {
  const logFile = join(directory, 'server.log');
  const readyFile = join(directory, 'server.ready');
  rmSync(readyFile, { force: true });
  const listen = ['--listen', `${RACK.address}:${RACK.httpPort}`, '--namespace', lab.namespace];
  const args = [join(packageRoot(), 'bin', 'stackwright'), 'serve', '--json', ...listen, '--site', site];
  lab.server = await startInBackground(process.execPath, [...args, '--ready-file', readyFile], {
    cwd: directory,
    logFile,
  });
  await waitUntil(
    async () => existsSync(readyFile),
    () => isAlive(lab.server as NonNullable<Lab['server']>),
    'the server',
    logFile,
  );
}

async function waitUntil(
  ready: () => Promise<boolean>,
  alive: () => boolean,
  what: string,
  logFile: string,
): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await ready())) {
    if (!alive() || Date.now() > deadline) {
      const log = (await readTextIfExists(logFile)) ?? '';
      throw new StackwrightError('ProcessNotStarted', `${what} did not start`, {
        value: log.trim().split('\n').slice(-8).join('\n'),
        hint: `its output is in ${logFile}`,
      });
    }
    await delay(50);
  }
}
