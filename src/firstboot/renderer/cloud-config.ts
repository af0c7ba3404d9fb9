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
  /** Of what comes by DHCP or router advertisements. */
  metric?: string;
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
    const { link, type, address, netmask, metric, routes } = description.drafts[at] as Draft;
    // Everything is written in the order of the ids.
    const id = `${at < 10 ? '00' : at < 100 ? '0' : ''}${at}.${link}`;
    const list: JsonValue = { kind: 'array', items: routes };
    networks.push(objectOf({ id, link, type, ip_address: address, netmask, metric, routes: list }));
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
    const metric = textOf(entry, 'metric');
    addRoute(description, undefined, { to, netmask: textOf(entry, 'netmask'), via: textOf(entry, 'gateway'), metric });
    warnUnread(description, `route ${to}`, entry, ['type', 'destination', 'netmask', 'gateway', 'metric']);
  }
}

function readEntry(entry: JsonValue, description: Description): void {
  const type = textOf(entry, 'type') || 'none';
  const name = textOf(entry, 'name') || '';
  const mac = textOf(entry, 'mac_address');
  const mtu = textOf(entry, 'mtu');
  const known = ['type', 'name', 'mac_address', 'mtu', 'subnets'];
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
    addPhysical(description, name, found, mtu, mac === undefined ? undefined : name);
  } else if (type === 'bond') {
    const parameters = member(entry, 'params');
    const words = ['mode', 'miimon', 'lacp-rate', 'xmit-hash-policy'];
    addBond(description, { id: name, mac, mtu }, textsOf(entry, 'bond_interfaces'), bondTexts(parameters, words));
    known.push('bond_interfaces', 'params');
  } else if (type === 'bridge') {
    const parameters = member(entry, 'params') || objectOf({});
    const settings = [member(parameters, 'bridge_stp'), member(parameters, 'bridge_fd')];
    addBridge(description, { id: name, mac, mtu }, textsOf(entry, 'bridge_interfaces'), settings);
    warnUnread(description, name, parameters, ['bridge_stp', 'bridge_fd']);
    known.push('bridge_interfaces', 'params');
  } else if (type === 'vlan') {
    addVlan(description, { id: name, mac, mtu }, textOf(entry, 'vlan_link') || '', textOf(entry, 'vlan_id') || '');
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
  const metric = textOf(subnet, 'metric');
  if (type === 'static' || type === 'static6') {
    addAddress(description, link, textOf(subnet, 'address') || '', textOf(subnet, 'netmask'));
  } else {
    // A type that is not known is refused where the types of OpenStack are.
    addWay(description, link, ways[type] || type, metric);
  }
  const gateway = textOf(subnet, 'gateway');
  if (gateway !== undefined) addRoute(description, link, { to: 'default', via: gateway, metric });
  for (const route of itemsOf(subnet, 'routes')) {
    const to = textOf(route, 'network') || textOf(route, 'destination') || '';
    const netmask = textOf(route, 'netmask') || textOf(route, 'prefix');
    addRoute(description, link, { to, netmask, via: textOf(route, 'gateway'), metric: textOf(route, 'metric') });
    warnUnread(description, `route ${to}`, route, [
      'network',
      'destination',
      'netmask',
      'prefix',
      'gateway',
      'metric',
      'type',
      'id',
    ]);
  }
  addNames(description, textsOf(subnet, 'dns_nameservers'), textsOf(subnet, 'dns_search'));
  const known = ['type', 'address', 'netmask', 'gateway', 'metric', 'routes', 'dns_nameservers', 'dns_search'];
  warnUnread(description, link, subnet, known.concat(['ipv4', 'ipv6']));
}

/** Members that every device of version 2 has. */
const common = [
  'addresses',
  'dhcp4',
  'dhcp6',
  'dhcp4-overrides',
  'dhcp6-overrides',
  'accept-ra',
  'mtu',
  'gateway4',
  'gateway6',
  'nameservers',
  'routes',
  'optional',
];

