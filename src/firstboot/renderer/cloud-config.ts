/**
 * cloud-init's network configuration, put into the words of OpenStack's `network_data.json`, so that it goes through the
 * same checks and the same targets. The formats are cloud-init's "Networking config Version 1" and "Version 2" (netplan's).
 */
import { inOneNetwork, isIpv6, prefixLength } from './addresses.js';
import { contains, type SystemInterface, shown } from './input.js';
import { isTrue, itemsOf, type JsonValue, member, membersOf, objectOf, textOf, textsOf } from './json.js';
import { endsWith } from './text.js';

const notRead = ' is not read';

/** One address, or one way to get it, on a link. */
interface Draft {
  link: string;
  /** As in `network_data.json`. */
  type: string;
  address?: string;
  netmask?: string;
  routes: JsonValue[];
}

/** What is gathered of a configuration. */
export interface Description {
  interfaces: SystemInterface[];
  links: JsonValue[];
  drafts: Draft[];
  dns: string[];
  search: string[];
  warnings: string[];
}

/**
 * Reads a network-config of version 1 or 2; undefined, with a warning, where it is neither. An interface that is named
 * by its name is one of this machine.
 */
export function readCloudConfig(
  value: JsonValue,
  interfaces: SystemInterface[],
  warnings: string[],
): Description | undefined {
  const config = member(value, 'network') || value;
  const description: Description = { interfaces, links: [], drafts: [], dns: [], search: [], warnings };
  const version = textOf(config, 'version');
  if (version === '1') readVersion1(config, description);
  else if (version === '2') readVersion2(config, description);
  else {
    warnings.push(`network-config is refused: its version is not 1 or 2: ${shown(version || 'none')}`);
    return undefined;
  }
  return description;
}

/** The description as `network_data.json` has it. */
export function networkDataOf(description: Description): JsonValue {
  const networks: JsonValue[] = [];
  for (let at = 0; at < description.drafts.length; at += 1) {
    const { link, type, address, netmask, routes } = description.drafts[at] as Draft;
    // Everything is written in the order of the ids.
    const id = `${at < 10 ? '00' : at < 100 ? '0' : ''}${at}.${link}`;
    networks.push(objectOf({ id, link, type, ip_address: address, netmask, routes: { kind: 'array', items: routes } }));
  }
  const services: JsonValue[] = [];
  for (const address of description.dns) services.push(objectOf({ type: 'dns', address }));
  return objectOf({
    links: { kind: 'array', items: description.links },
    networks: { kind: 'array', items: networks },
    services: { kind: 'array', items: services },
  });
}

function readVersion1(config: JsonValue, description: Description): void {
  warnUnread(description, 'version 1', config, ['version', 'config']);
  const entries = itemsOf(config, 'config');
  for (const entry of entries) readEntry(entry, description);
  // A route may stand before the interface that it goes over.
  for (const entry of entries) {
    if (textOf(entry, 'type') !== 'route') continue;
    const to = textOf(entry, 'destination') || '';
    addRoute(description, undefined, { to, netmask: textOf(entry, 'netmask'), via: textOf(entry, 'gateway') });
    warnUnread(description, `route ${to}`, entry, ['type', 'destination', 'netmask', 'gateway']);
  }
}

