import { isInterfaceName } from './addresses.js';
import {
  contains,
  type Dialect,
  type RenderedFile,
  type RenderInput,
  type SystemInterface,
  sortedBy,
} from './input.js';
import type { Link, Network } from './networks.js';

/** The interfaces of this machine that are to be configured, and the names of all that carry something. */
export interface Machine {
  dialect: Dialect;
  networkManager: boolean;
  skipDns: boolean;
  /** Those to configure, by name. */
  chosen: SystemInterface[];
  known: SystemInterface[];
  existing: string[];
}

/** Names that are never real hardware. */
const ignored = /^(?:sit|tunl|bonding_master|teql|wg|ip6gre|ip6_vti|ip6tnl|bond|lo)/;

export function machineOf(input: RenderInput, warnings: string[]): Machine {
  const known: SystemInterface[] = [];
  const chosen: SystemInterface[] = [];
  for (const found of sortedBy(input.interfaces, (each) => each.name)) {
    if (found.addressType !== '0' || !isInterfaceName(found.name)) continue;
    if (input.only === undefined && ignored.test(found.name)) continue;
    const each = { ...found, mac: found.mac.toLowerCase() };
    known.push(each);
    if (input.only !== undefined) {
      if (input.only === each.name) chosen.push(each);
    } else if (each.carrier) {
      chosen.push(each);
    } else {
      warnings.push(`interface ${each.name} (${each.mac}) is skipped: it has no carrier`);
    }
  }
  return {
    dialect: input.dialect,
    networkManager: input.networkManager,
    skipDns: input.skipDns,
    chosen,
    known,
    existing: input.system.paths,
  };
}

export function nameOf(machine: Machine, mac: string): string | undefined {
  for (const each of machine.known) if (each.mac === mac) return each.name;
  return undefined;
}

/** True where one of the interfaces to configure carries the network. */
export function concerns(machine: Machine, network: Network): boolean {
  for (const each of machine.chosen) if (contains(network.link.carriers, each.mac)) return true;
  return false;
}

/** The interface below a VLAN, or the link itself: a bond is named by its id, a physical link by its address. */
export function baseName(machine: Machine, link: Link): string | undefined {
  const carrier = link.vlan ? link.vlan.on : link;
  return carrier.kind === 'bond' ? carrier.id : nameOf(machine, carrier.mac);
}

export function memberNames(machine: Machine, bond: Link): string[] {
  const names: string[] = [];
  for (const mac of bond.carriers) {
    const name = nameOf(machine, mac);
    if (name !== undefined) names.push(name);
  }
  return names;
}

/** Those to configure that the drive does not mention: they get DHCP. */
export function unmentioned(machine: Machine, networks: Network[]): SystemInterface[] {
  const result: SystemInterface[] = [];
  for (const each of machine.chosen) {
    let mentioned = false;
    for (const network of networks) {
      if (network.link.mac === each.mac || contains(network.link.carriers, each.mac)) mentioned = true;
    }
    if (!mentioned) result.push(each);
  }
  return result;
}

/** The networks of each interface, in the order in which an interface first comes. */
export function byInterface(
  machine: Machine,
  networks: Network[],
  name: (network: Network) => string | undefined,
  warnings: string[],
): { name: string; networks: Network[] }[] {
  const result: { name: string; networks: Network[] }[] = [];
  for (const network of networks) {
    if (!concerns(machine, network)) continue;
    const wanted = name(network);
    if (wanted === undefined || !isInterfaceName(wanted)) {
      warnings.push(`network ${network.link.kind} on ${network.link.mac}: no interface can have its name`);
      continue;
    }
    let found: { name: string; networks: Network[] } | undefined;
    for (const each of result) if (each.name === wanted) found = each;
    if (found) found.networks.push(network);
    else result.push({ name: wanted, networks: [network] });
  }
  return result;
}

export function plainFile(path: string, content: string): RenderedFile {
  return { path, mode: 0o644, content, append: false };
}
