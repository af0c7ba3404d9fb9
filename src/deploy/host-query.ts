import { StackwrightError } from '../base/errors.js';
import type { StateDirectory } from '../base/state.js';
import type { Db } from '../engine/index.js';
import { listMachines, type Machine, operatorKey } from '../inventory/index.js';
import type { FindMachines } from './parameter.js';

/** What a query may ask of a machine. */
const properties: Record<string, (machine: Machine) => string | null> = {
  role: (machine) => machine.role,
  profile: (machine) => machine.profile,
  state: (machine) => machine.state,
  name: (machine) => machine.host_name,
};

/**
 * Answers queries from the inventory, which is opened with the first one. Only installed machines count, by the names
 * under which ssh knows them.
 * @throws StackwrightError `HostQueryWrong` for a property that machines do not have
 */
export function inventoryMachines(open: () => Promise<Db>): FindMachines {
  return async (property, value) => {
    const of = properties[property];
    if (!of) {
      throw new StackwrightError('HostQueryWrong', `machines have no ${property} to ask for`, {
        value: `${property}=${value}`,
        hint: `a query asks for ${Object.keys(properties).join(', ')}`,
      });
    }
    const machines = installedMachines(await listMachines(await open()));
    return machines.filter((machine) => of(machine) === value).map(({ host }) => host);
  };
}

/**
 * The answers by which the installed machines are deployed on: role or profile `controller` is the controller, else the
 * first one by name; `network` and `compute` are such hosts; without any of `compute` all others are.
 * @throws StackwrightError `InventoryEmpty`
 */
export async function answersFromInventory(db: Db, state: StateDirectory): Promise<Map<string, string>> {
  const machines = installedMachines(await listMachines(db)).sort((a, b) => a.host.localeCompare(b.host));
  const are = (what: string) => machines.filter(({ role, profile }) => role === what || profile === what);
  const controller = are('controller')[0] ?? machines[0];
  if (!controller) {
    throw new StackwrightError('InventoryEmpty', 'the inventory has no installed machine', {
      hint: 'stackwright node list shows what machines there are, and their states',
    });
  }
  // Installed machines let this key in.
  await operatorKey(state);
  const networks = are('network').length > 0 ? are('network') : [controller];
  const others = machines.filter((machine) => machine !== controller && !networks.includes(machine));
  const computes = are('compute').length > 0 ? are('compute') : others;
  const list = (some: InstalledMachine[]) => some.map(({ host }) => host).join(',');
  return new Map([
    ['CONFIG_SSH_KEY', `${state.path('ssh', 'id_ed25519')}.pub`],
    ['CONFIG_CONTROLLER_HOST', list([controller])],
    ['CONFIG_COMPUTE_HOSTS', list(computes.length > 0 ? computes : [controller])],
    ['CONFIG_NETWORK_HOSTS', list(networks)],
  ]);
}

type InstalledMachine = Machine & { host: string };

function installedMachines(machines: Machine[]): InstalledMachine[] {
  return machines
    .filter(({ state }) => state === 'installed' || state === 'up')
    .flatMap((machine) => {
      const host = machine.host_name ?? machine.address;
      return host === null ? [] : [{ ...machine, host }];
    });
}
