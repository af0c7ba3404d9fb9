import { contains, type RenderedFile } from './input.js';
import { baseName, byInterface, type Machine, memberNames, plainFile, portNames, unmentioned } from './machine.js';
import type { Link, Network, Route } from './networks.js';
import { endsWith, trimmed, wordsOf } from './text.js';

const path = '/etc/network/interfaces';

/** Debian's and Ubuntu's ifupdown; the format is interfaces(5). */
export function renderIfupdown(
  machine: Machine,
  networks: Network[],
  existing: string | undefined,
  warnings: string[],
): RenderedFile[] {
  const files: RenderedFile[] = [];
  for (const each of byInterface(machine, networks, (link) => interfaceName(machine, link), warnings)) {
    if (isConfigured(machine, each.name, existing)) continue;
    files.push(plainFile(fileOf(each.name), renderInterface(machine, each.name, each.networks)));
  }
  for (const { name } of unmentioned(machine, networks)) {
    if (isConfigured(machine, name, existing)) continue;
    files.push(plainFile(fileOf(name), `auto ${name}\niface ${name} inet dhcp\n`));
  }
  return [...renderMain(machine, existing), ...files];
}

function renderMain(machine: Machine, existing: string | undefined): RenderedFile[] {
  const sourceLine = 'source /etc/network/interfaces.d/*.cfg\n';
  // Corrected: glean overwrites what an administrator has written there.
  if (machine.dialect === 'corrected' && existing !== undefined && trimmed(existing) !== '') {
    if (sourcesDirectory(existing)) return [];
    return [{ path, mode: 0o644, content: (endsWith(existing, '\n') ? '' : '\n') + sourceLine, append: true }];
  }
  return [plainFile(path, `auto lo\niface lo inet loopback\n${sourceLine}`)];
}

function sourcesDirectory(existing: string): boolean {
  const directory = '/etc/network/interfaces.d';
  for (const line of existing.split('\n')) {
    const words = wordsOf(line);
    const given = words[1] || '';
    if (words[0] === 'source' && contains([`${directory}/*`, `${directory}/*.cfg`], given)) return true;
  }
  return false;
}

function isConfigured(machine: Machine, name: string, existing: string | undefined): boolean {
  if (contains(machine.existing, fileOf(name))) return true;
  if (machine.dialect === 'glean' || existing === undefined) return false;
  for (const line of existing.split('\n')) {
    const words = wordsOf(line);
    if (words[0] === 'iface' && words[1] === name) return true;
  }
  return false;
}

function fileOf(name: string): string {
  return `/etc/network/interfaces.d/${name}.cfg`;
}

function interfaceName(machine: Machine, link: Link): string | undefined {
  const base = baseName(machine, link);
  return link.vlan && base !== undefined ? `${base}.${link.vlan.number}` : base;
}

function renderInterface(machine: Machine, name: string, networks: Network[]): string {
  const member = networks[0]?.link.master?.bond !== undefined;
  // Corrected: a bond brings its members up; brought up after it they would leave it for a moment.
  let text = member && machine.dialect === 'corrected' ? '' : `auto ${name}\n`;
  let stanzas = 0;
  for (const network of networks) {
    // The kernel configures IPv6 from router advertisements by itself on a link that is up, and glean writes nothing.
    if ((network.type === 'ipv6_slaac' || network.type === 'ipv6_dhcp') && networks.length > 1) continue;
    text += renderNetwork(machine, name, network, stanzas === 0);
    stanzas += 1;
  }
  return stanzas === 0 ? `${text}iface ${name} inet6 auto\n` : text;
}

function renderNetwork(machine: Machine, name: string, network: Network, first: boolean): string {
  const { link } = network;
  const rawDevice = link.vlan ? `    vlan-raw-device ${baseName(machine, link)}\n` : '';
  let text = `iface ${name} ${stanza(network)}\n`;
  text += rawDevice;
  if (network.type === 'ipv4_dhcp' && link.vlan) text += `    hw-mac-address ${link.mac}\n`;
  if (network.address !== undefined) {
    text += `    address ${network.address}\n`;
    text += `    netmask ${network.type === 'ipv4' ? network.netmask : network.prefix}\n`;
  }
  // Corrected: glean leaves out the routes of a network with DHCP.
  if (network.address !== undefined || (network.type === 'ipv4_dhcp' && machine.dialect === 'corrected')) {
    for (const route of network.routes) text += renderRoute(machine, name, network, route);
  }
  if (network.type === 'ipv4_dhcp' && network.metric !== undefined) text += `    metric ${network.metric}\n`;
  if (first && link.mtu !== undefined) text += renderMtu(name, network, link.mtu);
  if (link.master?.bond) text += `    bond-master ${link.master.id}\n`;
  if (first && link.bridge) text += renderBridge(machine, link);
  // Corrected: a bond is made once, not once for each of its networks.
  if (link.bond && (first || machine.dialect === 'glean')) text += renderBond(machine, name, network);
  return text;
}