function readVersion2(config: JsonValue, description: Description): void {
  warnUnread(description, 'version 2', config, ['version', 'renderer', ...kinds]);
  // A name may stand for several interfaces, each a link of its own.
  const links: { [name: string]: string[] } = {};
  for (const { name, value } of membersOf(member(config, 'ethernets'))) {
    links[` ${name}`] = readEthernet(name, value, description);
    warnUnread(description, name, value, ['match', 'set-name', ...common]);
  }
  for (const { name, value } of membersOf(member(config, 'bonds'))) {
    const parameters: (string | undefined)[] = [];
    for (const word of ['mode', 'mii-monitor-interval', 'lacp-rate', 'transmit-hash-policy']) {
      parameters.push(textOf(member(value, 'parameters'), word));
    }
    addBond(description, deviceOf(name, value), membersIn(value, links), parameters);
    links[` ${name}`] = [name];
    warnUnread(description, name, value, ['interfaces', 'parameters', 'macaddress', ...common]);
  }
  // A VLAN and a bridge may each be the one below.
  for (const kind of ['vlans', 'bridges']) {
    for (const { name } of membersOf(member(config, kind))) links[` ${name}`] = [name];
  }
  for (const { name, value } of membersOf(member(config, 'vlans'))) {
    const below = textOf(value, 'link') || '';
    const on = (links[` ${below}`] || [])[0] || below;
    addVlan(description, deviceOf(name, value), on, textOf(value, 'id') || '');
    warnUnread(description, name, value, ['id', 'link', 'macaddress', ...common]);
  }
  for (const { name, value } of membersOf(member(config, 'bridges'))) {
    const parameters = member(value, 'parameters') || objectOf({});
    const settings = [member(parameters, 'stp'), member(parameters, 'forward-delay')];
    addBridge(description, deviceOf(name, value), membersIn(value, links), settings);
    warnUnread(description, name, parameters, ['stp', 'forward-delay']);
    warnUnread(description, name, value, ['interfaces', 'parameters', 'macaddress', ...common]);
  }
  for (const kind of kinds) {
    for (const { name, value } of membersOf(member(config, kind))) {
      for (const link of links[` ${name}`] || []) readDevice(value, link, description);
    }
  }
}

const kinds = ['ethernets', 'bonds', 'vlans', 'bridges'];

function deviceOf(id: string, value: JsonValue): Device {
  return { id, mac: textOf(value, 'macaddress'), mtu: textOf(value, 'mtu') };
}

function membersIn(value: JsonValue, links: { [name: string]: string[] }): string[] {
  let members: string[] = [];
  for (const each of textsOf(value, 'interfaces')) members = members.concat(links[` ${each}`] || [each]);
  return members;
}

/** The links of an entry: all interfaces that it matches. */
function readEthernet(name: string, value: JsonValue, description: Description): string[] {
  const match = member(value, 'match');
  const mac = textOf(match, 'macaddress');
  const mtu = textOf(value, 'mtu');
  const setName = textOf(value, 'set-name');
  warnUnread(description, name, match || objectOf({}), ['macaddress', 'name']);
  if (mac !== undefined) {
    addPhysical(description, name, mac, mtu, setName);
    return [name];
  }
  const pattern = match ? textOf(match, 'name') : name;
  const links: string[] = [];
  for (const each of description.interfaces) {
    if (pattern === undefined || each.addressType !== '0' || !fits(each.name, pattern)) continue;
    const id = links.length === 0 ? name : `${name} ${each.name}`;
    addPhysical(description, id, each.mac, mtu, setName);
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
  const metrics: (string | undefined)[] = [];
  for (const name of ['dhcp4-overrides', 'dhcp6-overrides']) {
    const given = member(value, name) || objectOf({});
    warnUnread(description, `${link} ${name}`, given, ['route-metric']);
    metrics.push(textOf(given, 'route-metric'));
  }
  if (isTrue(member(value, 'dhcp4'))) addWay(description, link, 'ipv4_dhcp', metrics[0]);
  if (isTrue(member(value, 'dhcp6'))) addWay(description, link, 'ipv6_dhcp', metrics[1]);
  else if (isTrue(member(value, 'accept-ra'))) addWay(description, link, 'ipv6_slaac', metrics[1]);
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
    addRoute(description, link, { to, via: textOf(route, 'via'), metric: textOf(route, 'metric') });
    warnUnread(description, `route ${to}`, route, ['to', 'via', 'metric']);
  }
  const names = member(value, 'nameservers');
  addNames(description, textsOf(names, 'addresses'), textsOf(names, 'search'));
}

