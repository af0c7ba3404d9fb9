import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { endProcess, isAlive } from '../base/process.js';
import type { StateDirectory } from '../base/state.js';
import { ensureRamdisk } from '../netboot/index.js';
import { type Accelerator, chooseAccelerator } from './accelerator.js';
import { startInBackground } from './background.js';
import { reportLab } from './events.js';
import {
  invalidName,
  LAB_NAME,
  type Lab,
  type LabMachine,
  lockLab,
  machineDirectory,
  newMachine,
  RACK,
  requireLab,
  writeLab,
} from './record.js';

export interface MachineOptions {
  state: StateDirectory;
  reporter: Reporter;
  /** Name of the rack. */
  lab: string;
  name: string;
}

export interface PowerOnOptions extends MachineOptions {
  /** What the firmware starts from: the network once and then the disk, or the disk. */
  boot: 'network' | 'disk';
  /** A boot medium in the machine's CD drive: what it starts from once, instead of `boot`. */
  medium?: string;
  /** Size of each disk that a new machine gets. */
  diskGigabytes: number;
  /** How many disks a new machine gets, and its firmware. */
  disks?: number;
  firmware?: LabMachine['firmware'];
}

/**
 * Powers a machine on; a name that the rack does not have makes a new machine with an empty disk.
 * @throws StackwrightError `LabNotUp`, `LabNameInvalid`, `ProcessNotStarted`, `Busy`
 */
export async function powerOnMachine(options: PowerOnOptions): Promise<LabMachine> {
  const { state, reporter, name, boot, diskGigabytes } = options;
  const ramdisk = await ensureRamdisk({ state, reporter });
  const accelerator = await chooseAccelerator(state, join(ramdisk.directory, 'vmlinuz'));
  const message = `machines run by ${accelerator.name}: ${accelerator.reason}`;
  const data = { accelerator: accelerator.name, reason: accelerator.reason };
  reportLab(reporter, { code: 'lab.accelerator', level: 'info', message, data });
  await using _lock = await lockLab(state, options.lab);
  const lab = await requireLab(state, options.lab);
  const machine = lab.machines.find((known) => known.name === name) ?? (await addMachine(state, lab, name, options));
  if (machine.process && isAlive(machine.process)) return machine;
  const directory = machineDirectory(state, lab.name, name);
  for (const file of diskFiles(machine)) await ensureDisk(join(directory, file), diskGigabytes);
  if (machine.firmware !== 'bios') ensureFirmwareVariables(directory);
  if (existsSync(join(directory, 'console.log'))) {
    renameSync(join(directory, 'console.log'), join(directory, 'console.log.1'));
  }
  rmSync(join(directory, 'console.sock'), { force: true });
  rmSync(join(directory, 'qemu.pid'), { force: true });
  await connectTap(lab, machine);
  const args = qemuArguments(machine, accelerator, boot, options.medium);
  machine.process = await startInBackground(
    'ip',
    ['netns', 'exec', lab.namespace, 'qemu-system-x86_64', ...args],
    // Paths in the arguments are relative to here: a socket's path must be short.
    { cwd: directory, logFile: join(directory, 'qemu.log') },
  );
  await writeLab(state, lab);
  reportPower(reporter, machine, true);
  return machine;
}

/** Adds a machine to the record of a rack. */
export async function addMachine(
  state: StateDirectory,
  lab: Lab,
  name: string,
  { disks = 1, firmware = 'bios' }: Pick<PowerOnOptions, 'disks' | 'firmware'> = {},
): Promise<LabMachine> {
  if (!LAB_NAME.test(name)) throw invalidName(name);
  const machine: LabMachine = { ...newMachine(lab, name), disks, firmware };
  mkdirSync(machineDirectory(state, lab.name, name), { recursive: true });
  lab.machines.push(machine);
  await writeLab(state, lab);
  return machine;
}

/** The images of a machine's disks, relative to its directory. */
const diskFiles = ({ disks }: LabMachine) =>
  Array.from({ length: disks }, (_, at) => (at === 0 ? 'disk.raw' : `disk${at + 1}.raw`));

async function ensureDisk(path: string, gigabytes: number): Promise<void> {
  if (!existsSync(path)) await run('qemu-img', ['create', '-q', '-f', 'raw', path, `${gigabytes}G`]);
}

