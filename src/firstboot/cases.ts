import type { SystemInterface } from './renderer/input.js';

/** A machine and its drive, for the golden files. */
export interface FirstbootCase {
  name: string;
  /** The files of a config drive as values, or those of a NoCloud drive as texts. */
  drive: Record<string, unknown>;
  interfaces: SystemInterface[];
  /** Further words of the program's state. */
  state?: string[];
}

const phy = (id: string, mac: string) => ({ id, type: 'phy', ethernet_mac_address: mac });
const nic = (name: string, mac: string, carrier = true, addressType = '0'): SystemInterface => ({
  name,
  mac,
  addressType,
  carrier,
});
const everywhere = (gateway: string) => ({ network: '0.0.0.0', netmask: '0.0.0.0', gateway });
const everywhere6 = (gateway: string) => ({ network: '::', netmask: '::', gateway });
const dns = (address: string) => ({ type: 'dns', address });

export const firstbootCases: FirstbootCase[] = [
  {
    name: 'no-drive',
    drive: {},
    interfaces: [
      nic('eth0', '52:54:00:00:00:01'),
      nic('eth1', '52:54:00:00:00:02'),
      nic('eth2', '52:54:00:00:00:03', false),
      nic('veth7', '52:54:00:00:00:04', true, '3'),
      nic('tunl0', '52:54:00:00:00:05'),
      nic('lo', '00:00:00:00:00:00'),
    ],
  },
  {
    name: 'static',
    interfaces: [nic('eth0', '52:54:00:00:00:01'), nic('eth1', '52:54:00:00:00:02'), nic('eth2', '52:54:00:00:00:03')],
    drive: {
      'meta_data.json': { name: 'node_1.example.com' },
      'network_data.json': {
        links: [phy('tap0', '52:54:00:00:00:01'), phy('tap1', '52:54:00:00:00:02')],
        networks: [
          {
            id: 'network0',
            link: 'tap0',
            type: 'ipv4',
            ip_address: '192.0.2.10',
            netmask: '255.255.255.0',
            routes: [everywhere('192.0.2.1')],
          },
          {
            id: 'network1',
            link: 'tap1',
            type: 'ipv4',
            ip_address: '10.208.169.118',
            netmask: '255.255.224.0',
            routes: [
              { network: '10.176.0.0', netmask: '255.240.0.0', gateway: '10.208.160.1' },
              { network: '10.208.0.0', netmask: '255.240.0.0', gateway: '10.208.160.1' },
            ],
          },
        ],
        services: [dns('192.0.2.2'), dns('2001:db8::53')],
      },
    },
  },
  {
    name: 'dual-stack',
    interfaces: [nic('eth0', '52:54:00:00:00:01')],
    drive: {
      'network_data.json': {
        links: [phy('tap0', '52:54:00:00:00:01')],
        networks: [
          {
            id: 'public-ipv4',
            link: 'tap0',
            type: 'ipv4',
            ip_address: '192.0.2.10',
            netmask: '255.255.255.0',
            routes: [everywhere('192.0.2.1')],
            services: [dns('192.0.2.2')],
          },
          {
            id: 'public-ipv6',
            link: 'tap0',
            type: 'ipv6',
            ip_address: '2001:db8::10',
            netmask: 'ffff:ffff:ffff:ffff::',
            routes: [everywhere6('fe80::1'), { network: 'fd30::', netmask: 'ffff:ffff:ffff::', gateway: 'fe80::2' }],
          },
        ],
      },
    },
  },
  {
    name: 'slaac',
    interfaces: [nic('eth0', '52:54:00:00:00:01'), nic('eth1', '52:54:00:00:00:02')],
    drive: {
      'network_data.json': {
        links: [phy('tap0', '52:54:00:00:00:01'), phy('tap1', '52:54:00:00:00:02')],
        networks: [
          { id: 'n0', link: 'tap0', type: 'ipv4_dhcp' },
          { id: 'n1', link: 'tap0', type: 'ipv6_slaac' },
          { id: 'n2', link: 'tap1', type: 'ipv6_slaac' },
        ],
      },
    },
  },
  {
    name: 'vlans',
    interfaces: [nic('eth4', '52:54:00:00:00:04'), nic('eth5', '52:54:00:00:00:05')],
    drive: {
      'network_info.json': {
        links: [
          phy('trunk', '52:54:00:00:00:04'),
          { id: 'v25', type: 'vlan', vlan_link: 'trunk', vlan_id: 25, vlan_mac_address: '52:54:00:00:00:04' },
          { id: 'v26', type: 'vlan', vlan_link: 'trunk', vlan_id: '26', vlan_mac_address: '52:54:00:00:00:26' },
        ],
        networks: [
          { id: 'n0', link: 'v25', type: 'ipv4_dhcp' },
          {
            id: 'n1',
            link: 'v26',
            type: 'ipv4',
            ip_address: '198.51.100.2',
            netmask: '255.255.255.128',
            routes: [everywhere('198.51.100.1')],
          },
        ],
      },
    },
  },
  {
    name: 'bonds',
    interfaces: [5, 6, 7, 8, 9, 10].map((at) => nic(`eth${at}`, `52:54:00:00:01:${String(at).padStart(2, '0')}`)),
    drive: {
      'vendor_data.json': {
        network_info: {
          links: [
            ...[5, 6, 7, 8, 9, 10].map((at) => phy(`phy${at}`, `52:54:00:00:01:${String(at).padStart(2, '0')}`)),
            {
              id: 'bond0',
              type: 'bond',
              bond_links: ['phy5', 'phy6'],
              bond_mode: '802.3ad',
              bond_miimon: 100,
              bond_lacp_rate: 'slow',
              bond_xmit_hash_policy: 'layer3+4',
              ethernet_mac_address: '52:54:00:00:01:05',
            },
            {
              id: 'bond1',
              type: 'bond',
              bond_links: ['phy7', 'phy8'],
              bond_mode: 'active-backup',
              ethernet_mac_address: '52:54:00:00:01:07',
            },
            { id: 'v27', type: 'vlan', vlan_link: 'bond1', vlan_id: 27, vlan_mac_address: '52:54:00:00:01:27' },
            {
              id: 'bond2',
              type: 'bond',
              bond_links: ['phy9', 'phy10'],
              bond_mode: '802.3ad',
              bond_miimon: 100,
              ethernet_mac_address: '52:54:00:00:01:09',
            },
          ],
          networks: [
            { id: 'network0', link: 'bond0', type: 'ipv4_dhcp' },
            { id: 'network1', link: 'v27', type: 'ipv4_dhcp' },
            {
              id: 'network2',
              link: 'bond2',
              type: 'ipv4',
              ip_address: '192.0.2.2',
              netmask: '255.255.255.0',
              routes: [everywhere('192.0.2.1')],
            },
          ],
        },
      },
    },
  },
  {
    name: 'two-networks',
    interfaces: [nic('eth0', '52:54:00:00:00:01')],
    drive: {
      'network_data.json': {
        links: [phy('tap0', '52:54:00:00:00:01')],
        networks: [
          { id: 'a', link: 'tap0', type: 'ipv4', ip_address: '192.0.2.10/24', routes: [everywhere('192.0.2.1')] },
          { id: 'b', link: 'tap0', type: 'ipv4', ip_address: '192.0.2.11', netmask: '255.255.255.0' },
        ],
      },
    },
  },
  {
    name: 'ignored',
    interfaces: [nic('eth0', '52:54:00:00:00:01')],
    drive: {
      'meta_data.json': { meta: { glean_ignore_interfaces: 'True' } },
      'network_data.json': {
        links: [phy('tap0', '52:54:00:00:00:01')],
        networks: [{ id: 'a', link: 'tap0', type: 'ipv4', ip_address: '192.0.2.10', netmask: '255.255.255.0' }],
      },
    },
  },
  {
    name: 'configured-already',
    interfaces: [nic('eth0', '52:54:00:00:00:01'), nic('eth1', '52:54:00:00:00:02')],
    state: [
      'exists /etc/network/interfaces.d/eth0.cfg',
      'exists /etc/systemd/network/eth0.network',
      'exists /etc/sysconfig/network-scripts/ifcfg-eth0',
      'exists /etc/sysconfig/network/ifcfg-eth0',
      'exists /etc/conf.d/net.eth0',
    ],
    drive: {},
  },
  {
    name: 'keys',
    interfaces: [],
    drive: {
      'meta_data.json': {
        name: 'node',
        public_keys: {
          zulu: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLsTZJ zulu@example\n',
          alpha: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh8 Zoë 🗝',
          wrong: 'this is no key',
        },
      },
    },
  },
  {
    name: 'refused',
    interfaces: [nic('eth0', '52:54:00:00:00:01'), nic('eth1', '52:54:00:00:00:02')],
    drive: {
      'meta_data.json': {
        name: 'evil\nname',
        public_keys: { 'a\nb': 'ssh-rsa AAAA', c: 'ssh-rsa AAAA x\nssh-rsa AAAB' },
      },
      'network_data.json': {
        links: [
          phy('tap0', '52:54:00:00:00:01'),
          phy('tap1', '52:54:00:00:00:02\n'),
          { id: '../bond', type: 'bond', bond_links: ['tap0'], bond_mode: '1' },
          { id: 'v', type: 'vlan', vlan_link: 'tap0', vlan_id: '7\n' },
        ],
        networks: [
          { id: 'a', link: 'tap0', type: 'ipv4', ip_address: '192.0.2.10\nup rm -rf /', netmask: '255.255.255.0' },
          { id: 'b', link: 'tap1', type: 'ipv4_dhcp' },
          { id: 'c', link: 'v', type: 'ipv4_dhcp' },
        ],
        services: [dns('192.0.2.2\nnameserver 203.0.113.1')],
      },
    },
  },
  {
    name: 'nocloud-1',
    interfaces: [1, 2, 3, 4].map((at) => nic(`eth${at}`, `52:54:00:00:00:0${at}`)),
    drive: {
      'meta-data': [
        'instance-id: i-1',
        'local-hostname: node_1.example.com',
        'public-keys:',
        '- ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh8',
        '  first@example',
        '- "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLsTZJ second@example"',
        '',
      ].join('\n'),
      'network-config': `# as cloud-init's documentation has it
version: 1
config:
  - type: route
    destination: 10.20.0.0/16
    gateway: 192.0.2.254
  - type: physical
    name: eth1
    mac_address: '52:54:00:00:00:01'
    mtu: 1450
    subnets:
      - type: static
        address: 192.0.2.10/24
        gateway: 192.0.2.1
        dns_nameservers: [192.0.2.2, 2001:db8::53]
        dns_search:
          - example.com
        routes:
          - network: 10.10.0.0
            netmask: 255.255.0.0
            gateway: 192.0.2.254
      - type: static6
        address: 2001:db8::10/64
        gateway: 2001:db8::1
  - {type: physical, name: eth2, subnets: [{type: dhcp4}, {type: ipv6_slaac}]}
  - type: physical
    name: eth3
  - type: physical
    name: eth4
  - type: bond
    name: bond0
    bond_interfaces: [eth3, eth4]
    params: {bond-mode: 802.3ad, bond-miimon: 100, bond_lacp_rate: fast}
    subnets:
      - {type: static, address: 198.51.100.2, netmask: 255.255.255.128}
  - type: vlan
    name: bond0.25
    vlan_link: bond0
    vlan_id: 25
    subnets: [{type: dhcp}]
  - type: nameserver
    address: 192.0.2.3
    search: [internal.example.com, "not a domain"]
`,
    },
  },
  {
    name: 'nocloud-2',
    interfaces: [
      ...[1, 2, 3, 4].map((at) => nic(`eth${at}`, `52:54:00:00:00:0${at}`)),
      nic('enp1s0', '52:54:00:00:01:01'),
      nic('enp130s0f1np1', '52:54:00:00:01:02'),
      nic('wlp3s0', '52:54:00:00:01:03'),
    ],
    drive: {
      'meta-data': `local-hostname: node
public-keys:
  alice: |
    ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh8 alice@example
    ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh9 alice@example
  bob: [ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLsTZJ bob@example]
`,
      'network-config': `---
network:
  version: 2
  renderer: networkd
  ethernets:
    main:
      match:
        macaddress: 52:54:00:00:00:01
      set-name: main0
      addresses:
        - 192.0.2.10/24
        - "2001:db8::10/64": {label: public}
      routes:
        - to: default
          via: 192.0.2.1
        - {to: "::/0", via: "fe80::1"}
        - {to: 10.10.0.0/16, via: 192.0.2.254, metric: 100}
        - {to: 10.30.0.0/16, via: 203.0.113.1, on-link: true}
      nameservers:
        addresses: [192.0.2.2]
        search: [example.com]
    eth2: {dhcp4: yes, dhcp6: true, optional: true, routes: [{to: 10.40.0.0/16, via: 198.18.0.1}]}
    eth3: {}
    eth4: {}
    others:
      match: {name: "e*p*s?*"}
      dhcp4: on
      accept-ra: true
      dhcp6: no
  bonds:
    bond0:
      interfaces: [eth3, eth4]
      parameters: {mode: active-backup, mii-monitor-interval: 100}
      addresses: [198.51.100.2/25]
      gateway4: 198.51.100.1
  vlans:
    storage: {id: 26, link: main, addresses: [203.0.113.2/29]}
    backup: {id: 27, link: bond0, dhcp4: true}
`,
    },
  },
  {
    name: 'nocloud-bridges-1',
    interfaces: [1, 2, 3].map((at) => nic(`eth${at}`, `52:54:00:00:00:0${at}`)),
    drive: {
      'meta-data': '',
      'network-config': `version: 1
config:
  - type: physical
    name: uplink
    mac_address: '52:54:00:00:00:01'
    mtu: 9000
    subnets:
      - {type: static, address: 192.0.2.10/24, gateway: 192.0.2.1, metric: 50}
  - type: physical
    name: eth3
    mac_address: '52:54:00:00:00:02'
    subnets: [{type: dhcp4, metric: 300}]
  - {type: physical, name: eth3}
  - {type: vlan, name: uplink.30, vlan_link: uplink, vlan_id: 30, mtu: 1500}
  - type: bridge
    name: br0
    bridge_interfaces: [eth3, uplink.30]
    mtu: 1450
    params: {bridge_stp: off, bridge_fd: 4, bridge_maxwait: 0}
    subnets:
      - {type: static, address: 198.51.100.2/25, routes: [{network: 10.0.0.0/8, gateway: 198.51.100.1, metric: 7}]}
  - {type: route, destination: 10.20.0.0/16, gateway: 192.0.2.254, metric: 20}
`,
    },
  },
  {
    name: 'nocloud-bridges-2',
    interfaces: [1, 2, 3, 4].map((at) => nic(`eth${at}`, `52:54:00:00:00:0${at}`, at !== 4)),
    drive: {
      'meta-data': '',
      'network-config': `version: 2
ethernets:
  first:
    match: {macaddress: '52:54:00:00:00:01'}
    set-name: outer0
    mtu: 1400
    dhcp4: true
    dhcp6: true
    dhcp4-overrides: {route-metric: 100, use-dns: false}
    dhcp6-overrides: {route-metric: 200}
  second: {match: {name: eth2}, set-name: ../evil}
  eth3: {mtu: 20}
  eth4: {}
bonds:
  bond0: {interfaces: [eth3, eth4], mtu: 1600, parameters: {mode: active-backup}}
bridges:
  br0:
    interfaces: [second, bond0, nothing]
    macaddress: 02:00:00:00:00:99
    mtu: 1500
    addresses: ['192.0.2.20/24', '2001:db8::20/64']
    routes:
      - {to: default, via: 192.0.2.1, metric: 10}
      - {to: '2001:db8:1::/48', via: '2001:db8::1', metric: 11}
      - {to: 10.0.0.0/8, via: 192.0.2.2, metric: 99999999999}
    parameters: {stp: true, forward-delay: 15}
  br1: {interfaces: []}
vlans:
  inner: {id: 40, link: br0, mtu: 1300, addresses: [203.0.113.2/29]}
`,
    },
  },
  {
    name: 'nocloud-refused',
    interfaces: [nic('eth0', '52:54:00:00:00:01'), nic('eth1', '52:54:00:00:00:02')],
    drive: {
      'meta-data': 'local-hostname: &name node\nhostname: *name\n',
      'network-config': `version: 1
config:
  - type: physical
    name: eth0
    subnets:
      - {type: static, address: "192.0.2.10/24\\nup rm -rf /"}
  - type: bridge
    name: br0
    bridge_interfaces: [eth1]
  - type: physical
    name: eth7
  - type: route
    destination: 10.0.0.0/8
    gateway: 192.0.2.1
`,
    },
  },
  {
    name: 'nocloud-broken',
    interfaces: [nic('eth0', '52:54:00:00:00:01'), nic('eth1', '52:54:00:00:00:02')],
    drive: { 'meta-data': '', 'network-config': 'version: 2\nethernets:\n  eth0:\n\tdhcp4: true\n' },
  },
];
