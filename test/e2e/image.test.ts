// Disk images and ramdisks from elements, booted: each also with another drive, or none, for the first boot.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { writeDrive } from '../../src/firstboot/index.js';
import { consoleUntil, driveOf, type Login, type Machine, withLogin, withMachine } from './machine.js';
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
    await writeDrive({ 'openstack/latest/network_data.json': '{"links": [\n' }, drive, 'vfat');
    const why = 'network_data.json:2:1 cannot be read: the file ends too early';

    await booted('bios', 'broken', driveOf(drive), '10.0.2.15', 'image', async ({ run }, machine) => {
      const [addresses = '', journal] = await run('hostname -I', 'journalctl -u stackwright-firstboot -o cat');
      expect(addresses.split(' ')).toEqual(expect.arrayContaining(dhcp));
      expect(journal).toContain(why);
      expect(machine.console()).toContain(why);
    });
  });

  it('starts from UEFI, with the name, the key and the address of a NoCloud drive', async () => {
    await build('efi', 'qcow2', [...elements, 'block-device-efi']);
    const drive = join(state, 'nocloud.iso');
    write(
      'network-config',
      `version: 2
ethernets:
  uplink:
    match: {macaddress: 52:54:00:aa:00:01}
    addresses: [10.0.2.41/24]
    gateway4: 10.0.2.2
`,
    );
    const files = ['--host-name', 'web', '--network', join(state, 'network-config')];
    await json(state, 'config-drive', 'build', '--nocloud', ...files, '--key', `${key('drive')}.pub`, '-o', drive);

    const firmware = ['-drive', `if=pflash,format=raw,readonly=on,file=${OVMF}`];
    await booted('efi', 'nocloud', [...firmware, ...driveOf(drive)], '10.0.2.41', 'drive', async ({ run }) => {
      const [name, addresses = ''] = await run('hostname', 'hostname -I');
      expect(name).toBe('web\n');
      expect(addresses.split(' ')).toEqual(expect.arrayContaining(['10.0.2.41', '10.0.3.15']));
    });
  });

  it('has glean of a git repository where that is wanted', async () => {
    const repository = { DIB_REPOLOCATION_glean: makeRepository(), DIB_REPOREF_glean: 'wanted' };

    const output = await buildGlean('repo', repository);

    await expectGlean(output, 'the branch wanted');
    expect(readFileSync(join(output, 'etc/modules'), 'utf8')).toContain('8021q');
    expect(existsSync(join(output, 'usr/local/sbin/simple-init.sh'))).toBe(false);
  });

  it('has the latest glean of a package index where that is wanted', async () => {
    const index = await serveRelease();

    const output = await buildGlean('source', {
      PIP_INDEX_URL: `http://127.0.0.1:${(index.address() as AddressInfo).port}`,
    });

    index.close();
    await expectGlean(output, 'the index');
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
    const [disk, console] = [join(state, `${image}.qcow2`), join(state, `${name}.console`)];
    await withLogin({ disk, console, address, key: key(keyName) }, devices, use);
  }

  async function buildGlean(type: string, how: NodeJS.ProcessEnv): Promise<string> {
    const output = join(state, `glean-${type}`);
    await run(
      join(packageRoot(), 'bin/stackwright'),
      ['image', 'build', 'debian-minimal', 'simple-init', '-o', output],
      { env: { STACKWRIGHT_STATE: state, DIB_INSTALLTYPE_simple_init: type, ...how }, timeout: 900 },
    );
    return output;
  }

  async function expectGlean(output: string, from: string): Promise<void> {
    expect((await run('chroot', [output, '/usr/local/bin/glean'])).stdout).toBe(`glean of ${from}\n`);
    expect(readFileSync(join(output, 'usr/lib/systemd/system/glean@.service'), 'utf8')).toContain('glean.sh');
  }

  /** A repository as glean's: built by pbr, which asks git for the files of the package. */
  function makeRepository(): string {
    const named = ['-c', 'user.name=A', '-c', 'user.email=a@example.com'];
    const git = (...words: string[]) => execFileSync('git', ['-C', join(state, 'glean'), ...named, ...words]);
    write('glean/setup.py', "import setuptools\n\nsetuptools.setup(setup_requires=['pbr'], pbr=True)\n");
    const metadata = '[metadata]\nname = glean\nsummary = stands for glean\n';
    const scripts = '[files]\npackages = glean\nscripts = glean/init/glean.sh\n';
    write(
      'glean/setup.cfg',
      `${metadata}\n${scripts}\n[entry_points]\nconsole_scripts =\n    ${points.join('\n    ')}\n`,
    );
    for (const branch of ['master', 'wanted']) {
      writeGlean('glean', `the branch ${branch}`);
      if (branch === 'master') git('init', '--quiet', '--initial-branch=master');
      else git('checkout', '--quiet', '-b', branch);
      git('add', '.');
      git('commit', '--quiet', '-m', branch);
    }
    git('checkout', '--quiet', 'master');
    return join(state, 'glean');
  }

  /** A package index with a release of glean. */
  async function serveRelease(): Promise<Server> {
    writeGlean('release/glean-9', 'the index');
    const files = "packages=['glean'], package_data={'glean': ['init/*']}, scripts=['glean/init/glean.sh']";
    const starts = `entry_points={'console_scripts': ${JSON.stringify(points)}}`;
    const setup = `import setuptools\n\nsetuptools.setup(name='glean', version='9', ${files}, ${starts})\n`;
    write('release/glean-9/setup.py', setup);
    const name = 'glean-9.tar.gz';
    await run('tar', ['-C', join(state, 'release'), '-czf', join(state, name), 'glean-9']);
    const server = createServer(({ url }, answer) => {
      if (url === `/glean/${name}`) return answer.end(readFileSync(join(state, name)));
      answer.writeHead(url === '/glean/' ? 200 : 404, { 'content-type': 'text/html' });
      return answer.end(`<!DOCTYPE html><html><body><a href="${name}">${name}</a></body></html>`);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return server;
  }

  /** Stands for glean: says where it is from, and installs a unit. */
  function writeGlean(directory: string, from: string): void {
    const file = (name: string, text: string, mode?: number) => write(join(directory, 'glean', name), text, mode);
    const unit = "os.path.join(os.path.dirname(__file__), 'init', 'glean@.service')";
    const install = `shutil.copy(${unit}, '/usr/lib/systemd/system')`;
    file('__init__.py', '');
    file('cmd.py', `def main():\n    print('glean of ${from}')\n`);
    file('install.py', `import os\nimport shutil\n\n\ndef main():\n    ${install}\n`);
    file('init/glean.sh', '#!/bin/sh\nexec glean\n', 0o755);
    file('init/glean@.service', '[Service]\nExecStart=/usr/local/bin/glean.sh\n');
  }
});

const points = ['glean = glean.cmd:main', 'glean-install = glean.install:main'];

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