function readEntry(entry: JsonValue, description: Description): void {
  const type = textOf(entry, 'type') || 'none';
  const name = textOf(entry, 'name') || '';
  const mac = textOf(entry, 'mac_address');
  const known = ['type', 'name', 'mac_address', 'subnets'];
  if (type === 'loopback' || type === 'route') return;
  if (type === 'nameserver') {
    addNames(description, textsOf(entry, 'address'), textsOf(entry, 'search'));
    warnUnread(description, type, entry, ['type', 'address', 'search', 'interface']);
    return;
  }
  if (type === 'physical') {
    const found = mac === undefined ? addressOf(description, name) : mac;
    if (found === undefined) {
      description.warnings.push(`network-config: there is no interface ${shown(name)} here`);
      return;
    }
    addPhysical(description, name, found);
  } else if (type === 'bond') {
    const parameters = member(entry, 'params');
    const words = ['mode', 'miimon', 'lacp-rate', 'xmit-hash-policy'];
    addBond(description, name, textsOf(entry, 'bond_interfaces'), mac, bondTexts(parameters, words));
    known.push('bond_interfaces', 'params');
  } else if (type === 'vlan') {
    addVlan(description, name, textOf(entry, 'vlan_link') || '', textOf(entry, 'vlan_id') || '', mac);
    known.push('vlan_link', 'vlan_id');
  } else {
    description.warnings.push(`network-config: ${shown(name)} is left out: a ${shown(type)} is not known`);
    return;
  }
  warnUnread(description, name, entry, known);
  for (const subnet of itemsOf(entry, 'subnets')) readSubnet(subnet, name, description);
}

/** The words of a bond's parameters are written with `-` and with `_`. */
function bondTexts(parameters: JsonValue | undefined, names: string[]): (string | undefined)[] {
  const texts: (string | undefined)[] = [];
  for (const name of names) {
    const dashed = textOf(parameters, `bond-${name}`);
    texts.push(dashed === undefined ? textOf(parameters, `bond_${name.split('-').join('_')}`) : dashed);
  }
  return texts;
}

function addressOf(description: Description, name: string): string | undefined {
  for (const each of description.interfaces) if (each.name === name) return each.mac;
  return undefined;
}

const ways: { [type: string]: string } = {
  dhcp: 'ipv4_dhcp',
  dhcp4: 'ipv4_dhcp',
  dhcp6: 'ipv6_dhcp',
  'ipv6_dhcpv6-stateful': 'ipv6_dhcp',
  'ipv6_dhcpv6-stateless': 'ipv6_slaac',
  ipv6_slaac: 'ipv6_slaac',
};

function readSubnet(subnet: JsonValue, link: string, description: Description): void {
  const type = textOf(subnet, 'type') || 'none';
  if (type === 'manual') return;
  if (type === 'static' || type === 'static6') {
    addAddress(description, link, textOf(subnet, 'address') || '', textOf(subnet, 'netmask'));
  } else {
    // A type that is not known is refused where the types of OpenStack are.
    addWay(description, link, ways[type] || type);
  }
  const gateway = textOf(subnet, 'gateway');
  if (gateway !== undefined) addRoute(description, link, { to: 'default', via: gateway });
  for (const route of itemsOf(subnet, 'routes')) {
    const to = textOf(route, 'network') || textOf(route, 'destination') || '';
    const netmask = textOf(route, 'netmask') || textOf(route, 'prefix');
    addRoute(description, link, { to, netmask, via: textOf(route, 'gateway') });
    warnUnread(description, `route ${to}`, route, [
      'network',
      'destination',
      'netmask',
      'prefix',
      'gateway',
      'type',
      'id',
    ]);
  }
  addNames(description, textsOf(subnet, 'dns_nameservers'), textsOf(subnet, 'dns_search'));
  const known = ['type', 'address', 'netmask', 'gateway', 'routes', 'dns_nameservers', 'dns_search', 'ipv4', 'ipv6'];
  warnUnread(description, link, subnet, known);
}

/** Members that every device of version 2 has. */
const common = [
  'addresses',
  'dhcp4',
  'dhcp6',
  'accept-ra',
  'gateway4',
  'gateway6',
  'nameservers',
  'routes',
  'optional',
];

