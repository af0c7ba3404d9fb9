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
}

const up = buildCommand<LabUpFlags, [], CliContext>({
  loader: async () => (await import('./lab.run.js')).labUpCommand,
  parameters: {
    flags: {
      name,
      json,
      site: { kind: 'parsed', parse: String, brief: 'Configuration directory (state, *.specs, *.cmdb, *.configure)' },
    },
  },
  docs: {
    brief: 'Bring a virtual rack up: network, DHCP, TFTP, server; what was killed is started again',
    customUsage: [{ input: '--site ./site', brief: 'A rack that installs machines by the site in ./site' }],
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
}

const machine = { kind: 'tuple', parameters: [{ brief: 'Machine', parse: String, placeholder: 'MACHINE' }] } as const;

const powerOn = buildCommand<LabMachineFlags, [string], CliContext>({
  loader: async () => (await import('./lab.run.js')).labPowerOnCommand,
  parameters: {
    flags: {
      name,
      json,
      boot: { kind: 'enum', values: ['network', 'disk'], brief: 'What to start from', default: 'network' },
      disk: { kind: 'parsed', parse: parseGigabytes, brief: 'Size of a new machine’s disk in GB', default: '4' },
    },
    positional: machine,
  },
  docs: {
    brief: 'Power a machine on; a new name makes a new, blank machine',
    customUsage: [
      { input: 'node-1', brief: 'A blank machine that starts from the network' },
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