/** What bonds, bridges and VLANs have in common. */
interface Device {
  id: string;
  mac?: string;
  mtu?: string;
}

function addPhysical(description: Description, id: string, mac: string, mtu?: string, setName?: string): void {
  description.links.push(objectOf({ id, type: 'phy', ethernet_mac_address: mac, mtu, set_name: setName }));
}

/** @param parameters of a bond; each version has its names for them, in the order mode, interval, rate, policy */
function addBond(
  description: Description,
  { id, mac, mtu }: Device,
  members: string[],
  parameters: (string | undefined)[],
): void {
  const [bond_mode, bond_miimon, bond_lacp_rate, bond_xmit_hash_policy] = parameters;
  const more = { bond_mode, bond_miimon, bond_lacp_rate, bond_xmit_hash_policy };
  const given = { id, type: 'bond', ethernet_mac_address: mac, mtu, bond_links: listOf(members) };
  description.links.push(objectOf({ ...given, ...more }));
}

/** @param settings STP and the forward delay */
function addBridge(
  description: Description,
  { id, mac, mtu }: Device,
  members: string[],
  [bridge_stp, bridge_fd]: (JsonValue | undefined)[],
): void {
  const more = { bridge_links: listOf(members), bridge_stp, bridge_fd };
  description.links.push(objectOf({ id, type: 'bridge', ethernet_mac_address: mac, mtu, ...more }));
}

function listOf(texts: string[]): JsonValue {
  const items: JsonValue[] = [];
  for (const text of texts) items.push({ kind: 'string', text });
  return { kind: 'array', items };
}

function addVlan(description: Description, { id, mac, mtu }: Device, on: string, number: string): void {
  description.links.push(objectOf({ id, type: 'vlan', vlan_link: on, vlan_id: number, vlan_mac_address: mac, mtu }));
}

/** An address with its prefix length, or with a netmask apart. */
function addAddress(description: Description, link: string, whole: string, netmask: string | undefined): void {
  const slash = whole.indexOf('/');
  const address = slash === -1 ? whole : whole.substring(0, slash);
  const mask = slash === -1 ? netmask : whole.substring(slash + 1);
  const type = address.indexOf(':') === -1 ? 'ipv4' : 'ipv6';
  description.drafts.push({ link, type, address, netmask: mask, routes: [] });
}

function addWay(description: Description, link: string, type: string, metric?: string): void {
  description.drafts.push({ link, type, metric, routes: [] });
}

/** A route as it is written: where to, and over which router. */
interface GivenRoute {
  to: string;
  netmask?: string;
  via?: string;
  metric?: string;
}

/** Puts a route to the network that it goes over: one of the link, or where none is named the router's. */
function addRoute(description: Description, link: string | undefined, { to, netmask, via, metric }: GivenRoute): void {
  const version = (via === undefined ? to : via).indexOf(':') === -1 ? 'ipv4' : 'ipv6';
  const everywhere = version === 'ipv4' ? '0.0.0.0/0' : '::/0';
  const whole = (to === 'default' ? everywhere : to).split('/');
  const mask = whole.length > 1 ? whole.slice(1).join('/') : netmask;
  const given = { network: whole[0], netmask: mask, gateway: via, metric };
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
