import {
  ipv4Mask,
  isAddress,
  isInterfaceName,
  isIpv4,
  isIpv6,
  isMac,
  isVirtualName,
  prefixLength,
} from './addresses.js';
import { shown, sortedBy } from './input.js';
import { isTrue, itemsOf, type JsonValue, member, textOf } from './json.js';
import { isNumber, madeOf, wordLetters } from './text.js';

export interface Route {
  network: string;
  /** Dotted for IPv4. */
  netmask: string;
  prefix: number;
  gateway?: string;
  metric?: string;
  /** To everywhere. */
  isDefault: boolean;
}

export interface Bond {
  mode: string;
  miimon?: string;
  lacpRate?: string;
  xmitHashPolicy?: string;
}

export interface Bridge {
  /** On or off; undefined leaves it to the target. */
  stp?: boolean;
  /** Seconds. */
  forwardDelay?: string;
  ports: Link[];
}

/**
 * One network on one link, or a link without a network (`manual`). The format is OpenStack's `network_data.json`
 * (nova's doc/api_schemas/network_data.json).
 */
export interface Network {
  /** The network's id, or the link's where it has none. Everything is written in the order of these. */
  id: string;
  type: 'manual' | 'ipv4' | 'ipv4_dhcp' | 'ipv6' | 'ipv6_slaac' | 'ipv6_dhcp';
  link: Link;
  address?: string;
  /** Dotted, for IPv4. */
  netmask?: string;
  prefix?: number;
  routes: Route[];
  dns: string[];
  /** Of the routes that come by DHCP or router advertisements. */
  metric?: string;
}

export interface Link {
  id: string;
  kind: 'physical' | 'vlan' | 'bond' | 'bridge';
  mac: string;
  /** The addresses of the interfaces that carry it. */
  carriers: string[];
  vlan?: { number: number; on: Link };
  bond?: Bond;
  bridge?: Bridge;
  /** The bond or bridge that it is a member of. */
  master?: Link;
  mtu?: string;
  /** The name that its interface is to have. */
  setName?: string;
}

export interface DriveNetworks {
  links: Link[];
  networks: Network[];
  dns: string[];
}

const noNetworks: DriveNetworks = { links: [], networks: [], dns: [] };

/** Reads the drive's network description. What is wrong is left out and named in `warnings`. */
export function readNetworks(data: JsonValue | undefined, warnings: string[]): DriveNetworks {
  if (!data) return noNetworks;
  const dns = readDns(data, 'services', warnings);
  // Without one of the two nothing is said about any interface.
  if (!member(data, 'links') || !member(data, 'networks')) return { ...noNetworks, dns };
  const links = readLinks(data, warnings);
  const given = readGiven(data, links, warnings);
  const networks: Network[] = [];
  for (const kind of ['bond', 'bridge', 'physical', 'vlan']) {
    for (const link of links) {
      if (link.kind !== kind || onLink(given, link)) continue;
      if (kind !== 'vlan' || link.master) networks.push(bare(link, 'manual'));
    }
  }
  return { links, networks: sortedBy(networks.concat(given), (network) => network.id), dns };
}

export function bare(link: Link, type: 'manual' | 'ipv4_dhcp'): Network {
  return { id: link.id, type, link, routes: [], dns: [] };
}

function onLink(networks: Network[], link: Link): boolean {
  for (const network of networks) if (network.link === link) return true;
  return false;
}

