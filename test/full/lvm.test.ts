// Logical volumes need device-mapper, which machines that test in containers lack: the builder works in a machine of
// its own, booted from an image that it has built, and an image with LVM is made, looked at, and made again after a kill.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { elementsIn } from '../../src/image/elements.fixture.js';
import { driveOf, type Login, withLogin } from '../e2e/machine.js';
import { json, makeState, removeState, until } from '../e2e/rig.js';

const elements = ['debian-minimal', 'vm', 'enable-serial-console', 'openssh-server', 'simple-init', 'builder'];
const programs = ['lvm2', 'thin-provisioning-tools', 'dosfstools', 'fdisk', 'qemu-utils', 'libstdc++6'];

/** A group over a partition and a disk of its own; a plain volume, a thin one, and one that takes what is left. */
const plan = `- local_loop: {name: image0, size: 300MiB}
- local_loop: {name: data, size: 200MiB}
- partitioning:
    base: image0
    label: mbr
    partitions:
      - name: boot
        flags: [boot, primary]
        size: 40MiB
        mkfs: {type: ext4, mount: {mount_point: /boot, fstab: {options: defaults, fsck-passno: 2}}}
      - {name: rest, flags: [primary], size: 100%}
- lvm:
    name: lvm
    base: [rest, data]
    pvs:
      - {name: first, base: rest, options: ['--force']}
      - {name: second, base: data}
    vgs:
      - {name: vg-test, base: [first, second], options: ['--force']}
    lvs:
      - {name: root, base: vg-test, size: 100MiB, options: ['--wipesignatures', 'y']}
      - {name: pool, base: vg-test, type: thin-pool, size: 120MiB}
      - {name: lv_srv, base: vg-test, type: thin, thin-pool: pool, size: 400MiB}
      - {name: lv_var, base: vg-test, extents: 100%FREE}
- mkfs:
    name: root_fs
    base: root
    type: ext4
    mount: {mount_point: /, fstab: {options: errors=remount-ro, fsck-passno: 1}}
- mkfs: {name: srv_fs, base: lv_srv, type: ext4, mount: {mount_point: /srv, fstab: {options: defaults}}}
- mkfs: {name: var_fs, base: lv_var, type: ext4, mount: {mount_point: /var, fstab: {options: defaults}}}
`;

describe.skipIf(process.getuid?.() !== 0)('an image with LVM', () => {
  let state: string;
  let drive: string;
  let goods: string;

  beforeAll(async () => {
    state = makeState();
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(state, 'key')]);
    elementsIn(join(state, 'elements')).file('builder/package-installs.yaml', [...programs, ''].join(':\n'));
    const path = ['--elements-path', join(state, 'elements')];
    await json(
      state,
      'image',
      'build',
      ...elements,
      '-t',
      'qcow2',
      '--image-size',
      '4',
      '-o',
      join(state, 'builder'),
      ...path,
    );
    const network = join(state, 'network-config');
    writeFileSync(
      network,
      'version: 2\nethernets:\n  all: {match: {macaddress: 52:54:00:aa:00:01}, addresses: [10.0.2.45/24]}\n',
    );
    drive = join(state, 'drive.iso');
    await json(
      state,
      'config-drive',
      'build',
      '--nocloud',
      '--network',
      network,
      '--key',
      join(state, 'key.pub'),
      '-o',
      drive,
    );
    goods = await pack();
  });

  afterAll(() => removeState(state));

  it('is made of partitions, thin volumes and plain ones, and a killed build leaves none of them', async () => {
    const way = { disk: join(state, 'builder.qcow2'), console: join(state, 'console'), address: '10.0.2.45' };
    await withLogin({ ...way, key: join(state, 'key') }, [...driveOf(drive), ...driveOf(goods)], async (login) => {
      await login.run('mkdir /mnt/goods', 'mount -o ro /dev/vdc /mnt/goods');

      await killedWithVolumes(login);
      await inBackground(login, build);

      const [left = '', fstab, message, size] = await login.run(leftovers, ...look);
      expect(left).toBe('');
      expect(fstab).toMatch(/^\S+ \/srv ext4 defaults/m);
      expect(message).toBe('from var\n');
      expect(size).toBe('400.00m\n');
    });
  });

  /** What the machine needs of this one: the program without its source, Node, the elements and the plan. */
  async function pack(): Promise<string> {
    const tree = join(state, 'goods');
    mkdirSync(join(tree, 'stackwright'), { recursive: true });
    const parts = ['bin', 'dist', 'elements', 'node_modules', 'package.json'].map((name) => join(packageRoot(), name));
    await run('cp', ['--archive', ...parts, join(tree, 'stackwright')]);
    await run('cp', [process.execPath, join(tree, 'node')]);
    const tiny = elementsIn(join(tree, 'elements'));
    const lines = ['mkdir -p boot srv var/lib', 'echo from srv > srv/message', 'echo from var > var/lib/message'];
    tiny.system('tiny', { lines });
    tiny.file('tiny/block-device-default.yaml', plan);
    const file = join(state, 'goods.squashfs');
    await run('mksquashfs', [tree, file, '-quiet', '-no-progress', '-comp', 'zstd'], { timeout: 600 });
    return file;
  }
});

const build = [
  'export STACKWRIGHT_STATE=/var/tmp/state PATH=/mnt/goods:$PATH',
  'exec node /mnt/goods/stackwright/bin/stackwright image build --no-base --force -t raw -o /var/tmp/lvm --elements-path /mnt/goods/elements tiny',
].join('\n');

/** Prints what a build could leave behind in the machine. */
const leftovers =
  'losetup --all --noheadings; dmsetup ls | grep -v "No devices"; vgs --noheadings; grep /var/tmp /proc/mounts; true';

/** Attaches the images as they are, and prints what is in their file systems. */
const look = [
  'for disk in /var/tmp/lvm*.raw; do losetup --find --partscan "$disk"; done; udevadm settle; vgchange --quiet --activate y vg-test >&2; mount -o ro /dev/vg-test/root /mnt && cat /mnt/etc/fstab',
  'mount -o ro /dev/vg-test/lv_var /mnt/var && cat /mnt/var/lib/message',
  'lvs --noheadings --options lv_size --units m vg-test/lv_srv | tr -d " "',
];

/** Starts a build and kills it, as soon as its volumes are there. */
async function killedWithVolumes(login: Login): Promise<void> {
  await login.run(`(setsid sh -c '${build}' > /var/tmp/killed 2>&1 & echo $! > /var/tmp/pid) < /dev/null`);
  await until(async () => (await login.run('ls /dev/mapper'))[0]?.includes('lv_var') ?? false, 10);
  await login.run('kill -9 -- -$(cat /var/tmp/pid)');
}

/** A program that takes longer than a connection should. */
async function inBackground(login: Login, script: string): Promise<void> {
  await login.run(`(setsid sh -c '(${script}); echo $? > /var/tmp/status' > /var/tmp/output 2>&1 &) < /dev/null`);
  await until(async () => (await login.run('ls /var/tmp'))[0]?.includes('status') ?? false, 10);
  const [status, output] = await login.run('cat /var/tmp/status', 'cat /var/tmp/output');
  if (status !== '0\n') throw new Error(output);
}