function stanza(network: Network): string {
  switch (network.type) {
    case 'manual':
      return 'inet manual';
    case 'ipv4':
      return 'inet static';
    case 'ipv4_dhcp':
      return 'inet dhcp';
    case 'ipv6':
      return 'inet6 static';
    case 'ipv6_slaac':
      return 'inet6 auto';
    case 'ipv6_dhcp':
      return 'inet6 dhcp';
  }
}

function renderRoute(machine: Machine, name: string, network: Network, route: Route): string {
  if (route.gateway === undefined) return '';
  // interfaces(5) has a gateway for static networks only.
  if (route.isDefault && network.address !== undefined) {
    return `    gateway ${route.gateway}\n${route.metric === undefined ? '' : `    metric ${route.metric}\n`}`;
  }
  const metric = route.metric === undefined ? '' : ` metric ${route.metric}`;
  const gateway = route.gateway;
  let add: string;
  let remove: string;
  if (network.type === 'ipv6') {
    const rest = `${route.network}/${route.prefix} via ${gateway} dev ${name}${metric} || true\n`;
    add = `ip -6 route add ${rest}`;
    remove = `ip -6 route del ${rest}`;
  } else if (machine.dialect === 'glean') {
    const rest = `-net ${route.network} netmask ${route.netmask} gw ${gateway} || true\n`;
    add = `route add ${rest}`;
    remove = `route del ${rest}`;
  } else {
    // Corrected: Debian has no route(8) since net-tools is optional.
    const rest = `${route.network}/${route.prefix} via ${gateway} dev ${name}${metric} || true\n`;
    add = `ip route add ${rest}`;
    remove = `ip route del ${rest}`;
  }
  return `    up ${add}    down ${remove}`;
}

/** interfaces(5) has it for static and manual interfaces only. */
function renderMtu(name: string, network: Network, mtu: string): string {
  if (network.type === 'manual' || network.address !== undefined) return `    mtu ${mtu}\n`;
  return `    up ip link set dev ${name} mtu ${mtu}\n`;
}

/** The format is bridge-utils-interfaces(5). */
function renderBridge(machine: Machine, { bridge, mac }: Link): string {
  if (!bridge) return '';
  let text = `    bridge_ports ${portNames(bridge, (link) => interfaceName(machine, link)).join(' ')}\n`;
  text += `    bridge_hw ${mac}\n`;
  if (bridge.stp !== undefined) text += `    bridge_stp ${bridge.stp ? 'on' : 'off'}\n`;
  if (bridge.forwardDelay !== undefined) text += `    bridge_fd ${bridge.forwardDelay}\n`;
  return text;
}

function renderBond(machine: Machine, name: string, { link }: Network): string {
  const bond = link.bond;
  if (!bond) return '';
  const members = memberNames(machine, link).join(' ');
  if (machine.dialect === 'corrected') {
    // Corrected: Debian's package has no command ifenslave any more, and other modes than this have no LACP.
    let text = `    hwaddress ${link.mac}\n    bond-mode ${bond.mode}\n    bond-miimon ${bond.miimon || '0'}\n`;
    if (bond.mode === '802.3ad' || bond.mode === '4') text += `    bond-lacp-rate ${bond.lacpRate || 'slow'}\n`;
    if (bond.xmitHashPolicy) text += `    bond-xmit-hash-policy ${bond.xmitHashPolicy}\n`;
    return `${text}    bond-slaves ${members}\n`;
  }
  return (
    `    hwaddress ${link.mac}\n` +
    `    bond-mode ${bond.mode}\n` +
    `    bond-miimon ${bond.miimon || '0'}\n` +
    `    bond-lacp-rate ${bond.lacpRate || 'slow'}\n` +
    `    bond-xmit_hash_policy ${bond.xmitHashPolicy || 'layer2'}\n` +
    `    bond-slaves none\n` +
    `    post-up ifenslave ${name} ${members}\n` +
    `    pre-down ifenslave -d ${name} ${members}\n`
  );
}