function readLinks(data: JsonValue, warnings: string[]): Link[] {
  const links: Link[] = [];
  const raw: { link: Link; value: JsonValue }[] = [];
  for (const value of itemsOf(data, 'links')) {
    const link = readLink(value, links, warnings);
    if (!link) continue;
    links.push(link);
    raw.push({ link, value });
  }
  for (const { link, value } of raw) if (link.kind === 'bond') joinMembers(link, value, links, warnings);
  // A bridge may have a VLAN as a member, and another VLAN may be on the bridge.
  const complete: Link[] = [];
  for (const onBridge of [false, true]) {
    for (const { link, value } of raw) {
      if (link.kind !== 'vlan' || isOnBridge(value, links) !== onBridge) continue;
      if (placeVlan(link, value, links, warnings)) complete.push(link);
    }
    if (onBridge) continue;
    for (const { link, value } of raw) if (link.kind === 'bridge') joinPorts(link, value, links, warnings);
  }
  const result: Link[] = [];
  for (const { link } of raw) {
    if (link.kind === 'vlan' ? complete.indexOf(link) === -1 : link.carriers.length === 0) {
      if (link.kind !== 'vlan') warnings.push(`${link.kind} ${shown(link.id)} has no member and is left out`);
    } else {
      result.push(link);
    }
  }
  return result;
}

function isOnBridge(vlan: JsonValue, links: Link[]): boolean {
  const on = linkOf(links, textOf(vlan, 'vlan_link') || '');
  return on !== undefined && on.kind === 'bridge';
}

function readLink(value: JsonValue, earlier: Link[], warnings: string[]): Link | undefined {
  const id = textOf(value, 'id');
  if (id === undefined) {
    warnings.push('a link has no id and is left out');
    return undefined;
  }
  if (linkOf(earlier, id)) {
    warnings.push(`there are two links ${shown(id)}; the second is left out`);
    return undefined;
  }
  const kind = linkKind(value);
  const wanted = kind === 'vlan' ? 'vlan_mac_address' : 'ethernet_mac_address';
  const given = textOf(value, wanted);
  const mac = (given === undefined ? '' : given).toLowerCase();
  // A bond or VLAN may take the address of what carries it.
  if (!isMac(mac) && (given !== undefined || kind === 'physical')) {
    warnings.push(`link ${shown(id)}: ${wanted} is not a MAC address: ${shown(given === undefined ? 'none' : given)}`);
    return undefined;
  }
  const link: Link = { id, kind, mac, carriers: kind === 'physical' ? [mac] : [] };
  link.mtu = numberIn(value, 'mtu', [68, 65535], `link ${shown(id)}`, warnings);
  if (kind === 'physical') link.setName = readSetName(value, id, earlier, warnings);
  if (kind === 'physical' || kind === 'vlan') return link;
  if (!isInterfaceName(id)) {
    warnings.push(`${kind} ${shown(id)} cannot be the name of an interface (at most 15 letters) and is left out`);
    return undefined;
  }
  if (kind === 'bridge') {
    link.bridge = readBridge(value, id, warnings);
    return link;
  }
  link.bond = readBond(value, id, warnings);
  return link.bond && link;
}

/** With members it is a bridge of this machine; OpenStack calls the machine's port on a host's bridge so too. */
function linkKind(value: JsonValue): Link['kind'] {
  const type = textOf(value, 'type');
  if (type === 'bridge') return member(value, 'bridge_links') ? type : 'physical';
  return type === 'vlan' || type === 'bond' ? type : 'physical';
}

function readSetName(value: JsonValue, id: string, earlier: Link[], warnings: string[]): string | undefined {
  const name = textOf(value, 'set_name');
  if (name === undefined) return undefined;
  let taken = !isInterfaceName(name) || isVirtualName(name);
  for (const link of earlier) if (link.setName === name) taken = true;
  if (!taken) return name;
  warnings.push(`link ${shown(id)}: its interface cannot be called ${shown(name)}`);
  return undefined;
}

function readBridge(value: JsonValue, id: string, warnings: string[]): Bridge {
  const given = member(value, 'bridge_stp');
  const stp = given && (given.kind === 'string' ? /^(?:on|yes|true)$/.test(given.text) : isTrue(given));
  const forwardDelay = numberIn(value, 'bridge_fd', [0, 30], `bridge ${shown(id)}`, warnings);
  return { stp, forwardDelay, ports: [] };
}

/** A whole number within limits, as text; undefined, with a warning, where it is something else. */
function numberIn(
  value: JsonValue,
  name: string,
  [least, most]: [number, number],
  where: string,
  warnings: string[],
): string | undefined {
  const text = textOf(value, name);
  if (text === undefined) return undefined;
  if (isNumber(text, 10) && Number(text) >= least && Number(text) <= most) return String(Number(text));
  warnings.push(`${where}: ${name} is not ${least} to ${most}: ${shown(text)}`);
  return undefined;
}

