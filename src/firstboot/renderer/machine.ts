import { isInterfaceName, isVirtualName } from './addresses.js';
import {
  contains,
  type Dialect,
  generated,
  type Rename,
  type RenderedFile,
  type RenderInput,
  type SystemInterface,
  sortedBy,
} from './input.js';
import type { Bridge, Link, Network } from './networks.js';

/** The interfaces of this machine that are to be configured, and the names of all that carry something. */
export interface Machine {
  dialect: Dialect;
  networkManager: boolean;
  skipDns: boolean;
  /** Those to configure, by name. */
  chosen: SystemInterface[];
  known: SystemInterface[];
  existing: string[];
  renames: Rename[];
}

export function machineOf(input: RenderInput, links: Link[], warnings: string[]): Machine {
  const renames: Rename[] = [];
  const known: SystemInterface[] = [];
  const chosen: SystemInterface[] = [];
  for (const found of sortedBy(input.interfaces, (each) => each.name)) {
    if (found.addressType !== '0' || !isInterfaceName(found.name)) continue;
    if (input.only === undefined && isVirtualName(found.name)) continue;
    const mac = found.mac.toLowerCase();
    const name = newName(input, found.name, mac, links, warnings);
    if (name !== found.name) renames.push({ from: found.name, to: name, mac });
    const each = { ...found, name, mac };
    known.push(each);
    if (input.only !== undefined) {
      if (input.only === found.name) chosen.push(each);
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
    renames,
  };
}

/** The name that the drive gives to an interface, unless another one has it: nothing here can swap two. */
function newName(input: RenderInput, name: string, mac: string, links: Link[], warnings: string[]): string {
  for (const { mac: given, setName } of links) {
    if (given !== mac || setName === undefined || setName === name || input.keepNames) continue;
    let taken = false;
    for (const other of input.interfaces) if (other.name === setName) taken = true;
    if (!taken) return setName;
    warnings.push(`interface ${name} (${mac}) keeps its name: there is another ${setName}`);
  }
  return name;
}

/** What has udev name the interfaces at every boot; the format is systemd.link(5). */
export function renderNames({ renames }: Machine): RenderedFile[] {
  const files: RenderedFile[] = [];
  for (const { to, mac } of renames) {
    // A VLAN has the address of the interface below it, but not as a permanent one.
    const text = `${generated}[Match]\nPermanentMACAddress=${mac}\n\n[Link]\nName=${to}\n`;
    files.push(plainFile(`/etc/systemd/network/50-${to}.link`, text));
  }
  return files;
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

/** The interface below a VLAN, or the link itself: a bond or bridge is named by its id, a physical link by its address. */
export function baseName(machine: Machine, link: Link): string | undefined {
  const carrier = link.vlan ? link.vlan.on : link;
  return carrier.kind === 'physical' ? nameOf(machine, carrier.mac) : carrier.id;
}

/** The names of a bridge's members, each as the target calls it. */
export function portNames(bridge: Bridge, interfaceName: (link: Link) => string | undefined): string[] {
  const names: string[] = [];
  for (const port of bridge.ports) {
    const name = interfaceName(port);
    if (name !== undefined) names.push(name);
  }
  return names;
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
  name: (link: Link) => string | undefined,
  warnings: string[],
): { name: string; networks: Network[] }[] {
  const result: { name: string; networks: Network[] }[] = [];
  for (const network of networks) {
    if (!concerns(machine, network)) continue;
    const wanted = name(network.link);
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
