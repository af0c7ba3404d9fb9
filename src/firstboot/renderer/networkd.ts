import { contains, generated, type RenderedFile, type SystemInterface, sortedBy } from './input.js';
import { baseName, byInterface, type Machine, memberNames, plainFile, portNames, unmentioned } from './machine.js';
import type { Link, Network } from './networks.js';

/** A `.network` or `.netdev` file before it is text: sections whose lines are sorted, each once. */
interface Unit {
  path: string;
  match: string[];
  link: string[];
  network: string[];
  addresses: string[];
  routes: string[][];
  dhcp: string[];
  advertised: string[];
  netdev: string[];
  vlan: string[];
  bond: string[];
  bridge: string[];
}

/** systemd-networkd; the formats are systemd.network(5) and systemd.netdev(5). */
export function renderNetworkd(machine: Machine, networks: Network[], warnings: string[]): RenderedFile[] {
  const units: Unit[] = [];
  const online = countConfigured(networks) > 0;
  for (const each of byInterface(machine, networks, (link) => interfaceName(machine, link), warnings)) {
    for (const network of each.networks) addNetwork(machine, units, each.name, network);
  }
  for (const each of unmentioned(machine, networks)) addFallback(machine, units, each, online);
  const files: RenderedFile[] = [];
  for (const unit of units) {
    if (isConfigured(machine, unit.path)) continue;
    files.push(plainFile(unit.path, textOf(unit)));
  }
  return files;
}

function isConfigured(machine: Machine, path: string): boolean {
  const base = path.replace(/\.(?:network|netdev)$/, '');
  return contains(machine.existing, `${base}.network`) || contains(machine.existing, `${base}.netdev`);
}

function countConfigured(networks: Network[]): number {
  let count = 0;
  for (const network of networks) if (network.type !== 'manual') count += 1;
  return count;
}

function interfaceName(machine: Machine, link: Link): string | undefined {
  const base = baseName(machine, link);
  return link.vlan && base !== undefined ? `${base}-vlan${link.vlan.number}` : base;
}

function addNetwork(machine: Machine, units: Unit[], name: string, network: Network): void {
  const { link } = network;
  const corrected = machine.dialect === 'corrected';
  const unit = unitOf(units, name, 'network');
  // Corrected: a member of a bond takes the bond's address, so only its name is lasting.
  if (!(corrected && link.master)) unit.match.push(`MACAddress=${link.mac}`);
  unit.match.push(`Name=${name}`);
  if (!machine.skipDns) for (const server of network.dns) unit.network.push(`DNS=${server}`);
  if (link.mtu !== undefined) unit.link.push(`MTUBytes=${link.mtu}`);
  addType(unit, network, corrected);
  if (network.metric !== undefined) {
    (network.type === 'ipv4_dhcp' ? unit.dhcp : unit.advertised).push(`RouteMetric=${network.metric}`);
  }
  if (network.address !== undefined) unit.addresses.push(`Address=${network.address}/${network.prefix}`);
  for (const route of network.routes) {
    const lines = [`Destination=${route.network}/${route.prefix}`];
    if (route.gateway !== undefined) lines.push(`Gateway=${route.gateway}`);
    if (route.metric !== undefined) lines.push(`Metric=${route.metric}`);
    unit.routes.push(lines);
  }
  // Corrected: glean writes a .netdev without a kind for every interface, which networkd refuses.
  if (!corrected || link.vlan || link.bond || link.bridge) {
    const device = unitOf(units, name, 'netdev');
    device.netdev.push(`Name=${name}`, `MACAddress=${link.mac}`);
    if (link.vlan) {
      device.netdev.push('Kind=vlan');
      device.vlan = [`Id=${link.vlan.number}`];
    }
    if (link.bond) addBond(machine, units, device, name, network);
    if (link.bridge) addBridge(machine, units, device, name, network);
  }
  if (link.vlan) {
    const below = baseName(machine, link);
    if (below !== undefined) {
      lead(machine, units, below, `VLAN=${name}`);
    }
    if (!corrected) unit.network.push(`VLAN=${name}`);
  }
}

function addType(unit: Unit, network: Network, corrected: boolean): void {
  if (network.type === 'ipv4_dhcp') unit.network.push(contains(unit.network, 'DHCP=ipv6') ? 'DHCP=yes' : 'DHCP=ipv4');
  if (network.type === 'ipv6_dhcp') unit.network.push(contains(unit.network, 'DHCP=ipv4') ? 'DHCP=yes' : 'DHCP=ipv6');
  // Corrected: DHCPv6 begins with a router's advertisement.
  if (network.type === 'ipv6_slaac' || (corrected && network.type === 'ipv6_dhcp')) {
    unit.network = without(unit.network, 'IPv6AcceptRA=no');
    unit.network.push('IPv6AcceptRA=yes');
  } else if (!contains(unit.network, 'IPv6AcceptRA=yes')) {
    unit.network.push('IPv6AcceptRA=no');
  }
  if (corrected && contains(unit.network, 'DHCP=yes')) {
    unit.network = without(without(unit.network, 'DHCP=ipv4'), 'DHCP=ipv6');
  }
  // Corrected: what has no address must not hold up network-online.target.
  if (corrected && network.type === 'manual') {
    unit.link.push('RequiredForOnline=no');
    unit.network.push('LinkLocalAddressing=no');
  }
}

