import { contains, generated, type RenderedFile } from './input.js';
import { baseName, byInterface, type Machine, memberNames, plainFile, portNames, unmentioned } from './machine.js';
import type { Bridge, Link, Network, Route } from './networks.js';

interface Family {
  suse: boolean;
  ifcfg: string;
  route: string;
  route6: string;
}

const redhat: Family = {
  suse: false,
  ifcfg: '/etc/sysconfig/network-scripts/ifcfg-',
  route: '/etc/sysconfig/network-scripts/route-',
  route6: '/etc/sysconfig/network-scripts/route6-',
};
const suse: Family = {
  suse: true,
  ifcfg: '/etc/sysconfig/network/ifcfg-',
  route: '/etc/sysconfig/network/ifroute-',
  route6: '/etc/sysconfig/network/ifroute6-',
};

/** Red Hat's initscripts (`sysconfig.txt`; NetworkManager reads the same files) and SUSE's wicked (ifcfg(5)). */
export function renderIfcfg(
  machine: Machine,
  networks: Network[],
  kind: 'redhat' | 'suse',
  warnings: string[],
): RenderedFile[] {
  const family = kind === 'suse' ? suse : redhat;
  const files: RenderedFile[] = [];
  for (const each of byInterface(machine, networks, (link) => interfaceName(machine, link), warnings)) {
    if (contains(machine.existing, family.ifcfg + each.name)) continue;
    for (const file of renderInterface(machine, family, each.name, each.networks, warnings)) files.push(file);
  }
  for (const { name, mac } of unmentioned(machine, networks)) {
    if (contains(machine.existing, family.ifcfg + name)) continue;
    files.push(plainFile(family.ifcfg + name, preamble(machine, family, name, mac, 'dhcp', 'Ethernet')));
  }
  return files;
}

function interfaceName(machine: Machine, link: Link): string | undefined {
  const base = baseName(machine, link);
  return link.vlan && base !== undefined ? `${base}.${link.vlan.number}` : base;
}

function renderInterface(
  machine: Machine,
  family: Family,
  name: string,
  networks: Network[],
  warnings: string[],
): RenderedFile[] {
  const first = pickBase(networks);
  const { link } = first;
  const corrected = machine.dialect === 'corrected';
  let deviceType = 'Ethernet';
  // Corrected: glean calls every device Ethernet, and then no bond or VLAN is made of it.
  if (corrected && link.bond) deviceType = 'Bond';
  if (corrected && link.vlan) deviceType = 'Vlan';
  if (link.bridge) deviceType = 'Bridge';
  let text = preamble(machine, family, name, link.mac, protocol(first), deviceType);
  text += renderNumbers(family, first);
  if (first.type === 'ipv4') text += `IPADDR=${first.address}\nNETMASK=${first.netmask}\n`;
  text += renderVlan(machine, family, first);
  text = addBonding(machine, family, first, text);
  if (link.bridge) text += renderBridge(machine, family, link.bridge);
  const routes: string[] = [];
  // Corrected: glean leaves out the routes of a network with DHCP.
  if (first.type === 'ipv4' || (corrected && first.type === 'ipv4_dhcp')) {
    text += addRoutes(family, first.routes, routes);
  }
  // Corrected: glean keeps only the last of several IPv4 networks on a link.
  let extra = 0;
  for (const network of networks) {
    if (network === first || network.type !== 'ipv4') continue;
    extra += 1;
    text += family.suse
      ? `IPADDR_${extra}=${network.address}\nNETMASK_${extra}=${network.netmask}\n`
      : `IPADDR${extra}=${network.address}\nNETMASK${extra}=${network.netmask}\n`;
    text += addRoutes(family, network.routes, routes);
  }
  let routes6 = '';
  let extra6 = 0;
  for (const network of networks) {
    if (network.type !== 'ipv6' && network.type !== 'ipv6_slaac' && network.type !== 'ipv6_dhcp') continue;
    if (family.suse && corrected) {
      if (network.type === 'ipv6') {
        extra6 += 1;
        text += `IPADDR_V6_${extra6}=${network.address}/${network.prefix}\n`;
        for (const route of network.routes) {
          if (route.gateway === undefined) continue;
          const to = route.isDefault ? 'default' : `${route.network}/${route.prefix}`;
          routes.push(`${to} ${route.gateway}${suseMetric(route, ' -')}`);
        }
      }
      continue;
    }
    if (extra6 > 0) warnings.push(`interface ${name}: only the first IPv6 network is written`);
    else text += renderIpv6(network, corrected);
    if (extra6 === 0) routes6 = renderRoutes6(network);
    extra6 += 1;
  }
  const files = [plainFile(family.ifcfg + name, text)];
  if (routes.length > 0) files.push(plainFile(family.route + name, `${numbered(family, routes)}\n`));
  if (routes6) files.push(plainFile(family.route6 + name, routes6));
  return files;
}

/** The file begins with an IPv4 network where there is one. */
function pickBase(networks: Network[]): Network {
  for (const type of ['ipv4', 'ipv4_dhcp', 'manual']) {
    for (const network of networks) if (network.type === type) return network;
  }
  return networks[0] as Network;
}

function protocol(network: Network): string {
  if (network.type === 'ipv4') return 'static';
  return network.type === 'ipv4_dhcp' ? 'dhcp' : 'none';
}

/** MTU and metric, which is one for the interface. */
function renderNumbers(family: Family, { link, metric, routes }: Network): string {
  let text = link.mtu === undefined ? '' : `MTU=${link.mtu}\n`;
  let ofAll = metric;
  for (const route of routes) if (route.isDefault && !family.suse && route.metric !== undefined) ofAll = route.metric;
  if (ofAll !== undefined) text += `${family.suse ? 'DHCLIENT_ROUTE_PRIORITY' : 'METRIC'}=${ofAll}\n`;
  return text;
}

