import type { Json } from '../../base/events.js';
import type { NetworkDescription } from '../../firstboot/index.js';
import type { LayoutFile } from './read.js';
import { replaceVariables } from './render.js';

/**
 * The network of a layout as the first boot reads it; undefined where the layout has none.
 * @throws StackwrightError `LayoutInvalid` for a variable that the machine has not, or a wrong address
 */
export function layoutNetwork(
  file: LayoutFile,
  variables: Readonly<Record<string, Json>>,
): NetworkDescription | undefined {
  const { network } = file.layout;
  if (!network) return undefined;
  const text = (value: string, ...path: string[]) => replaceVariables(file, variables, value, ['network', ...path]);
  const links: NetworkDescription['links'] = [];
  const networks: NetworkDescription['networks'] = [];
  for (const [name, card] of Object.entries(network.interfaces)) {
    const mtu: Record<string, Json> = card.mtu === undefined ? {} : { mtu: card.mtu };
    if (card.mac !== undefined) {
      const mac = text(card.mac, 'interfaces', name, 'mac').toLowerCase();
      links.push({ id: name, type: 'phy', ethernet_mac_address: mac, ...mtu });
    } else if (card.bond) {
      links.push({ id: name, type: 'bond', bond_links: card.bond.members, bond_mode: card.bond.mode, ...mtu });
    } else if (card.vlan) {
      links.push({ id: name, type: 'vlan', vlan_id: card.vlan.id, vlan_link: card.vlan.on, ...mtu });
    }
    const gateway = card.gateway === undefined ? undefined : text(card.gateway, 'interfaces', name, 'gateway');
    for (const [at, address] of card.addresses.entries()) {
      const whole = text(address, 'interfaces', name, 'addresses', String(at));
      networks.push({ id: `${name}-${at}`, link: name, ...addressing(whole, gateway, file, name, at) });
    }
  }
  const services = network.dns.map((address, at) => ({ type: 'dns', address: text(address, 'dns', String(at)) }));
  return { links, networks, services };
}

function addressing(
  whole: string,
  gateway: string | undefined,
  { wrong }: LayoutFile,
  name: string,
  at: number,
): Record<string, Json> {
  if (whole === 'dhcp') return { type: 'ipv4_dhcp' };
  if (whole === 'dhcp6') return { type: 'ipv6_dhcp' };
  const [, address = '', length = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(whole) ?? [];
  const version = address.includes(':') ? 6 : 4;
  if (address === '') {
    throw wrong(['network', 'interfaces', name, 'addresses', at], 'it is not ADDRESS/LENGTH, dhcp or dhcp6', whole);
  }
  const everywhere = version === 4 ? { network: '0.0.0.0', netmask: '0.0.0.0' } : { network: '::', netmask: '0' };
  const ours = gateway !== undefined && gateway.includes(':') === (version === 6);
  return {
    type: `ipv${version}`,
    ip_address: `${address}/${length}`,
    routes: ours ? [{ ...everywhere, gateway }] : [],
  };
}