function addBond(machine: Machine, units: Unit[], device: Unit, name: string, { link }: Network): void {
  const bond = link.bond;
  if (!bond) return;
  const corrected = machine.dialect === 'corrected';
  device.netdev.push('Kind=bond');
  device.bond = [`Mode=${bond.mode}`];
  // Corrected: glean always asks for fast, and networkd refuses a rate for other modes.
  if (!corrected) device.bond.push('LACPTransmitRate=fast');
  else if (bond.mode === '802.3ad' || bond.mode === '4')
    device.bond.push(`LACPTransmitRate=${bond.lacpRate || 'slow'}`);
  if (bond.xmitHashPolicy) device.bond.push(`TransmitHashPolicy=${bond.xmitHashPolicy}`);
  // Corrected: the drive has milliseconds, and networkd reads a plain number as seconds.
  if (bond.miimon) device.bond.push(`MIIMonitorSec=${bond.miimon}${corrected ? 'ms' : ''}`);
  for (const member of memberNames(machine, link)) lead(machine, units, member, `Bond=${name}`);
}

function addBridge(machine: Machine, units: Unit[], device: Unit, name: string, { link }: Network): void {
  const bridge = link.bridge;
  if (!bridge) return;
  device.netdev.push('Kind=bridge');
  if (bridge.stp !== undefined) device.bridge.push(`STP=${bridge.stp ? 'yes' : 'no'}`);
  if (bridge.forwardDelay !== undefined) device.bridge.push(`ForwardDelaySec=${bridge.forwardDelay}`);
  for (const port of portNames(bridge, (each) => interfaceName(machine, each))) {
    lead(machine, units, port, `Bridge=${name}`);
  }
}

/** Has an interface carry another one. */
function lead(machine: Machine, units: Unit[], name: string, line: string): void {
  const unit = unitOf(units, name, 'network');
  unit.network.push(line);
  // Corrected: one that has no network of its own, or no carrier now, must be found; without a match all are.
  if (machine.dialect === 'corrected' && !contains(unit.match, `Name=${name}`)) unit.match.push(`Name=${name}`);
}

function addFallback(machine: Machine, units: Unit[], found: SystemInterface, online: boolean): void {
  const unit = unitOf(units, found.name, 'network');
  unit.match.push(`MACAddress=${found.mac}`, `Name=${found.name}`);
  if (machine.dialect === 'glean') {
    unit.network.push('DHCP=ipv4', 'IPv6AcceptRA=no');
    unitOf(units, found.name, 'netdev').netdev.push(`Name=${found.name}`, `MACAddress=${found.mac}`);
    return;
  }
  // Corrected: in a network of IPv6 alone the machine would be lost; and where the drive configures another
  // interface, one without a DHCP server must not hold up the boot.
  unit.network.push('DHCP=yes', 'IPv6AcceptRA=yes');
  if (online) unit.link.push('RequiredForOnline=no');
}

function unitOf(units: Unit[], name: string, kind: 'network' | 'netdev'): Unit {
  const path = `/etc/systemd/network/${name}.${kind}`;
  for (const unit of units) if (unit.path === path) return unit;
  const unit: Unit = {
    path,
    match: [],
    link: [],
    network: [],
    addresses: [],
    routes: [],
    dhcp: [],
    advertised: [],
    netdev: [],
    vlan: [],
    bond: [],
    bridge: [],
  };
  units.push(unit);
  return unit;
}

function textOf(unit: Unit): string {
  let text = generated + section('Match', unit.match) + section('Link', unit.link) + section('Network', unit.network);
  for (const address of unit.addresses) text += section('Address', [address]);
  for (const route of unit.routes) text += `[Route]\n${route.join('\n')}\n\n`;
  text += section('DHCPv4', unit.dhcp) + section('IPv6AcceptRA', unit.advertised);
  text += section('NetDev', unit.netdev) + section('VLAN', unit.vlan);
  return text + section('Bond', unit.bond) + section('Bridge', unit.bridge);
}

function section(name: string, lines: string[]): string {
  const once: string[] = [];
  for (const line of lines) if (!contains(once, line)) once.push(line);
  return once.length === 0 ? '' : `[${name}]\n${sortedBy(once, (line) => line).join('\n')}\n\n`;
}

function without(lines: string[], unwanted: string): string[] {
  const result: string[] = [];
  for (const line of lines) if (line !== unwanted) result.push(line);
  return result;
}