const OVMF = { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' };

/** Each machine has its own: the firmware keeps its boot entries there. */
function ensureFirmwareVariables(directory: string): void {
  if (!existsSync(OVMF.code)) {
    throw new StackwrightError('FirmwareMissing', 'this host has no UEFI firmware for virtual machines', {
      value: OVMF.code,
      hint: 'apt-get install --no-install-recommends ovmf',
    });
  }
  if (!existsSync(join(directory, 'uefi.vars'))) copyFileSync(OVMF.variables, join(directory, 'uefi.vars'));
}

/**
 * As pulling the plug.
 * @throws StackwrightError `LabNotUp`, `MachineUnknown`, `Busy`
 */
export async function powerOffMachine({ state, reporter, lab: labName, name }: MachineOptions): Promise<void> {
  await using _lock = await lockLab(state, labName);
  const lab = await requireLab(state, labName);
  const machine = lab.machines.find((known) => known.name === name);
  if (!machine) {
    throw new StackwrightError('MachineUnknown', `the lab "${lab.name}" has no machine ${name}`, {
      value: name,
      hint: `it has: ${lab.machines.map((known) => known.name).join(', ') || 'none'}`,
    });
  }
  if (!machine.process) return;
  await endProcess(machine.process);
  rmSync(join(machineDirectory(state, lab.name, name), 'qemu.pid'), { force: true });
  machine.process = undefined;
  await writeLab(state, lab);
  reportPower(reporter, machine, false);
}

function reportPower(reporter: Reporter, machine: LabMachine, on: boolean): void {
  const message = `machine ${machine.name} is powered ${on ? 'on' : 'off'}`;
  reportLab(reporter, { code: 'lab.machine.powered', level: 'info', message, data: { machine: machine.name, on } });
}

async function connectTap(lab: Lab, machine: LabMachine): Promise<void> {
  const tap = tapName(machine);
  const ip = (...args: string[]) => run('ip', ['-n', lab.namespace, ...args]);
  await run('ip', ['-n', lab.namespace, 'link', 'delete', tap], { okStatuses: [0, 1] });
  await ip('tuntap', 'add', 'dev', tap, 'mode', 'tap');
  await ip('link', 'set', tap, 'master', RACK.bridge, 'up');
}

/** Interface names have at most 15 characters; the end of the MAC address is as unique as the machine. */
function tapName(machine: LabMachine): string {
  return `tap${machine.mac.replaceAll(':', '').slice(6)}`;
}

/** The arguments of QEMU for a machine with one network card and a serial console. */
export function qemuArguments(
  machine: LabMachine,
  accelerator: Accelerator,
  boot: 'network' | 'disk',
  medium?: string,
): string[] {
  const accel = accelerator.name === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=512';
  const smbios = `type=1,manufacturer=Stackwright,product=Lab machine,version=1,serial=${machine.serial},uuid=${machine.uuid}`;
  const size = ['-smp', String(machine.processors), '-m', String(machine.memory)];
  return [
    ...['-name', machine.name],
    ...['-M', 'q35,graphics=off', '-accel', accel, '-cpu', 'max', ...size],
    ...['-pidfile', 'qemu.pid'],
    ...['-display', 'none', '-nodefaults', '-monitor', 'none'],
    ...['-chardev', 'socket,id=console,path=console.sock,server=on,wait=off,logfile=console.log'],
    ...['-serial', 'chardev:console'],
    ...firmwareArguments(machine, medium === undefined ? boot : 'medium'),
    ...['-smbios', smbios],
    ...['-netdev', `tap,id=net0,ifname=${tapName(machine)},script=no,downscript=no,vhost=off`],
    ...[
      '-device',
      `virtio-net-pci,netdev=net0,mac=${machine.mac}${machine.firmware === 'uefi-pxe' ? ',romfile=' : ''}${bootIndex(machine, boot === 'network' && medium === undefined ? 0 : 9)}`,
    ],
    ...diskFiles(machine).flatMap((file, at) => [
      '-drive',
      // Zeros that a new RAID writes everywhere take no space.
      `if=none,id=disk${at},file=${file},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap`,
      '-device',
      `virtio-blk-pci,drive=disk${at},serial=DISK${at}${bootIndex(machine, at + 1)}`,
    ]),
    ...(medium === undefined
      ? []
      : [
          ...['-drive', `if=none,id=medium,file=${resolve(medium)},format=raw,readonly=on,media=cdrom`],
          ...['-device', `ide-cd,drive=medium${bootIndex(machine, 0)}`],
        ]),
    ...['-device', 'virtio-rng-pci'],
  ];
}

const ONCE = { network: 'order=c,once=n', medium: 'order=c,once=d', disk: 'order=c' };

function firmwareArguments({ firmware }: LabMachine, boot: keyof typeof ONCE): string[] {
  // From the network once: after the installation's reboot a BIOS starts from the disk. UEFI has no such once; it asks the
  // network again, and is sent on to the disk.
  if (firmware === 'bios') return ['-boot', ONCE[boot]];
  return [
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${OVMF.code}`],
    ...['-drive', 'if=pflash,unit=1,format=raw,file=uefi.vars'],
  ];
}

const bootIndex = ({ firmware }: LabMachine, index: number) => (firmware === 'bios' ? '' : `,bootindex=${index}`);
