// A rack of several machines at once, of two profiles, over BIOS and UEFI; what goes wrong in one, and what must not.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, ssh, until } from '../e2e/rig.js';
import { makeRack, type Node, type Rack } from './rack.js';

const canRun = process.getuid?.() === 0;
const flags = ['--machines', '2', '--silence', '120'];

describe.skipIf(!canRun)('a rack', () => {
  let rack: Rack;

  beforeAll(async () => {
    rack = await makeRack(...flags);
  });

  afterAll(() => rack.remove());

  it('installs machines of two profiles at once, one by UEFI on RAID and LVM, through a kill -9 of the server', async () => {
    await rack.powerOn('wide', '--firmware', 'uefi', '--disks', '2', '--disk', '3');
    await rack.powerOn('tiny', '--disk', '1');
    await rack.powerOn('node2', '--disk', '3');
    await rack.powerOn('node1', '--disk', '3');
    await until(() => rack.console('tiny').includes('FAILED'));
    await rack.powerOff('tiny');

    // Pulled in the middle of the copy; nobody hears of it again.
    await until(() => /copied \d+ %/.test(rack.console('node2')));
    await rack.powerOff('node2');
    await until(() => /copied \d+ %/.test(rack.console('wide')));
    process.kill(rack.record().server.pid, 'SIGKILL');
    await rack.up(...flags);

    await rack.becomes('wide', 'installed');
    await rack.becomes('node1', 'installed');
    expect(await rack.node('wide')).toMatchObject({ profile: 'mirror', role: 'rack', host_name: 'mirror1' });
    expect(await rack.node('node1')).toMatchObject({ profile: 'plain', role: 'rack' });
  });

  it('tells of the copy in percent', async () => {
    const { events } = await rack.node('wide');

    const copies = events.filter(
      ({ code, message }) => code === 'server.machine.progress' && / copy \d+ %/.test(message),
    );
    expect(copies.length).toBeGreaterThan(2);
  });

  it('leaves a machine that matches nothing alone, and shows why', async () => {
    const spec = "plain.specs:2 ('disk', '$disk', 'size', 'ge(2)')";

    const machine = await rack.node('tiny');

    expect(machine).toMatchObject({ state: 'discovered', profile: null });
    expect(machine.reason).toContain(spec);
    expect(rack.console('tiny')).toContain(spec);
  });

  it('ends a UEFI machine’s network boot after its installation on its own disk: mirrored, with swap', async () => {
    await until(() => rack.console('wide').includes('Installed: starting from the first disk'));
    await until(async () => (await ssh(rack.state, 'mirror1', 'true')).status === 0);

    const { stdout } = await ssh(
      rack.state,
      'mirror1',
      [
        'hostname',
        'findmnt --noheadings --output SOURCE,FSTYPE /',
        'grep -c "active raid1" /proc/mdstat',
        'swapon --noheadings --show=TYPE',
        'findmnt --noheadings --output FSTYPE /boot/efi',
        'ip -4 -o address show scope global | tr -s " " | cut -d " " -f 4',
      ].join('; '),
    );

    const lines = stdout.trim().split('\n');
    expect(lines.map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      'mirror1',
      '/dev/mapper/vg0-root ext4',
      '1',
      'partition',
      'vfat',
      '10.77.0.31/24',
    ]);
    await rack.powerOff('wide');
  });

  it('fails a machine whose power was pulled, and installs it at the second try when it is released', async () => {
    await until(async () => (await rack.node('node2')).state === 'failed');
    const failed = await rack.node('node2');
    expect(failed.reason).toContain('nothing was heard of it for 120 s');

    rack.listen('node2');
    await json(rack.state, 'node', 'release', failed.identity);
    await json(rack.state, 'node', 'power', 'cycle', failed.identity, '--boot', 'pxe');

    await rack.becomes('node2', 'installed');
    expect(await rack.node('node2')).toMatchObject({ profile: 'plain', host_name: failed.host_name });
  });

  it('starts a machine by its BMC from the network by accident: it ends on its disk, as its Python script made it', async () => {
    const { identity, host_name: host, address } = await rack.node('node2');
    await json(rack.state, 'node', 'power', 'off', identity);
    await json(rack.state, 'node', 'power', 'on', identity, '--boot', 'pxe');

    await until(() => rack.console('node2').includes('Installed: starting from the first disk'));
    await until(async () => (await ssh(rack.state, host ?? '', 'true')).status === 0);

    const { stdout } = await ssh(rack.state, host ?? '', 'hostname; cat /etc/motd /etc/network/interfaces');
    expect(stdout).toContain(`${host}\n${host} on vda\n\nauto lo\n`);
    expect(stdout).toContain(`iface eth0 inet static\n     address ${address}\n     netmask 255.255.255.0\n`);
    expect((await rack.node('node2')).state).toMatch(/^(installed|up)$/);
  });

  it('switches a machine through its BMC', async () => {
    const { identity } = await rack.node('node2');
    const power = (...words: string[]) => json<{ power: string }>(rack.state, 'node', 'power', ...words, identity);

    expect(await power('status')).toMatchObject({ power: 'on' });
    expect(await power('off')).toMatchObject({ power: 'off' });
    expect(await power('status')).toMatchObject({ power: 'off' });
    const { events }: Node = await rack.node('node2');
    expect(events.at(-1)).toMatchObject({
      code: 'power.switched',
      message: expect.stringContaining('switched off by'),
    });
  });
});
