import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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
  labDirectory,
  lockLab,
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
  /** Size of the disk that a new machine gets. */
  diskGigabytes: number;
}

/** Where a machine's disk and console log are. */
export function machineDirectory(state: StateDirectory, lab: string, name: string): string {
  if (!LAB_NAME.test(name)) throw invalidName(name);
  return join(labDirectory(state, lab), 'machines', name);
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
  const machine = lab.machines.find((known) => known.name === name) ?? (await addMachine(state, lab, name));
  if (machine.process && isAlive(machine.process)) return machine;
  const directory = machineDirectory(state, lab.name, name);
  if (!existsSync(join(directory, 'disk.raw'))) await blankDisk(directory, diskGigabytes);
  if (existsSync(join(directory, 'console.log'))) {
    renameSync(join(directory, 'console.log'), join(directory, 'console.log.1'));
  }
  rmSync(join(directory, 'console.sock'), { force: true });
  await connectTap(lab, machine);
  const args = qemuArguments(machine, accelerator, boot);
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

async function addMachine(state: StateDirectory, lab: Lab, name: string): Promise<LabMachine> {
  const machine = newMachine(lab, name);
  mkdirSync(machineDirectory(state, lab.name, name), { recursive: true });
  lab.machines.push(machine);
  await writeLab(state, lab);
  return machine;
}

async function blankDisk(directory: string, gigabytes: number): Promise<void> {
  await run('qemu-img', ['create', '-q', '-f', 'raw', join(directory, 'disk.raw'), `${gigabytes}G`]);
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

/** The arguments of QEMU for a machine with one disk, one network card and a serial console. */
export function qemuArguments(machine: LabMachine, accelerator: Accelerator, boot: 'network' | 'disk'): string[] {
  const accel = accelerator.name === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=512';
  const smbios = `type=1,manufacturer=Stackwright,product=Lab machine,version=1,serial=${machine.serial},uuid=${machine.uuid}`;
  return [
    ...['-name', machine.name],
    ...[
      '-M',
      'q35,graphics=off',
      '-accel',
      accel,
      '-cpu',
      'max',
      '-smp',
      String(machine.processors),
      '-m',
      String(machine.memory),
    ],
    ...['-display', 'none', '-nodefaults', '-monitor', 'none'],
    ...['-chardev', 'socket,id=console,path=console.sock,server=on,wait=off,logfile=console.log'],
    ...['-serial', 'chardev:console'],
    ...['-boot', boot === 'network' ? 'order=c,once=n' : 'order=c'],
    ...['-smbios', smbios],
    ...['-netdev', `tap,id=net0,ifname=${tapName(machine)},script=no,downscript=no,vhost=off`],
    ...['-device', `virtio-net-pci,netdev=net0,mac=${machine.mac}`],
    ...['-drive', 'if=none,id=disk0,file=disk.raw,format=raw,cache=unsafe,discard=unmap'],
    ...['-device', 'virtio-blk-pci,drive=disk0,serial=DISK0'],
    ...['-device', 'virtio-rng-pci'],
  ];
}