/** The options of a route come after its interface. */
function suseMetric(route: Route, netmask: string): string {
  return route.metric === undefined ? '' : `${netmask} - metric ${route.metric}`;
}

function renderBridge(machine: Machine, family: Family, bridge: Bridge): string {
  const stp = bridge.stp === undefined ? undefined : bridge.stp ? 'on' : 'off';
  let text = '';
  if (family.suse) {
    text += `BRIDGE='yes'\nBRIDGE_PORTS='${portNames(bridge, (link) => interfaceName(machine, link)).join(' ')}'\n`;
  }
  if (stp !== undefined) text += `${family.suse ? 'BRIDGE_STP' : 'STP'}=${stp}\n`;
  if (bridge.forwardDelay === undefined) return text;
  return `${text}${family.suse ? 'BRIDGE_FORWARDDELAY' : 'DELAY'}=${bridge.forwardDelay}\n`;
}

function preamble(machine: Machine, family: Family, name: string, mac: string, proto: string, type: string): string {
  if (family.suse) return `${generated}BOOTPROTO=${proto}\nLLADDR=${mac}\nSTARTMODE=auto\n`;
  return (
    // No interface has a bridge's address before there is the bridge.
    `${generated}DEVICE=${name}\nBOOTPROTO=${proto}\n${type === 'Bridge' ? 'MACADDR' : 'HWADDR'}=${mac}\nONBOOT=yes\n` +
    `NM_CONTROLLED=${machine.networkManager ? 'yes' : 'no'}\nTYPE=${type}\n`
  );
}

function renderVlan(machine: Machine, family: Family, { link }: Network): string {
  if (!link.vlan) return '';
  if (!family.suse) return 'VLAN=yes\n';
  return `VLAN_ID=${link.vlan.number}\nETHERDEVICE=${baseName(machine, link)}\n`;
}

function addBonding(machine: Machine, family: Family, { link }: Network, text: string): string {
  if (link.bond) {
    const corrected = machine.dialect === 'corrected';
    const options = [`mode=${link.bond.mode}`];
    if (link.bond.miimon) options.push(`miimon=${link.bond.miimon}`);
    if (link.bond.xmitHashPolicy) options.push(`xmit_hash_policy=${link.bond.xmitHashPolicy}`);
    if (link.bond.lacpRate) options.push(`lacp_rate=${link.bond.lacpRate}`);
    if (!family.suse) {
      // Corrected: without its options a bond is a round-robin one.
      return corrected ? `${text}BONDING_MASTER=yes\nBONDING_OPTS="${options.join(' ')}"\n` : text;
    }
    let result = `${text}BONDING_MASTER=yes\n`;
    if (corrected) result += `BONDING_MODULE_OPTS='${options.join(' ')}'\n`;
    const names = memberNames(machine, link);
    for (let at = 0; at < names.length; at += 1) result += `BONDING_SLAVE_${at}=${names[at]}\n`;
    return result;
  }
  if (!link.master) return text;
  if (link.master.bridge) return family.suse ? text : `${text}BRIDGE=${link.master.id}\n`;
  if (family.suse) return text.replace('STARTMODE=auto', 'STARTMODE=hotplug');
  return `${text}SLAVE=yes\nMASTER=${link.master.id}\n`;
}

/** Puts a network's routes to the others; gives the lines of the default one where it stands in the ifcfg file. */
function addRoutes(family: Family, routes: Route[], lines: string[]): string {
  let text = '';
  for (const route of routes) {
    if (route.gateway === undefined) continue;
    if (family.suse) {
      const mask = route.isDefault ? '' : ` ${route.netmask}`;
      const to = route.isDefault ? 'default' : route.network;
      lines.push(`${to} ${route.gateway}${mask}${suseMetric(route, route.isDefault ? ' -' : '')}`);
    } else if (route.isDefault) {
      text += `DEFROUTE=yes\nGATEWAY=${route.gateway}\n`;
    } else {
      const metric = route.metric === undefined ? '' : `\nMETRIC#=${route.metric}`;
      lines.push(`ADDRESS#=${route.network}\nNETMASK#=${route.netmask}\nGATEWAY#=${route.gateway}${metric}`);
    }
  }
  return text;
}

function numbered(family: Family, routes: string[]): string {
  const result: string[] = [];
  for (let at = 0; at < routes.length; at += 1) {
    const route = routes[at] as string;
    result.push(family.suse ? route : route.split('#').join(String(at)));
  }
  return result.join('\n');
}

function renderIpv6(network: Network, corrected: boolean): string {
  let text = 'IPV6INIT=yes\nIPV6_PRIVACY=no\n';
  if (network.type === 'ipv6_slaac') text += 'IPV6_AUTOCONF=yes\n';
  else if (network.type === 'ipv6_dhcp') text += `IPV6_AUTOCONF=${corrected ? 'yes' : 'no'}\nDHCPV6C=yes\n`;
  else text += `IPV6_AUTOCONF=no\nIPV6ADDR=${network.address}/${network.prefix}\n`;
  for (const route of network.routes) {
    if (route.network !== '::' || route.gateway === undefined) continue;
    text += `IPV6_DEFAULTGW=${route.gateway}${route.prefix ? `/${route.prefix}` : ''}\n`;
  }
  return text;
}

function renderRoutes6(network: Network): string {
  let text = '';
  for (const route of network.routes) {
    if (route.network === '::' || route.gateway === undefined) continue;
    const metric = route.metric === undefined ? '' : ` metric ${route.metric}`;
    text += `${route.network}${route.prefix ? `/${route.prefix}` : ''} via ${route.gateway}${metric}\n`;
  }
  return text;
}
