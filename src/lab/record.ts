import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { StackwrightError } from '../base/errors.js';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import { type Lock, takeLock } from '../base/lock.js';
import type { StateDirectory } from '../base/state.js';

const ProcessIdentity = z.object({ pid: z.number(), startTime: z.string(), bootId: z.string() });

const LabMachine = z.object({
  name: z.string(),
  mac: z.string(),
  uuid: z.string(),
  serial: z.string(),
  /** MiB */
  memory: z.number(),
  processors: z.number(),
  /** `uefi-pxe`: UEFI that boots by its own PXE, because its network card has no iPXE. */
  firmware: z.enum(['bios', 'uefi', 'uefi-pxe']).default('bios'),
  /** How many disks it has. */
  disks: z.number().default(1),
  /** Port of its BMC on the rack's address. */
  bmcPort: z.number().optional(),
  bmc: ProcessIdentity.optional(),
  bmcPassword: z.string().optional(),
  process: ProcessIdentity.optional(),
});
/** A virtual machine of the rack; its disk and console log are in `directory(lab)/machines/NAME`. */
export type LabMachine = z.infer<typeof LabMachine>;

const Lab = z.object({
  name: z.string(),
  namespace: z.string(),
  site: z.string(),
  dnsmasq: ProcessIdentity.optional(),
  server: ProcessIdentity.optional(),
  /** `own`: our dnsmasq gives addresses; `proxy`: another one does, and ours only says what to boot. */
  dhcp: z.enum(['own', 'proxy']).default('own'),
  /** What its `stackwright serve` is told beside. */
  serverFlags: z.array(z.string()).default([]),
  /** In proxy mode: the DHCP server that was there before us. */
  foreignDhcp: ProcessIdentity.optional(),
  machines: z.array(LabMachine),
});
/** A virtual rack: a network namespace with a bridge, dnsmasq, the server and machines. */
export type Lab = z.infer<typeof Lab>;

/** The rack's network. It exists only inside the rack's namespace, so it cannot clash with a real one. */
export const RACK = {
  bridge: 'rack',
  address: '10.77.0.1',
  foreignAddress: '10.77.0.2',
  netmask: '255.255.255.0',
  length: 24,
  range: ['10.77.0.100', '10.77.0.199'] as [string, string],
  ipv6Prefix: 'fd77::',
  ipv6Address: 'fd77::1',
  httpPort: 8080,
};

export function newLab(state: StateDirectory, name: string, site: string): Lab {
  // Namespaces are of the whole host; the state directory tells labs of the same name apart.
  const mark = createHash('sha256').update(state.root).digest('hex').slice(0, 6);
  return { name, namespace: `stackwright-${name}-${mark}`, site, dhcp: 'own', serverFlags: [], machines: [] };
}

export const LAB_NAME = /^[a-z][a-z0-9-]{0,19}$/;

export function invalidName(name: string): StackwrightError {
  return new StackwrightError('LabNameInvalid', `"${name}" cannot name a lab or a machine of it`, {
    value: name,
    hint: 'a letter, then letters, digits and hyphens, 20 at most, in lower case',
    exitStatus: 2,
  });
}

/** @throws StackwrightError `LabNameInvalid` */
export function labDirectory(state: StateDirectory, name: string): string {
  if (!LAB_NAME.test(name)) throw invalidName(name);
  const directory = state.path('lab', name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Where a machine's disk and console log are. */
export function machineDirectory(state: StateDirectory, lab: string, name: string): string {
  if (!LAB_NAME.test(name)) throw invalidName(name);
  return join(labDirectory(state, lab), 'machines', name);
}

export async function readLab(state: StateDirectory, name: string): Promise<Lab | undefined> {
  const text = await readTextIfExists(state.path('lab', name, 'lab.json'));
  return text === undefined ? undefined : Lab.parse(JSON.parse(text));
}

/** One command at a time changes a rack. */
export function lockLab(state: StateDirectory, name: string): Promise<Lock> {
  // The longest that a command holds it: a rack that starts or ends.
  return takeLock(state.path('lab', name), `the lab "${name}"`, 120);
}

/** @throws StackwrightError `LabNotUp` */
export async function requireLab(state: StateDirectory, name: string): Promise<Lab> {
  const lab = await readLab(state, name);
  if (lab) return lab;
  throw new StackwrightError('LabNotUp', `there is no lab "${name}"`, { value: name, hint: 'stackwright lab up' });
}

export async function writeLab(state: StateDirectory, lab: Lab): Promise<void> {
  await writeFileAtomic(state.path('lab', lab.name, 'lab.json'), JSON.stringify(lab, null, 2), 0o600);
}

/** A machine with an identity that follows from its name: the same machine each time. */
export function newMachine(lab: Lab, name: string): LabMachine {
  const digest = createHash('sha256').update(`${lab.name}/${name}`).digest('hex');
  const uuid = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `4${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ];
  return {
    name,
    // 52:54:00 is QEMU's own prefix.
    mac: ['52', '54', '00', digest.slice(0, 2), digest.slice(2, 4), digest.slice(4, 6)].join(':'),
    uuid: uuid.join('-'),
    serial: `LAB-${digest.slice(0, 8).toUpperCase()}`,
    memory: 1024,
    processors: 2,
    firmware: 'bios',
    disks: 1,
  };
}
