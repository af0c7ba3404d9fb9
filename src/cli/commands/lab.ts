import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

const name = {
  kind: 'parsed',
  parse: String,
  brief: 'Name of the lab',
  default: 'lab',
} as const;
const json = { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false } as const;

export interface LabFlags {
  name: string;
  json: boolean;
}

export interface LabUpFlags extends LabFlags {
  site: string;
  dhcp: 'own' | 'proxy';
  option?: string[];
  silence?: string;
  machines: number;
}

const up = buildCommand<LabUpFlags, [], CliContext>({
  loader: async () => (await import('./lab.run.js')).labUpCommand,
  parameters: {
    flags: {
      name,
      json,
      site: { kind: 'parsed', parse: String, brief: 'Configuration directory (state, *.specs, *.cmdb, *.configure)' },
      dhcp: {
        kind: 'enum',
        values: ['own', 'proxy'],
        brief: 'proxy: another DHCP server gives addresses, ours only says what to boot',
        default: 'own',
      },
      option: {
        kind: 'parsed',
        parse: String,
        brief: 'NAME=VALUE for the kernel line of ramdisks; can be given again',
        optional: true,
        variadic: true,
      },
      silence: {
        kind: 'parsed',
        parse: String,
        brief: 'Seconds without a word after which an installation has failed',
        optional: true,
      },
      machines: {
        kind: 'parsed',
        parse: parseMachines,
        brief: 'How many machines with BMCs the rack has, node1 and on; they stay off',
        default: '0',
      },
    },
  },
  docs: {
    brief: 'Bring a virtual rack up: network, DHCP, TFTP, server; what was killed is started again',
    customUsage: [
      { input: '--site ./site', brief: 'A rack that installs machines by the site in ./site' },
      { input: '--site ./site --machines 4', brief: 'With four machines, which lab power-on and node power switch' },
      { input: '--site ./site --dhcp proxy', brief: 'The same beside a DHCP server that is not ours' },
    ],
  },
});

const down = buildCommand<LabFlags, [], CliContext>({
  loader: async () => (await import('./lab.run.js')).labDownCommand,
  parameters: { flags: { name, json } },
  docs: { brief: 'Remove a rack with its machines, processes and namespace; images stay' },
});

const status = buildCommand<LabFlags, [], CliContext>({
  loader: async () => (await import('./lab.run.js')).labStatusCommand,
  parameters: { flags: { name, json } },
  docs: { brief: 'Show what of a rack is running' },
});

export interface LabMachineFlags extends LabFlags {
  boot: 'network' | 'disk';
  disk: number;
  disks: number;
  firmware: 'bios' | 'uefi' | 'uefi-pxe';
  medium?: string;
}

const machine = { kind: 'tuple', parameters: [{ brief: 'Machine', parse: String, placeholder: 'MACHINE' }] } as const;

const powerOn = buildCommand<LabMachineFlags, [string], CliContext>({
  loader: async () => (await import('./lab.run.js')).labPowerOnCommand,
  parameters: {
    flags: {
      name,
      json,
      boot: { kind: 'enum', values: ['network', 'disk'], brief: 'What to start from', default: 'network' },
      disk: { kind: 'parsed', parse: parseGigabytes, brief: 'Size of a new machine’s disks in GB', default: '4' },
      disks: { kind: 'parsed', parse: parseCount, brief: 'How many disks a new machine has', default: '1' },
      firmware: {
        kind: 'enum',
        values: ['bios', 'uefi', 'uefi-pxe'],
        brief: 'Firmware of a new machine; uefi-pxe has no iPXE in its network card',
        default: 'bios',
      },
      medium: { kind: 'parsed', parse: String, brief: 'Start once from this boot medium', optional: true },
    },
    positional: machine,
  },
  docs: {
    brief: 'Power a machine on; a new name makes a new, blank machine',
    customUsage: [
      { input: 'node-1', brief: 'A blank machine that starts from the network' },
      { input: 'node-2 --firmware uefi --disks 2', brief: 'One with UEFI, and disks to mirror' },
      { input: 'node-3 --medium boot.iso', brief: 'One that starts from what netboot media has written' },
      { input: 'node-1 --boot disk', brief: 'The same machine later, from its disk' },
    ],
  },
});

const powerOff = buildCommand<LabFlags, [string], CliContext>({
  loader: async () => (await import('./lab.run.js')).labPowerOffCommand,
  parameters: { flags: { name, json }, positional: machine },
  docs: { brief: 'Power a machine off, as pulling the plug' },
});

const consoleLog = buildCommand<LabFlags, [string], CliContext>({
  loader: async () => (await import('./lab.run.js')).labConsoleCommand,
  parameters: { flags: { name, json }, positional: machine },
  docs: { brief: 'Print what a machine has written on its console' },
});

export const labRoutes = buildRouteMap({
  routes: { up, down, status, 'power-on': powerOn, 'power-off': powerOff, console: consoleLog },
  docs: { brief: 'A virtual rack in a network namespace: QEMU machines that boot from the network' },
});

function parseGigabytes(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new Error(`${text} is no size of a disk: write whole gigabytes, 1 or more`);
}

function parseCount(text: string): number {
  if (/^[1-8]$/.test(text)) return Number(text);
  throw new Error(`${text} is no count: write 1 to 8`);
}

function parseMachines(text: string): number {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  throw new Error(`${text} is no number of machines: write 0 to 99`);
}
