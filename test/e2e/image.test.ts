// Disk images and ramdisks from elements, booted: each also with another drive, or none, for the first boot.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { buildConfigDrive } from '../../src/firstboot/index.js';
import { consoleUntil, freePort, type Login, login, type Machine, withMachine } from './machine.js';
import { json, leftovers, makeState, removeState } from './rig.js';

const OVMF = '/usr/share/OVMF/OVMF_CODE_4M.fd';
const elements = ['debian-minimal', 'vm', 'enable-serial-console', 'openssh-server', 'simple-init', 'operator'];
/** The addresses that QEMU's DHCP servers give to the two interfaces. */
const dhcp = ['10.0.2.15', '10.0.3.15'];

interface Built {
  outputs: { format: string; path: string }[];
}

describe.skipIf(process.getuid?.() !== 0)('an image', () => {
  let state: string;

  beforeAll(async () => {
    state = makeState();
    // One key is in the image, another one comes with drives.
    for (const name of ['image', 'drive']) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key(name)]);
    const place = 'install -d -m 0700 /root/.ssh\ncat > /root/.ssh/authorized_keys';
    element('operator', 'install.d/50-key', `#!/bin/sh\n${place} << KEY\n${publicKey('image')}\nKEY\n`, 0o755);
  });

  afterAll(() => removeState(state));

  it('starts from a BIOS, in every format of a disk, and gets DHCP on two interfaces where there is no drive', async () => {
    const { outputs } = await build('bios', 'qcow2,raw', elements);

    expect(outputs.map(({ format }) => format).sort()).toEqual(['qcow2', 'raw']);
    for (const { format, path } of outputs)
      await run('qemu-img', ['check', '-f', format, path], { okStatuses: [0, 63] });
    await booted('bios', 'nothing', [], '10.0.2.15', 'image', async ({ run }, machine) => {
      const [addresses = '', hostKeys] = await run('hostname -I', 'ls /etc/ssh');
      expect(addresses.split(' ')).toEqual(expect.arrayContaining(dhcp));
      expect(hostKeys).toContain('ssh_host_ed25519_key.pub');
      expect(await consoleUntil(machine, 'login:')).toContain('no config drive: DHCP on all interfaces');
    });
  });

  it('has the name, the keys, and the IPv4, IPv6 and VLAN addresses of a config drive', async () => {
    const drive = join(state, 'drive.iso');
    write('meta_data.json', JSON.stringify({ name: 'node_1.example.com' }));
    write('network_data.json', JSON.stringify(network));
    const files = ['--metadata', join(state, 'meta_data.json'), '--network', join(state, 'network_data.json')];
    await json(state, 'config-drive', 'build', ...files, '--key', `drive=${key('drive')}.pub`, '-o', drive);

    await booted('bios', 'config', driveOf(drive), '10.0.2.40', 'drive', async ({ run }) => {
      const [name, addresses = '', vlans, keys, again] = await run(
        'hostname',
        'hostname -I',
        'cat /proc/net/vlan/config',
        'cat /root/.ssh/authorized_keys',
        '/usr/local/sbin/simple-init.sh',
      );
      expect(name).toBe('node-1.example.com\n');
      expect(addresses.split(' ')).toEqual(expect.arrayContaining(['10.0.2.40', '2001:db8::40', '192.0.2.40']));
      expect(vlans).toMatch(/\| 25 +\| \S+$/m);
      expect(keys).toBe(`${publicKey('image')}\n# Injected key drive by keypair extension\n${publicKey('drive')}\n`);
      expect(again).not.toContain('wrote');
    });
  });

  it('gets DHCP with a broken drive, and says why on the console and in the journal', async () => {
    const drive = join(state, 'broken.img');
    await buildConfigDrive({ 'openstack/latest/network_data.json': '{"links": [\n' }, drive, 'vfat');
    const why = 'network_data.json:2:1 cannot be read: the file ends too early';

    await booted('bios', 'broken', driveOf(drive), '10.0.2.15', 'image', async ({ run }, machine) => {
      const [addresses = '', journal] = await run('hostname -I', 'journalctl -u stackwright-firstboot -o cat');
      expect(addresses.split(' ')).toEqual(expect.arrayContaining(dhcp));
      expect(journal).toContain(why);
      expect(machine.console()).toContain(why);
    });
  });

  it('starts to a login prompt from UEFI', async () => {
    await build('efi', 'qcow2', [...elements, 'block-device-efi']);

    const disk = ['-drive', `if=virtio,file=${join(state, 'efi')}.qcow2,format=qcow2,snapshot=on`];
    const firmware = ['-drive', `if=pflash,format=raw,readonly=on,file=${OVMF}`];
    const console = await withMachine(join(state, 'efi.console'), [...firmware, ...disk], (machine) =>
      consoleUntil(machine, 'login:'),
    );
    expect(console).toContain('login:');
  });

  it('is a ramdisk that runs the fragments of elements in their order, and has a shell where one fails', async () => {
    element('probe', 'init.d/50-probe', 'GREETING="hello from $(uname -s)"\n');
    element('probe', 'init.d/60-say', 'echo "$GREETING on $(ip -4 -o address show dev "$BOOT_INTERFACE")"\n');
    element('probe', 'init.d/70-fail', 'exit 3\n');
    const output = join(state, 'probe');

    await run(join(packageRoot(), 'bin/ramdisk-image-create'), ['-o', output, 'debian-minimal', 'probe'], {
      env: { ELEMENTS_PATH: join(state, 'elements'), STACKWRIGHT_STATE: state },
      timeout: 900,
    });

    const boot = ['-kernel', `${output}.kernel`, '-initrd', `${output}.initramfs`];
    const words = ['-append', 'console=ttyS0 BOOTIF=01-52-54-00-aa-00-01'];
    const network = ['-nic', 'user,model=virtio,mac=52:54:00:aa:00:01'];
    const console = await withMachine(join(state, 'probe.console'), [...boot, ...words, ...network], (machine) =>
      consoleUntil(machine, 'a shell; the ramdisk goes on'),
    );
    expect(console).toMatch(/^hello from Linux on .*inet 10\.0\.2\.15\/24/m);
    expect(console).toContain('init has ended with status 3');
  });

  it('leaves nothing behind', () => {
    expect(leftovers(state, 'none').filter((line) => !line.includes('postgres'))).toEqual([]);
  });

  function build(name: string, formats: string, names: string[]): Promise<Built> {
    const path = ['--elements-path', join(state, 'elements')];
    return json<Built>(state, 'image', 'build', ...names, '-t', formats, '-o', join(state, name), ...path);
  }

  function write(name: string, text: string, mode = 0o644): void {
    const path = join(state, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  }

  function element(name: string, file: string, text: string, mode = 0o644): void {
    write(join('elements', name, file), text, mode);
  }

  function key(name: string): string {
    return join(state, `key-${name}`);
  }

  function publicKey(name: string): string {
    return readFileSync(`${key(name)}.pub`, 'utf8').trim();
  }

  /** A machine with two interfaces, once root can log in at an address with a key. */
  async function booted(
    image: string,
    name: string,
    devices: string[],
    address: string,
    keyName: string,
    use: (login: Login, machine: Machine) => Promise<void>,
  ): Promise<void> {
    const port = await freePort();
    const disk = ['-drive', `if=virtio,file=${join(state, image)}.qcow2,format=qcow2,snapshot=on`];
    const forward = `hostfwd=tcp:127.0.0.1:${port}-${address}:22`;
    const first = ['-nic', `user,model=virtio,mac=52:54:00:aa:00:01,${forward}`];
    const second = ['-nic', 'user,model=virtio,mac=52:54:00:aa:00:02,net=10.0.3.0/24'];
    await withMachine(join(state, `${name}.console`), [...disk, ...devices, ...first, ...second], async (machine) =>
      use(await login(port, key(keyName)), machine),
    );
  }
});

const network = {
  links: [
    { id: 'first', type: 'phy', ethernet_mac_address: '52:54:00:aa:00:01' },
    { id: 'second', type: 'phy', ethernet_mac_address: '52:54:00:aa:00:02' },
    { id: 'tagged', type: 'vlan', vlan_link: 'second', vlan_id: 25, vlan_mac_address: '52:54:00:aa:00:25' },
  ],
  networks: [
    {
      id: 'ipv4',
      link: 'first',
      type: 'ipv4',
      ip_address: '10.0.2.40',
      netmask: '255.255.255.0',
      routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.2.2' }],
    },
    { id: 'ipv6', link: 'first', type: 'ipv6', ip_address: '2001:db8::40', netmask: '64', routes: [] },
    { id: 'tagged', link: 'tagged', type: 'ipv4', ip_address: '192.0.2.40', netmask: '255.255.255.0', routes: [] },
  ],
};

/** A drive as a machine's second disk. */
function driveOf(file: string): string[] {
  return ['-drive', `if=virtio,format=raw,readonly=on,file=${file}`];
}