function readVersion2(config: JsonValue, description: Description): void {
  warnUnread(description, 'version 2', config, ['version', 'renderer', 'ethernets', 'bonds', 'vlans']);
  // A name may stand for several interfaces, each a link of its own.
  const links: { [name: string]: string[] } = {};
  for (const { name, value } of membersOf(member(config, 'ethernets'))) {
    links[` ${name}`] = readEthernet(name, value, description);
    warnUnread(description, name, value, ['match', ...common]);
  }
  for (const { name, value } of membersOf(member(config, 'bonds'))) {
    let members: string[] = [];
    for (const each of textsOf(value, 'interfaces')) members = members.concat(links[` ${each}`] || [each]);
    const parameters: (string | undefined)[] = [];
    for (const word of ['mode', 'mii-monitor-interval', 'lacp-rate', 'transmit-hash-policy']) {
      parameters.push(textOf(member(value, 'parameters'), word));
    }
    addBond(description, name, members, textOf(value, 'macaddress'), parameters);
    links[` ${name}`] = [name];
    warnUnread(description, name, value, ['interfaces', 'parameters', 'macaddress', ...common]);
  }
  for (const { name, value } of membersOf(member(config, 'vlans'))) {
    const below = textOf(value, 'link') || '';
    const on = (links[` ${below}`] || [])[0] || below;
    addVlan(description, name, on, textOf(value, 'id') || '', textOf(value, 'macaddress'));
    links[` ${name}`] = [name];
    warnUnread(description, name, value, ['id', 'link', 'macaddress', ...common]);
  }
  for (const kind of ['ethernets', 'bonds', 'vlans']) {
    for (const { name, value } of membersOf(member(config, kind))) {
      for (const link of links[` ${name}`] || []) readDevice(value, link, description);
    }
  }
}

/** The links of an entry: all interfaces that it matches. */
function readEthernet(name: string, value: JsonValue, description: Description): string[] {
  const match = member(value, 'match');
  const mac = textOf(match, 'macaddress');
  warnUnread(description, name, match || objectOf({}), ['macaddress', 'name']);
  if (mac !== undefined) {
    addPhysical(description, name, mac);
    return [name];
  }
  const pattern = match ? textOf(match, 'name') : name;
  const links: string[] = [];
  for (const each of description.interfaces) {
    if (pattern === undefined || each.addressType !== '0' || !fits(each.name, pattern)) continue;
    const id = links.length === 0 ? name : `${name} ${each.name}`;
    addPhysical(description, id, each.mac);
    links.push(id);
  }
  if (links.length === 0) description.warnings.push(`network-config: there is no interface for ${shown(name)} here`);
  return links;
}

/** A name as shells match it, with `*` and `?`. */
function fits(name: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  // Where the last star stands, and where what it covers ends.
  let star = -1;
  let covered = 0;
  while (at < name.length) {
    const letter = pattern.charAt(next);
    if (letter === '*') {
      star = next;
      covered = at;
      next += 1;
    } else if (letter === '?' || letter === name.charAt(at)) {
      next += 1;
      at += 1;
    } else if (star !== -1) {
      covered += 1;
      at = covered;
      next = star + 1;
    } else {
      return false;
    }
  }
  while (pattern.charAt(next) === '*') next += 1;
  return next === pattern.length;
}

function readDevice(value: JsonValue, link: string, description: Description): void {
  if (isTrue(member(value, 'dhcp4'))) addWay(description, link, 'ipv4_dhcp');
  if (isTrue(member(value, 'dhcp6'))) addWay(description, link, 'ipv6_dhcp');
  else if (isTrue(member(value, 'accept-ra'))) addWay(description, link, 'ipv6_slaac');
  for (const item of itemsOf(value, 'addresses')) {
    // An address with options is a mapping of one.
    const whole = item.kind === 'string' ? item.text : (membersOf(item)[0] || { name: '' }).name;
    addAddress(description, link, whole, undefined);
  }
  for (const name of ['gateway4', 'gateway6']) {
    const via = textOf(value, name);
    if (via !== undefined) addRoute(description, link, { to: 'default', via });
  }
  for (const route of itemsOf(value, 'routes')) {
    const to = textOf(route, 'to') || '';
    addRoute(description, link, { to, via: textOf(route, 'via') });
    warnUnread(description, `route ${to}`, route, ['to', 'via']);
  }
  const names = member(value, 'nameservers');
  addNames(description, textsOf(names, 'addresses'), textsOf(names, 'search'));
}

