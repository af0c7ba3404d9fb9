import { buildCommand, buildRouteMap } from '@stricli/core';
import type { MachineState } from '../../engine/index.js';
import type { CliContext } from '../context.js';

export interface NodeFlags {
  json: boolean;
}

export interface NodeChangeFlags extends NodeFlags {
  reason?: string;
}

export interface NodeListFlags extends NodeFlags {
  state?: MachineState;
  profile?: string;
  role?: string;
  site?: string;
}

const states: MachineState[] = ['discovered', 'matched', 'installing', 'installed', 'up', 'failed', 'held', 'retired'];
const json = { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false } as const;
const machine = {
  kind: 'tuple',
  parameters: [{ brief: 'Name, host name, UUID or id', parse: String, placeholder: 'MACHINE' }],
} as const;

function only(brief: string, placeholder: string) {
  return { kind: 'parsed', parse: String, brief, placeholder, optional: true } as const;
}

const list = buildCommand<NodeListFlags, [], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeList,
  parameters: {
    flags: {
      json,
      state: { kind: 'enum', values: states, brief: 'Only machines in this state', optional: true },
      profile: only('Only machines of this profile', 'NAME'),
      role: only('Only machines that have this role', 'NAME'),
      site: only('Only machines that were matched in this site', 'DIR'),
    },
  },
  docs: {
    brief: 'List machines: state, profile, role, address, and why a machine is where it is',
    customUsage: [
      { input: '', brief: 'All machines' },
      { input: '--state failed', brief: 'Those that need a hand' },
      { input: '--profile compute --state up --json', brief: 'The compute nodes that are up, as JSON' },
    ],
  },
});

const show = buildCommand<NodeFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeShow,
  parameters: { flags: { json }, positional: machine },
  docs: { brief: 'Show a machine: facts, variables, host keys, events' },
});

const reason = { kind: 'parsed', parse: String, brief: 'Why, for those who look later', optional: true } as const;

const reinstall = buildCommand<NodeChangeFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeReinstall,
  parameters: { flags: { json, reason }, positional: machine },
  docs: { brief: 'Let an installed machine be installed again when it next boots from the network' },
});

const release = buildCommand<NodeChangeFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeRelease,
  parameters: { flags: { json, reason }, positional: machine },
  docs: { brief: 'Let a failed, held or retired machine be installed when it next boots from the network' },
});

const hold = buildCommand<NodeChangeFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeHold,
  parameters: { flags: { json, reason }, positional: machine },
  docs: {
    brief: 'Keep a machine from being installed; its count is given back, its record stays its own',
    customUsage: [{ input: 'node7 --reason "waits for a disk"', brief: 'The machine shows it on its console' }],
  },
});

const retire = buildCommand<NodeChangeFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeRetire,
  parameters: { flags: { json, reason }, positional: machine },
  docs: { brief: 'Give up a machine: its count is given back and its CMDB record is free for another' },
});

export interface NodePowerFlags extends NodeFlags {
  boot?: 'pxe' | 'disk';
}

const boot = {
  kind: 'enum',
  values: ['pxe', 'disk'],
  brief: 'What the machine starts from this time; else as its firmware is set',
  optional: true,
} as const;

const powerOn = buildCommand<NodePowerFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodePowerOn,
  parameters: { flags: { json, boot }, positional: machine },
  docs: { brief: 'Switch a machine on through its BMC' },
});

const powerOff = buildCommand<NodeFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodePowerOff,
  parameters: { flags: { json }, positional: machine },
  docs: { brief: 'Switch a machine off through its BMC, as pulling the plug' },
});

const powerCycle = buildCommand<NodePowerFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodePowerCycle,
  parameters: { flags: { json, boot }, positional: machine },
  docs: {
    brief: 'Switch a machine off and on through its BMC',
    customUsage: [{ input: 'node7 --boot pxe', brief: 'Start it from the network, for instance after node reinstall' }],
  },
});

const powerStatus = buildCommand<NodeFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodePowerStatus,
  parameters: { flags: { json }, positional: machine },
  docs: { brief: 'Ask the BMC whether a machine is on' },
});

const powerRoutes = buildRouteMap({
  routes: { on: powerOn, off: powerOff, cycle: powerCycle, status: powerStatus },
  docs: { brief: 'The power of a machine, through its BMC' },
});

const derive = buildCommand<NodeFlags, [string?], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeDerive,
  parameters: {
    flags: { json },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Only this machine', parse: String, placeholder: 'MACHINE', optional: true }],
    },
  },
  docs: {
    brief: 'Make facts anew from what machines sent, after an update that understands more of it',
    customUsage: [{ input: '', brief: 'Of all machines; their profiles and records stay as they are' }],
  },
});

export const nodeRoutes = buildRouteMap({
  routes: { list, show, derive, reinstall, release, hold, retire, power: powerRoutes },
  docs: { brief: 'The machines of the inventory' },
});