function readBond(value: JsonValue, id: string, warnings: string[]): Bond | undefined {
  const words: { [name: string]: string | undefined } = {};
  for (const name of ['bond_mode', 'bond_miimon', 'bond_lacp_rate', 'bond_xmit_hash_policy']) {
    const text = textOf(value, name);
    if (text !== undefined && !madeOf(text, `${wordLetters}.+-`, 32)) {
      warnings.push(`bond ${shown(id)}: ${name} is refused: ${shown(text)}`);
      if (name === 'bond_mode') return undefined;
    } else {
      words[name] = text;
    }
  }
  return {
    mode: words.bond_mode || 'balance-rr',
    miimon: words.bond_miimon,
    lacpRate: words.bond_lacp_rate,
    xmitHashPolicy: words.bond_xmit_hash_policy,
  };
}

function joinMembers(bond: Link, value: JsonValue, links: Link[], warnings: string[]): void {
  for (const item of itemsOf(value, 'bond_links')) {
    const id = item.kind === 'string' || item.kind === 'number' ? item.text : '';
    const link = linkOf(links, id);
    if (link?.kind !== 'physical' || link.master) {
      warnings.push(`bond ${shown(bond.id)}: its member ${shown(id)} is no free physical link`);
      continue;
    }
    link.master = bond;
    bond.carriers.push(link.mac);
    if (!bond.mac) bond.mac = link.mac;
  }
}

function joinPorts(bridge: Link, value: JsonValue, links: Link[], warnings: string[]): void {
  for (const item of itemsOf(value, 'bridge_links')) {
    const id = item.kind === 'string' || item.kind === 'number' ? item.text : '';
    const link = linkOf(links, id);
    if (!link || link.kind === 'bridge' || link.master || link.carriers.length === 0) {
      warnings.push(`bridge ${shown(bridge.id)}: its member ${shown(id)} is no free link`);
      continue;
    }
    link.master = bridge;
    (bridge.bridge as Bridge).ports.push(link);
    bridge.carriers = bridge.carriers.concat(link.carriers);
    if (!bridge.mac) bridge.mac = link.mac;
  }
}

function placeVlan(link: Link, value: JsonValue, links: Link[], warnings: string[]): boolean {
  const below = textOf(value, 'vlan_link') || '';
  const on = linkOf(links, below);
  const given = textOf(value, 'vlan_id') || '';
  if (!on || on.kind === 'vlan' || on.carriers.length === 0) {
    warnings.push(`VLAN ${shown(link.id)}: there is no link ${shown(below)} for it`);
    return false;
  }
  if (!isNumber(given, 4) || Number(given) < 1 || Number(given) > 4094) {
    warnings.push(`VLAN ${shown(link.id)}: vlan_id is not 1 to 4094: ${shown(given)}`);
    return false;
  }
  link.vlan = { number: Number(given), on };
  link.carriers = on.carriers;
  if (!link.mac) link.mac = on.mac;
  return true;
}

function linkOf(links: Link[], id: string): Link | undefined {
  for (const link of links) if (link.id === id) return link;
  return undefined;
}

function readGiven(data: JsonValue, links: Link[], warnings: string[]): Network[] {
  const given: Network[] = [];
  const refused: Link[] = [];
  const values = itemsOf(data, 'networks');
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] as JsonValue;
    const id = textOf(value, 'id') || `network${at}`;
    const link = linkOf(links, textOf(value, 'link') || '');
    if (!link) {
      warnings.push(`network ${shown(id)}: there is no link ${shown(textOf(value, 'link') || 'none')}`);
      continue;
    }
    const network = readNetwork(id, link, value, warnings);
    if (network) given.push(network);
    else refused.push(link);
  }
  // Better an address from DHCP than none: nobody can reach a machine without a network to repair it.
  for (const link of refused) {
    if (!onLink(given, link)) given.push(bare(link, 'ipv4_dhcp'));
  }
  return given;
}