function addPhysical(description: Description, id: string, mac: string): void {
  description.links.push(objectOf({ id, type: 'phy', ethernet_mac_address: mac }));
}

/** @param parameters of a bond; each version has its names for them, in the order mode, interval, rate, policy */
function addBond(
  description: Description,
  id: string,
  members: string[],
  mac: string | undefined,
  parameters: (string | undefined)[],
): void {
  const items: JsonValue[] = [];
  for (const text of members) items.push({ kind: 'string', text });
  const [bond_mode, bond_miimon, bond_lacp_rate, bond_xmit_hash_policy] = parameters;
  const more = { bond_mode, bond_miimon, bond_lacp_rate, bond_xmit_hash_policy };
  const given = { id, type: 'bond', ethernet_mac_address: mac, bond_links: { kind: 'array', items } as JsonValue };
  description.links.push(objectOf({ ...given, ...more }));
}

function addVlan(description: Description, id: string, on: string, number: string, mac: string | undefined): void {
  description.links.push(objectOf({ id, type: 'vlan', vlan_link: on, vlan_id: number, vlan_mac_address: mac }));
}

/** An address with its prefix length, or with a netmask apart. */
function addAddress(description: Description, link: string, whole: string, netmask: string | undefined): void {
  const slash = whole.indexOf('/');
  const address = slash === -1 ? whole : whole.substring(0, slash);
  const mask = slash === -1 ? netmask : whole.substring(slash + 1);
  addWay(description, link, address.indexOf(':') === -1 ? 'ipv4' : 'ipv6', address, mask);
}

function addWay(description: Description, link: string, type: string, address?: string, netmask?: string): void {
  description.drafts.push({ link, type, address, netmask, routes: [] });
}

/** A route as it is written: where to, and over which router. */
interface GivenRoute {
  to: string;
  netmask?: string;
  via?: string;
}

/** Puts a route to the network that it goes over: one of the link, or where none is named the router's. */
function addRoute(description: Description, link: string | undefined, { to, netmask, via }: GivenRoute): void {
  const version = (via === undefined ? to : via).indexOf(':') === -1 ? 'ipv4' : 'ipv6';
  const everywhere = version === 'ipv4' ? '0.0.0.0/0' : '::/0';
  const whole = (to === 'default' ? everywhere : to).split('/');
  const given = { network: whole[0], netmask: whole.length > 1 ? whole.slice(1).join('/') : netmask, gateway: via };
  let found: Draft | undefined;
  for (const draft of description.drafts) {
    if (draft.type.substring(0, 4) !== version) continue;
    const fits = link === undefined ? via !== undefined && carries(draft, via) : draft.link === link;
    if (fits && (!found || (found.address === undefined && draft.address !== undefined))) found = draft;
  }
  if (found) found.routes.push(objectOf(given));
  else description.warnings.push(`network-config: no address for the route to ${shown(to)} by ${shown(via || 'none')}`);
}

function carries(draft: Draft, router: string): boolean {
  if (draft.address === undefined) return false;
  const prefix = prefixLength(draft.netmask || '', isIpv6(draft.address) ? 6 : 4);
  return prefix !== undefined && inOneNetwork(draft.address, router, prefix);
}

function addNames(description: Description, servers: string[], domains: string[]): void {
  for (const server of servers) if (!contains(description.dns, server)) description.dns.push(server);
  for (const domain of domains) if (!contains(description.search, domain)) description.search.push(domain);
}

/** Says what a mapping has that is not read, so that nobody waits for its effect. */
function warnUnread(description: Description, where: string, value: JsonValue, read: string[]): void {
  for (const { name } of membersOf(value)) {
    if (!contains(read, name)) description.warnings.push(`network-config: ${shown(where)}: ${shown(name)}${notRead}`);
  }
}

/** True for a warning of what may be meant for cloud-init alone. */
export function isUnread(warning: string): boolean {
  return endsWith(warning, notRead);
}
