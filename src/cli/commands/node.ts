import { buildCommand, buildRouteMap } from '@stricli/core';
import type { MachineState } from '../../engine/index.js';
import type { CliContext } from '../context.js';

export interface NodeFlags {
  json: boolean;
}

export interface NodeListFlags extends NodeFlags {
  state?: MachineState;
}

const states: MachineState[] = ['discovered', 'matched', 'installing', 'installed', 'up', 'failed', 'held', 'retired'];
const json = { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false } as const;
const machine = {
  kind: 'tuple',
  parameters: [{ brief: 'Name, host name, UUID or id', parse: String, placeholder: 'MACHINE' }],
} as const;

const list = buildCommand<NodeListFlags, [], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeList,
  parameters: {
    flags: { json, state: { kind: 'enum', values: states, brief: 'Only machines in this state', optional: true } },
  },
  docs: {
    brief: 'List machines: state, profile, role, address, and why a machine is where it is',
    customUsage: [
      { input: '', brief: 'All machines' },
      { input: '--state failed', brief: 'Those that need a hand' },
    ],
  },
});

const show = buildCommand<NodeFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeShow,
  parameters: { flags: { json }, positional: machine },
  docs: { brief: 'Show a machine: facts, variables, host keys, events' },
});

const reinstall = buildCommand<NodeFlags, [string], CliContext>({
  loader: async () => (await import('./node.run.js')).nodeReinstall,
  parameters: { flags: { json }, positional: machine },
  docs: { brief: 'Let an installed machine be installed again when it next boots from the network' },
});

export const nodeRoutes = buildRouteMap({
  routes: { list, show, reinstall },
  docs: { brief: 'The machines of the inventory' },
});