function readNetwork(id: string, link: Link, value: JsonValue, warnings: string[]): Network | undefined {
  const type = networkType(textOf(value, 'type') || '');
  if (!type) {
    warnings.push(`network ${shown(id)}: its type is not known: ${shown(textOf(value, 'type') || 'none')}`);
    return undefined;
  }
  const network: Network = { id, type, link, routes: [], dns: readDns(value, 'services', warnings) };
  const version = type === 'ipv6' || type === 'ipv6_slaac' || type === 'ipv6_dhcp' ? 6 : 4;
  if (type === 'ipv4' || type === 'ipv6') {
    const whole = (textOf(value, 'ip_address') || '').split('/');
    const mask = textOf(value, 'netmask') || whole[1] || '';
    const prefix = prefixLength(mask, version);
    const address = whole[0] as string;
    if (!(version === 4 ? isIpv4(address) : isIpv6(address)) || prefix === undefined || whole.length > 2) {
      warnings.push(
        `network ${shown(id)}: not an ${type} address with a netmask: ${shown(`${whole.join('/')} ${mask}`)}`,
      );
      return undefined;
    }
    network.address = address;
    network.prefix = prefix;
    network.netmask = version === 4 ? ipv4Mask(prefix) : mask;
  }
  const where = `network ${shown(id)}`;
  network.metric = numberIn(value, 'metric', metrics, where, warnings);
  for (const item of itemsOf(value, 'routes')) {
    const route = readRoute(item, version);
    if (route) route.metric = numberIn(item, 'metric', metrics, where, warnings);
    if (route) network.routes.push(route);
    else warnings.push(`network ${shown(id)}: a route is refused: ${shown(describeRoute(item))}`);
  }
  return network;
}

function networkType(text: string): Network['type'] | undefined {
  switch (text) {
    case 'ipv4':
    case 'ipv6':
    case 'ipv4_dhcp':
    case 'ipv6_slaac':
    case 'ipv6_dhcp':
      return text;
    case 'ipv6_dhcpv6-stateless':
      return 'ipv6_slaac';
    case 'ipv6_dhcpv6-stateful':
    case 'ipv6_dhcpv6_stateful':
      return 'ipv6_dhcp';
  }
  return undefined;
}

function readRoute(value: JsonValue, version: 4 | 6): Route | undefined {
  const whole = (textOf(value, 'network') || '').split('/');
  const network = whole[0] as string;
  const prefix = prefixLength(textOf(value, 'netmask') || whole[1] || '', version);
  const gateway = textOf(value, 'gateway');
  const fits = version === 4 ? isIpv4 : isIpv6;
  if (!fits(network) || prefix === undefined || whole.length > 2) return undefined;
  if (gateway !== undefined && !fits(gateway)) return undefined;
  const isDefault = prefix === 0 && (network === '0.0.0.0' || network === '::');
  const netmask = version === 4 ? ipv4Mask(prefix) : String(prefix);
  return { network, netmask, prefix, gateway, isDefault };
}

function describeRoute(value: JsonValue): string {
  const words: string[] = [];
  for (const name of ['network', 'netmask', 'gateway']) words.push(`${name} ${textOf(value, name) || 'none'}`);
  return words.join(' ');
}

const metrics: [number, number] = [0, 4294967295];

function readDns(value: JsonValue, name: string, warnings: string[]): string[] {
  const servers: string[] = [];
  for (const item of itemsOf(value, name)) {
    if (textOf(item, 'type') !== 'dns') continue;
    const address = textOf(item, 'address') || '';
    if (isAddress(address)) servers.push(address);
    else warnings.push(`a DNS server is refused: ${shown(address)}`);
  }
  return servers;
}

/** `meta.glean_ignore_interfaces` of `meta_data.json`: DHCP everywhere. */
export function ignoresInterfaces(metaData: JsonValue | undefined): boolean {
  return isTrue(member(member(metaData, 'meta'), 'glean_ignore_interfaces'));
}
