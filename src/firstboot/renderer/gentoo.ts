import { contains, generated, type RenderedFile } from './input.js';
import { baseName, byInterface, type Machine, memberNames, plainFile, portNames, unmentioned } from './machine.js';
import type { Link, Network } from './networks.js';

/** Gentoo's netifrc; the format is its net.example. */
export function renderGentoo(machine: Machine, networks: Network[], warnings: string[]): RenderedFile[] {
  const files: RenderedFile[] = [];
  const written: Network[] = [];
  for (const network of networks) {
    // glean writes no IPv6 here, and DHCP where there is nothing else.
    if (network.type === 'ipv6') warnings.push(`IPv6 on ${network.link.mac} is not written for Gentoo`);
    else written.push(network);
  }
  for (const each of byInterface(machine, written, (link) => baseName(machine, link), warnings)) {
    if (contains(machine.existing, fileOf(each.name))) continue;
    files.push(plainFile(fileOf(each.name), renderInterface(machine, each.name, each.networks)));
  }
  for (const { name, mac } of unmentioned(machine, written)) {
    if (contains(machine.existing, fileOf(name))) continue;
    files.push(plainFile(fileOf(name), `${generated}config_${name}="dhcp"\nmac_${name}="${mac}"\n`));
  }
  return files;
}

function fileOf(name: string): string {
  return `/etc/conf.d/net.${name}`;
}

function renderInterface(machine: Machine, base: string, networks: Network[]): string {
  const vlans: number[] = [];
  let text = '';
  let addressed = false;
  for (const network of networks) if (!isIpv6(network)) addressed = true;
  // Corrected: the shell keeps only the last of several networks of a link.
  const merged = machine.dialect === 'glean' ? networks : mergeAddresses(networks);
  for (const network of merged) {
    const { link } = network;
    let name = base;
    if (link.vlan) {
      vlans.push(link.vlan.number);
      name = `${base}_${link.vlan.number}`;
    }
    if (isIpv6(network) && addressed) continue;
    text += `config_${name}="${configuration(network)}"\nmac_${name}="${link.mac}"\n`;
    if (link.mtu !== undefined) text += `mtu_${name}="${link.mtu}"\n`;
    if (network.metric !== undefined) text += `metric_${name}="${network.metric}"\n`;
    if (link.bridge) text += renderBridge(machine, name, link);
    const routes = routesOf(network);
    // Corrected: glean leaves out the routes of a network with DHCP.
    const takesRoutes = network.type === 'ipv4' || (network.type === 'ipv4_dhcp' && machine.dialect === 'corrected');
    if (takesRoutes && routes.length > 0) {
      // Corrected: a VLAN's routes belong to the VLAN.
      text += `routes_${machine.dialect === 'glean' ? base : name}="${routes.join('\n')}"\n`;
    }
    if (link.bond)
      text += `slaves_${name}="${memberNames(machine, link).join(' ')}"\nmode_${name}="${link.bond.mode}"\n`;
  }
  const list = vlans.length > 0 ? `vlans_${base}="${vlans.join(' ')}"\n` : '';
  return generated + list + text;
}

/** The settings are those of the kernel below `/sys/class/net/X/bridge`; its times are hundredths of a second. */
function renderBridge(machine: Machine, name: string, { bridge }: Link): string {
  if (!bridge) return '';
  const ports = portNames(bridge, (link) => {
    const base = baseName(machine, link);
    return link.vlan && base !== undefined ? `${base}.${link.vlan.number}` : base;
  });
  let text = `bridge_${name}="${ports.join(' ')}"\n`;
  if (bridge.stp !== undefined) text += `bridge_stp_state_${name}="${bridge.stp ? 1 : 0}"\n`;
  if (bridge.forwardDelay !== undefined) {
    text += `bridge_forward_delay_${name}="${Number(bridge.forwardDelay) * 100}"\n`;
  }
  return text;
}

function mergeAddresses(networks: Network[]): Network[] {
  const result: Network[] = [];
  for (const network of networks) {
    let first: Network | undefined;
    for (const each of result) if (each.link === network.link && each.type === 'ipv4') first = each;
    if (!first || network.type !== 'ipv4') {
      result.push({ ...network });
      continue;
    }
    first.netmask = `${first.netmask}\n${network.address} netmask ${network.netmask}`;
    first.routes = first.routes.concat(network.routes);
  }
  return result;
}

function isIpv6(network: Network): boolean {
  return network.type === 'ipv6_slaac' || network.type === 'ipv6_dhcp';
}

function configuration(network: Network): string {
  if (network.type === 'ipv4') return `${network.address} netmask ${network.netmask}`;
  return network.type === 'manual' ? 'null' : 'dhcp';
}

function routesOf(network: Network): string[] {
  const routes: string[] = [];
  for (const route of network.routes) {
    if (route.gateway === undefined) continue;
    const metric = route.metric === undefined ? '' : ` metric ${route.metric}`;
    if (route.isDefault) routes.push(`default via ${route.gateway}${metric}`);
    else routes.push(`${route.network} netmask ${route.netmask} via ${route.gateway}${metric}`);
  }
  return routes;
}
