// The rarer ways in which a machine starts and a role comes: another DHCP server, boot media, static addresses, archives,
// rsync, kexec.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, ssh, until } from '../e2e/rig.js';
import { makeRack, type Rack } from './rack.js';

const canRun = process.getuid?.() === 0;
/** The switch sw-a1: says each second who it is, on the rack's bridge. */
const lldp = `
import socket, time
frame = bytes.fromhex('0180c200000e0200000000aa88cc' '0207040200000000aa' '040b05') + b'Ethernet17'
frame += bytes.fromhex('06020078' '0a05') + b'sw-a1' + bytes(2)
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as bridge:
    bridge.bind(('rack', 0))
    while True:
        bridge.send(frame)
        time.sleep(1)
`;
const options = (...words: string[]) => words.flatMap((word) => ['--option', word]);

describe.skipIf(!canRun)('another way', () => {
  let rack: Rack;
  let install: string;
  const servers: ChildProcess[] = [];
  const inRack = (...words: string[]) => {
    const { namespace } = rack.record();
    servers.push(spawn('ip', ['netns', 'exec', namespace, ...words], { cwd: rack.state, stdio: 'ignore' }));
  };
  const logsIn = (host: string) => until(async () => (await ssh(rack.state, host, 'true')).status === 0);
  const powersOff = async (machine: string) => {
    await until(() => rack.console(machine).includes('powering off'));
    await until(async () => {
      const { parts } = await json<{ parts: { part: string; running: boolean }[] }>(rack.state, 'lab', 'status');
      return parts.find(({ part }) => part === `machine ${machine}`)?.running === false;
    });
  };

  beforeAll(async () => {
    rack = await makeRack();
    install = join(rack.state, 'install');
    if (!existsSync(install)) {
      await json(rack.state, 'role', 'export', 'rack', 'D12-F.1.0.0', install);
      await json(rack.state, 'role', 'export', 'rack', 'D12-F.1.0.0', install, '--format', 'archive');
      mkdirSync(join(rack.state, 'rsync'));
    }
    const daemon = join(rack.state, 'rsync/conf');
    writeFileSync(daemon, `uid = 0\ngid = 0\nuse chroot = no\nreverse lookup = no\n[install]\npath = ${install}\n`);
    inRack('rsync', '--daemon', '--no-detach', '--address=10.77.0.1', `--config=${daemon}`);
    inRack('/usr/bin/python3', '-m', 'http.server', '8090', '--bind', '10.77.0.1');
    inRack('/usr/bin/python3', '-c', lldp);
  });

  afterAll(async () => {
    for (const server of servers) server.kill();
    await rack.remove();
  });

  it('boots beside a DHCP server that is not ours, takes the role from an archive, starts its kernel by kexec', async () => {
    await rack.up('--dhcp', 'proxy', ...options('ONSUCCESS=kexec', 'HSERV=10.77.0.1', 'HSERV_PORT=8090'));
    await rack.powerOn('fast', '--disk', '3');
    const { mac } = rack.machine('fast');

    await rack.becomes('fast', 'installed');

    const lab = (name: string) => readFileSync(join(rack.state, 'lab/lab', name), 'utf8');
    expect(lab('dnsmasq.conf')).toContain('dhcp-range=10.77.0.0,proxy');
    expect(lab('foreign-dhcp.leases')).toContain(mac);
    expect(lab('foreign-dhcp.conf')).not.toContain('dhcp-boot');
    const { host_name: host } = await rack.node('fast');
    await logsIn(host ?? '');
    const { stdout } = await ssh(rack.state, host ?? '', 'cat /proc/cmdline /var/lib/edeploy/conf');
    // GRUB would have named the file that it has started.
    expect(stdout).toMatch(/^root=UUID=\S+ ro quiet console=tty0 console=ttyS0,115200/);
    expect(stdout).toContain('ROLE=rack\nVERS=D12-F.1.0.0\n');
    expect(rack.console('fast')).not.toContain('kexec is not possible');
    await rack.powerOff('fast');
  });

  it('boots beside such a server by the PXE of its UEFI, without iPXE in the network card', async () => {
    await rack.up('--dhcp', 'proxy');
    await rack.powerOn('bare', '--firmware', 'uefi-pxe', '--disk', '1');

    await until(() => rack.console('bare').includes('FAILED'));

    const dhcp = readFileSync(join(rack.state, 'lab/lab/dnsmasq.log'), 'utf8');
    expect(dhcp).toMatch(/sent \S+\/snponly\.efi to 10\.77\.0\.1\d\d/);
    expect(rack.console('bare')).toContain("mirror.specs:3 ('disk', '$disk1', 'size', 'ge(3)')");
    await rack.powerOff('bare');
  });

  it('starts from a medium by UEFI, and says at the next start that it is to be taken out', async () => {
    await rack.up();
    const medium = join(rack.state, 'uefi.iso');
    const words = options('ONFAILURE=halt');
    await json(rack.state, 'netboot', 'media', '-o', medium, '--server', '10.77.0.1:8080', ...words);
    await rack.powerOn('inserted', '--firmware', 'uefi', '--disks', '2', '--disk', '3', '--medium', medium);

    await rack.becomes('inserted', 'installed');

    await powersOff('inserted');
    expect(rack.console('inserted')).toContain('take the boot medium out');
    expect(await rack.node('inserted')).toMatchObject({ state: 'installed', profile: 'mirror' });
    await rack.powerOn('inserted', '--boot', 'disk');
    const { host_name: host } = await rack.node('inserted');
    await logsIn(host ?? '');
    await rack.powerOff('inserted');
  });

  it('starts from a medium by BIOS, with a static address and the role of an rsync daemon, knows its switch, and powers off', async () => {
    await rack.up();
    const medium = join(rack.state, 'bios.iso');
    const words = options('IP=eth0:10.77.0.77/24:10.77.0.1', 'RSERV=10.77.0.1', 'ONSUCCESS=halt');
    await json(rack.state, 'netboot', 'media', '-o', medium, '--server', '10.77.0.1:8080', ...words);
    await rack.powerOn('still', '--disk', '3', '--medium', medium);

    await rack.becomes('still', 'installed');

    const { facts } = await rack.node('still');
    const heard = facts.filter(([kind]) => kind === 'lldp');
    expect(heard.map((fact) => fact.slice(1))).toEqual([
      ['eth0', 'chassis/mac', '02:00:00:00:00:aa'],
      ['eth0', 'port/ifname', 'Ethernet17'],
      ['eth0', 'chassis/name', 'sw-a1'],
    ]);
    expect(rack.console('still')).toContain('eth0 has 10.77.0.77/24');
    expect(rack.console('still')).not.toContain('boot.ipxe');
    expect(rack.console('still')).toMatch(/copied \d+ %/);
    await powersOff('still');
    await rack.powerOn('still', '--boot', 'disk');
    const { host_name: host } = await rack.node('still');
    await logsIn(host ?? '');
    const { stdout } = await ssh(rack.state, host ?? '', 'grep RSERV= /var/lib/edeploy/conf');
    expect(stdout).toBe('RSERV=10.77.0.1\n');
    await rack.powerOff('still');
  });
});
