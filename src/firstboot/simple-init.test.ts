import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { recordToConfigDrive } from './config-drive.js';

const program = 'elements/simple-init/static/simple-init/simple-init.sh';
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh8 operator@control';
let directory: string;
let root: string;
let script: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'simple-init-'));
  script = join(directory, 'stackwright-firstboot.js');
  expect(spawnSync(process.execPath, ['scripts/build-firstboot.mjs', script]).status).toBe(0);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeEach(() => {
  root = mkdtempSync(join(directory, 'root-'));
  write('etc/os-release', 'NAME="Debian"\nID=debian\n');
  for (const [at, name] of ['eth0', 'eth1'].entries()) {
    write(`sys/class/net/${name}/address`, `52:54:00:00:00:0${at + 1}\n`);
    write(`sys/class/net/${name}/addr_assign_type`, '0\n');
    write(`sys/class/net/${name}/ifindex`, `${at + 2}\n`);
    write(`sys/class/net/${name}/carrier`, '1\n');
  }
});

test('the record that an installation left is applied, and a second boot changes nothing', () => {
  leaveRecord('var/lib/stackwright/config-drive');
  write('root/.ssh/authorized_keys', 'ssh-rsa AAAAB3 earlier');

  const first = boot();
  const before = snapshot();
  const second = boot();

  expect(first.status).toBe(0);
  expect(read('etc/systemd/network/eth0.network')).toContain('Address=10.1.2.3/24');
  expect(read('etc/systemd/network/eth1.network')).toContain('DHCP=yes');
  expect(read('etc/hostname')).toBe('web-1\n');
  expect(read('etc/hosts')).toBe('127.0.0.1 localhost\n10.1.2.3 web-1\n');
  expect(readdirSync(join(root, 'run/stackwright'))).toEqual(
    expect.arrayContaining(['firstboot.done', 'seen-2', 'seen-3']),
  );
  expect(read('etc/resolv.conf')).toBe('nameserver 10.1.2.1\n');
  expect(read('root/.ssh/authorized_keys')).toBe(
    `ssh-rsa AAAAB3 earlier\n# Injected key operator by keypair extension\n${key}\n`,
  );
  expect(statSync(join(root, 'root/.ssh/authorized_keys')).mode & 0o777).toBe(0o600);
  expect(second.stdout).not.toContain('wrote');
  expect(snapshot()).toEqual(before);
});

test('ifupdown is written for where ifup is there, and an interface that is configured is left alone', () => {
  leaveRecord('mnt/config');
  write('sbin/ifup', '', 0o755);
  write('etc/network/interfaces', '# mine\nauto lo\niface lo inet loopback\n\nauto eth1\niface eth1 inet manual\n');

  boot();

  expect(read('etc/network/interfaces')).toBe(
    '# mine\nauto lo\niface lo inet loopback\n\nauto eth1\niface eth1 inet manual\nsource /etc/network/interfaces.d/*.cfg\n',
  );
  expect(readdirSync(join(root, 'etc/network/interfaces.d'))).toEqual(['eth0.cfg']);
});

test('a broken drive means DHCP on all interfaces, and says why', () => {
  write('mnt/config/openstack/latest/network_data.json', '{"links": [\n');

  const { stdout } = boot();

  expect(stdout).toContain('network_data.json:2:1 cannot be read: the file ends too early');
  expect(read('etc/systemd/network/eth0.network')).toContain('DHCP=yes');
  expect(read('etc/systemd/network/eth1.network')).toContain('DHCP=yes');
});

test('a NoCloud drive is read where there is no config drive', () => {
  write('mnt/config/meta-data', `local-hostname: web_1\npublic-keys: [${key}]\n`);
  write('mnt/config/network-config', 'version: 2\nethernets:\n  eth0: {addresses: [10.1.2.3/24]}\n');

  boot();

  expect(read('etc/systemd/network/eth0.network')).toContain('Address=10.1.2.3/24');
  expect(read('etc/systemd/network/eth1.network')).toContain('DHCP=yes');
  expect(read('etc/hostname')).toBe('web-1\n');
  expect(read('root/.ssh/authorized_keys')).toBe(`# Injected key nocloud by keypair extension\n${key}\n`);
});

