// What first boots do that is rarer than an address: bonds, bridges and names, by ifupdown and by systemd-networkd, and an
// interface that is plugged in while the machine runs.
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { driveOf, type Login, type Machine, withLogin } from '../e2e/machine.js';
import { json, makeState, removeState, until } from '../e2e/rig.js';

const elements = ['debian-minimal', 'vm', 'enable-serial-console', 'openssh-server', 'simple-init'];
const [first, second, third] = [1, 2, 3].map((at) => `52:54:00:aa:00:0${at}`);

describe.skipIf(process.getuid?.() !== 0)('a first boot', () => {
  let state: string;

  beforeAll(async () => {
    state = makeState();
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(state, 'key')]);
    write(
      'elements/ifupdown/package-installs.yaml',
      ['ifupdown', 'ifenslave', 'vlan', 'isc-dhcp-client', ''].join(':\n'),
    );
  });

  afterAll(() => removeState(state));

  it('makes a bond with a VLAN by ifupdown, and configures an interface that is plugged in later', async () => {
    await build('ifupdown', 'ifupdown');
    const drive = await makeDrive('network_data.json', JSON.stringify(bond));

    await booted('ifupdown', drive, '10.0.2.43', async ({ run }) => {
      const [state = '', addresses, route] = await run('cat /proc/net/bonding/bond0', 'hostname -I', 'ip route');
      expect(state).toContain('Bonding Mode: fault-tolerance (active-backup)');
      expect(state.match(/Permanent HW addr: \S+/g)).toEqual([first, second].map((mac) => `Permanent HW addr: ${mac}`));
      expect(addresses?.split(' ')).toEqual(expect.arrayContaining(['10.0.2.43', '192.0.2.43']));
      expect(route).toMatch(/^default via 10\.0\.2\.2 dev bond0/m);
    });
  });

  it('names an interface and makes a bridge by systemd-networkd, and configures one that is plugged in later', async () => {
    await build('networkd');
    const drive = await makeDrive('network-config', cloudConfig, '--nocloud');

    await booted('networkd', drive, '10.0.2.44', async ({ run }) => {
      const [links, mtu, ports, addresses, routes, again] = await run(
        'ls /sys/class/net',
        'cat /sys/class/net/uplink/mtu',
        'ls /sys/class/net/br0/brif',
        'hostname -I',
        'cat /proc/net/route',
        'udevadm test-builtin net_setup_link /sys/class/net/uplink 2>&1',
      );
      expect(links?.split('\n')).toEqual(expect.arrayContaining(['br0', 'uplink']));
      expect(mtu).toBe('1400\n');
      expect(ports?.trim().split('\n')).toHaveLength(1);
      expect(addresses?.split(' ')).toEqual(expect.arrayContaining(['10.0.2.44', '10.0.3.15']));
      // Destination 0, gateway 10.0.2.2, flags, use, metric.
      expect(routes).toMatch(/^uplink\t00000000\t0202000A\t\d+\t\d+\t\d+\t77\t/m);
      expect(again).toContain('ID_NET_NAME=uplink');
    });
  });

  async function build(name: string, ...more: string[]): Promise<void> {
    const path = ['--elements-path', join(state, 'elements')];
    await json(state, 'image', 'build', ...elements, ...more, '-t', 'qcow2', '-o', join(state, name), ...path);
  }

  function write(name: string, text: string): void {
    mkdirSync(dirname(join(state, name)), { recursive: true });
    writeFileSync(join(state, name), text);
  }

  async function makeDrive(name: string, network: string, ...flags: string[]): Promise<string> {
    write(name, network);
    const drive = join(state, `${name}.iso`);
    const words = ['--network', join(state, name), '--key', join(state, 'key.pub'), '-o', drive, ...flags];
    await json(state, 'config-drive', 'build', ...words);
    return drive;
  }

  /** Looks at the machine, then plugs another interface in, whose network's DHCP server gives 10.0.4.15. */
  async function booted(image: string, drive: string, address: string, look: (login: Login) => Promise<void>) {
    const monitor = join(state, `${image}.monitor`);
    const late = ['-device', 'pcie-root-port,id=late,chassis=1', '-netdev', 'user,id=late,net=10.0.4.0/24'];
    const devices = [...driveOf(drive), ...late, '-monitor', `unix:${monitor},server,nowait`];
    const way = { disk: join(state, `${image}.qcow2`), console: join(state, `${image}.console`), address };
    await withLogin({ ...way, key: join(state, 'key') }, devices, async (login, machine) => {
      await look(login);

      await order(monitor, `device_add virtio-net-pci,netdev=late,bus=late,mac=${third}`);

      await until(async () => hasAddress(login, machine, '10.0.4.15'), 3);
    });
  }
});

async function hasAddress(login: Login, machine: Machine, address: string): Promise<boolean> {
  if (machine.ended()) throw new Error('the machine has ended');
  const [addresses = ''] = await login.run('hostname -I');
  return addresses.split(' ').includes(address);
}

/** Gives an order to QEMU. */
async function order(monitor: string, line: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect(monitor, () => socket.write(`${line}\n`, () => socket.end()));
    socket.on('error', reject).on('close', () => resolve());
    socket.resume();
  });
}

const bond = {
  links: [
    { id: 'port1', type: 'phy', ethernet_mac_address: first },
    { id: 'port2', type: 'phy', ethernet_mac_address: second },
    { id: 'bond0', type: 'bond', bond_links: ['port1', 'port2'], bond_mode: 'active-backup', bond_miimon: 100 },
    { id: 'tagged', type: 'vlan', vlan_link: 'bond0', vlan_id: 25 },
  ],
  networks: [
    {
      id: 'ipv4',
      link: 'bond0',
      type: 'ipv4',
      ip_address: '10.0.2.43/24',
      routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.2.2' }],
    },
    { id: 'tagged', link: 'tagged', type: 'ipv4', ip_address: '192.0.2.43/24', routes: [] },
  ],
};

const cloudConfig = `version: 2
ethernets:
  outside:
    match: {macaddress: ${first}}
    set-name: uplink
    mtu: 1400
    addresses: [10.0.2.44/24]
    routes: [{to: default, via: 10.0.2.2, metric: 77}]
  inside:
    match: {macaddress: ${second}}
bridges:
  br0: {interfaces: [inside], dhcp4: true, parameters: {stp: false}}
`;
