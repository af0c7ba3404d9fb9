import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../base/command.js';
import type { Reporter } from '../base/events.js';
import { packageRoot } from '../base/package-root.js';
import { endProcess, endProcessesInside, isAlive } from '../base/process.js';
import type { StateDirectory } from '../base/state.js';
import { mountsBelow, undoThing } from '../base/temporary.js';
import { openDatabase, stopCluster } from '../engine/index.js';
import { listMachines, loadSite, setMachineState } from '../inventory/index.js';
import { startInBackground } from './background.js';
import { ensureBmc } from './bmc.js';
import { foreignNamespace, startDnsmasq, startForeignDhcp } from './dhcp.js';
import { reportLab } from './events.js';
import { addMachine } from './machine.js';
import { type Lab, labDirectory, lockLab, newLab, RACK, readLab, writeLab } from './record.js';
import { waitUntil } from './wait.js';

export interface LabUpOptions {
  state: StateDirectory;
  reporter: Reporter;
  name: string;
  /** The eDeploy configuration directory that the rack's server serves. */
  site: string;
  /** `proxy`: another DHCP server is in the rack already, and ours only says what to boot. */
  dhcp?: 'own' | 'proxy';
  /** Words for the kernel line of ramdisks, and the silence that fails an installation, as `serve` takes them. */
  serverFlags?: string[];
  /** How many machines the rack has at least, `node1`… with BMCs; they stay off. */
  machines?: number;
}

/**
 * Brings a rack up, or what of it is down: namespace and bridge, dnsmasq, the server. Whatever was
 * killed is started again; machines stay as they are.
 * @throws StackwrightError those of `loadSite` before anything starts, `ProcessNotStarted`
 */
export async function labUp(options: LabUpOptions): Promise<Lab> {
  const { state, reporter, name, site, dhcp = 'own', serverFlags = [], machines = 0 } = options;
  await loadSite(site);
  await using _lock = await lockLab(state, name);
  const directory = labDirectory(state, name);
  const known = await readLab(state, name);
  const lab: Lab = known ?? newLab(state, name, site);
  const moved = lab.site !== site || serverFlags.join(' ') !== lab.serverFlags.join(' ');
  lab.site = site;
  lab.serverFlags = serverFlags;
  await writeLab(state, lab);
  await ensureNamespace(lab);
  await switchDhcp(lab, dhcp);
  await writeLab(state, lab);
  if (dhcp === 'proxy' && !(lab.foreignDhcp && isAlive(lab.foreignDhcp))) {
    reportPart(reporter, 'foreign DHCP server', lab.foreignDhcp !== undefined);
    lab.foreignDhcp = await startForeignDhcp(lab, directory);
    await writeLab(state, lab);
  }
  if (!lab.dnsmasq || !isAlive(lab.dnsmasq)) {
    reportPart(reporter, 'dnsmasq', lab.dnsmasq !== undefined);
    lab.dnsmasq = await startDnsmasq(lab, directory);
    await writeLab(state, lab);
  }
  if (!lab.server || !isAlive(lab.server) || moved) {
    reportPart(reporter, 'server', lab.server !== undefined);
    if (lab.server) await endProcess(lab.server);
    await startServer(lab, directory, site);
    await writeLab(state, lab);
  }
  for (let at = 1; at <= machines; at++) {
    const wanted = `node${at}`;
    const machine = lab.machines.find((one) => one.name === wanted) ?? (await addMachine(state, lab, wanted));
    await ensureBmc(state, lab, machine);
    await writeLab(state, lab);
  }
  return lab;
}

/** Ends what serves addresses in the other way. */
async function switchDhcp(lab: Lab, dhcp: Lab['dhcp']): Promise<void> {
  if (lab.dhcp === dhcp) return;
  for (const process of [lab.dnsmasq, lab.foreignDhcp]) if (process) await endProcess(process);
  lab.dnsmasq = undefined;
  lab.foreignDhcp = undefined;
  lab.dhcp = dhcp;
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
  const bmcs = lab.machines.map((machine) => machine.bmc);
  const processes = [...bmcs, ...machines, lab.server, lab.dnsmasq, lab.foreignDhcp].filter(
    (process) => process !== undefined,
  );
  for (const process of processes) await endProcess(process);
  // One that was killed before it could note what it had started is found by where it runs.
  await undoThing({ kind: 'namespace', name: foreignNamespace(lab) });
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

async function startServer(lab: Lab, directory: string, site: string): Promise<void> {
  const logFile = join(directory, 'server.log');
  const readyFile = join(directory, 'server.ready');
  rmSync(readyFile, { force: true });
  const listen = ['--listen', `${RACK.address}:${RACK.httpPort}`, '--namespace', lab.namespace];
  const args = [
    join(packageRoot(), 'bin', 'stackwright'),
    'serve',
    '--json',
    ...listen,
    '--site',
    site,
    // The rack's bridge never says who it is.
    ...['--option', 'LLDP=0'],
    ...lab.serverFlags,
  ];
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