test.each([
  ['debian', 'etc/systemd/network/eth0.network', '[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n'],
  ['fedora', 'etc/sysconfig/network-scripts/ifcfg-eth0', 'DEVICE=eth0\nBOOTPROTO=dhcp\nONBOOT=yes\n'],
  ['opensuse-leap', 'etc/sysconfig/network/ifcfg-eth0', 'BOOTPROTO=dhcp\nSTARTMODE=auto\n'],
  ['gentoo', 'etc/conf.d/net.eth0', 'config_eth0="dhcp"\n'],
])('where the renderer does not run, all interfaces of %s get DHCP', (id, file, content) => {
  write('etc/os-release', `ID=${id}\n`);

  const { stdout, stderr } = boot({ SIMPLE_INIT_SCRIPT: '/nonexistent.js' });

  expect(stdout + stderr).toContain("cannot open file '/nonexistent.js'");
  expect(read(file)).toBe(content);
});

test.each(['config-2', 'CONFIG-2', 'Config-2'])('a device with the label %s is mounted read-only', (label) => {
  leaveRecord('device');
  write(`dev/disk/by-label/${label}`, '');
  write('bin/mount', `#!/bin/sh\necho "$@" > ${root}/mounted\ncp -R ${root}/device/. "$4"\n`, 0o755);

  boot({ PATH: `${root}/bin:${process.env.PATH}` });

  expect(read('mounted')).toBe(`-o ro,nosuid,nodev,noexec ${root}/dev/disk/by-label/${label} ${root}/mnt/config\n`);
  expect(read('etc/hostname')).toBe('web-1\n');
});

test('a drive that cannot be mounted, or has nothing to read, is named, and another one is taken', () => {
  write('dev/disk/by-label/config-2', '');
  write('dev/disk/by-label/CIDATA', '');
  write('bin/mount', `#!/bin/sh\ncase $3 in *CIDATA) exit 0 ;; esac\necho "wrong fs type" >&2\nexit 32\n`, 0o755);
  write('bin/umount', '#!/bin/sh\n', 0o755);

  const { stdout } = boot({ PATH: `${root}/bin:${process.env.PATH}` });

  expect(stdout).toContain(`the drive ${root}/dev/disk/by-label/config-2 cannot be mounted: wrong fs type\n`);
  expect(stdout).toContain(`the drive ${root}/dev/disk/by-label/CIDATA has neither openstack/latest nor meta-data\n`);
  expect(stdout).toContain('no config drive: DHCP on all interfaces\n');
  expect(read('etc/systemd/network/eth0.network')).toContain('DHCP=yes');
});

test('udev is waited for until the drive is there and each interface that it names', () => {
  leaveRecord('mnt/config');
  write('run/udev/control', '');
  write('sys/class/net/eth0/ifindex', '2\n');
  write('sys/class/net/eth1/ifindex', '3\n');
  // The interface that the drive names is known after the second time, the other one never.
  const settle = `echo "$@" >> ${root}/settled; [ "$(wc -l < ${root}/settled)" -lt 2 ] || touch ${root}/run/udev/data/n2`;
  write('bin/udevadm', `#!/bin/sh\nmkdir -p ${root}/run/udev/data\n${settle}\nexit 1\n`, 0o755);

  boot({ PATH: `${root}/bin:${process.env.PATH}` });

  expect(read('settled')).toBe('settle --timeout=1\nsettle --timeout=1\n');
  expect(readdirSync(join(root, 'etc/systemd/network'))).toEqual(['eth0.network']);
});

test('an interface without carrier is waited for and then skipped', () => {
  write('sys/class/net/eth1/carrier', '0\n');

  const { stdout } = boot({ SIMPLE_INIT_CARRIER_WAIT: '1' });

  expect(stdout).toContain('interface eth1 (52:54:00:00:00:02) is skipped: it has no carrier');
  expect(readdirSync(join(root, 'etc/systemd/network'))).toEqual(['eth0.network']);
});

test('an interface is renamed by udev, and has its configuration under the new name', () => {
  write('mnt/config/network-config', uplink);
  write('sys/class/net/eth0/flags', '0x1003\n');
  // udev renames what is down, as its .link file says.
  const name = `sed -n s/^Name=//p ${root}/etc/systemd/network/50-uplink.link`;
  const rename = `[ "$(cat "$3/flags")" = 4098 ] && mv "$3" "${root}/sys/class/net/$(${name})"`;
  write('bin/udevadm', `#!/bin/sh\n[ "$1" != trigger ] || { ${rename}; }\n`, 0o755);

  const { stdout } = boot({ PATH: `${root}/bin:${process.env.PATH}` });

  expect(stdout).toContain('eth0 is uplink now\n');
  expect(read('sys/class/net/uplink/flags')).toBe('4099\n');
  expect(read('etc/systemd/network/50-uplink.link')).toContain('PermanentMACAddress=52:54:00:00:00:01\n');
  expect(readdirSync(join(root, 'etc/systemd/network'))).toEqual(['50-uplink.link', 'eth1.network', 'uplink.network']);
});

test('an interface that cannot be renamed has its configuration under both names', () => {
  write('mnt/config/network-config', uplink);
  write('bin/udevadm', '#!/bin/sh\n', 0o755);

  const { stdout } = boot({ PATH: `${root}/bin:${process.env.PATH}` });

  expect(stdout).toContain('eth0 keeps its name until the next boot\n');
  expect(read('etc/systemd/network/eth0.network')).toContain('Address=10.1.2.3/24');
  expect(read('etc/systemd/network/uplink.network')).toContain('Address=10.1.2.3/24');
});

test('one interface that appeared later is configured alone, with or without carrier', () => {
  leaveRecord('mnt/config');
  write('sys/class/net/eth1/carrier', '0\n');

  boot({}, '--interface', 'eth1');

  expect(readdirSync(join(root, 'etc/systemd/network'))).toEqual(['eth1.network']);
  expect(existsSync(join(root, 'etc/hostname'))).toBe(false);
});

test("DHCP's DNS servers reach resolv.conf, but never over those of the drive", () => {
  write('run/systemd/netif/state', 'OPER_STATE=routable\nDNS=10.0.2.3 2001:db8::53\nDOMAINS=example.com\n');
  symlinkSync('/run/nowhere', join(root, 'etc/resolv.conf'));

  boot({}, '--resolv');
  const dynamic = read('etc/resolv.conf');
  write('etc/resolv.conf', 'nameserver 192.0.2.1\n');
  boot({}, '--resolv');

  expect(dynamic).toBe(
    '# From DHCP by stackwright-firstboot\nnameserver 10.0.2.3\nnameserver 2001:db8::53\nsearch example.com\n',
  );
  expect(read('etc/resolv.conf')).toBe('nameserver 192.0.2.1\n');
});

const uplink = `version: 2
ethernets:
  first: {match: {macaddress: '52:54:00:00:00:01'}, set-name: uplink, addresses: [10.1.2.3/24]}
`;

function boot(env: Record<string, string> = {}, ...args: string[]) {
  return spawnSync('sh', [program, ...args], {
    encoding: 'utf8',
    env: { ...process.env, SIMPLE_INIT_ROOT: root, SIMPLE_INIT_SCRIPT: script, ...env },
  });
}

function leaveRecord(place: string): void {
  const variables = {
    mac: '52:54:00:00:00:01',
    ip: '10.1.2.3/24',
    gateway: '10.1.2.1',
    dns: '10.1.2.1',
    hostname: 'web-1',
  };
  const files = recordToConfigDrive({ variables, operatorKey: key });
  for (const [path, content] of Object.entries(files)) write(`${place}/${path}`, content);
}

function write(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function snapshot(): Record<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /^(?:etc|root)\//.test(name));
  const files = names.filter((name) => statSync(join(root, name)).isFile());
  return Object.fromEntries(files.sort().map((name) => [name, `${statSync(join(root, name)).mtimeMs} ${read(name)}`]));
}
