import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { type StateDirectory, stateDirectory } from '../../src/base/state.js';
import { mountsBelow, openTemporary, sweepTemporary, type TemporaryState } from '../../src/base/temporary.js';
import {
  type BlockDevicePlace,
  type BlockDevices,
  createBlockDevices,
  planBlockDevices,
  type Runner,
  readBlockDeviceConfig,
  rootOptions,
} from '../../src/image/block-device/index.js';
import { sfdiskScript } from '../../src/image/block-device/partition-table.js';
import { uuidFrom } from '../../src/image/reproducible.js';
import { openSandbox } from '../../src/image/sandbox.js';

const isRoot = process.getuid?.() === 0;
const withMapper = / device-mapper$/m.test(readFileSync('/proc/misc', 'utf8'));
const mebibyte = 2 ** 20;

let state: StateDirectory;
let temporary: TemporaryState;
let work: string;
let tree: string;

beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'stackwright-disk-'));
  state = stateDirectory(root);
  work = join(root, 'work');
  tree = join(root, 'tree');
  temporary = openTemporary(state, 'test');
  writeTree();
});

afterEach(async () => {
  await temporary.undo();
  rmSync(state.root, { recursive: true });
});

it.skipIf(!isRoot)('makes, fills and mounts the partitions of an MBR, and leaves a clean image', async () => {
  writeFileSync(join(tree, 'var', 'lib', 'data'), 'kept');
  const devices = await create(mbr, 96);

  const mounted = (path: string) => readFileSync(join(work, 'mnt', path), 'utf8');
  expect(mounted('etc/fstab')).toBe('LABEL=cloudimg-rootfs / ext4 defaults 0 1\nLABEL=variable /var ext3 nodev 0 2\n');
  expect(mounted('var/lib/data')).toBe('kept');
  expect(mountsBelow(join(work, 'mnt'))).toEqual([join(work, 'mnt/var'), join(work, 'mnt')]);
  expect(statSync(join(work, 'mnt/etc/secret'))).toMatchObject({ mode: 0o100640, uid: 7, gid: 9, nlink: 2 });
  expect([...devices.devices.keys()]).toEqual(['image0', 'root', 'var', 'home']);
  expect(devices.device).toMatch(/^\/dev\/loop\d+$/);
  await devices.release();

  await expectNothingHeld(devices.image);
  expect(await partitionsOf(devices.image)).toEqual([
    'start=2048, size=96256, type=83, bootable',
    'start=98304, size=98304, type=f',
    'start=100352, size=48128, type=83',
    'start=151552, size=45056, type=83',
  ]);
  const [root = 0, , variable = 0] = await startsOf(devices.image);
  expect(await identify(devices.image, root)).toMatchObject({ TYPE: 'ext4', LABEL: 'cloudimg-rootfs' });
  expect(await identify(devices.image, variable)).toMatchObject({ TYPE: 'ext3', LABEL: 'variable' });
  await run('e2fsck', ['-fn', `${devices.image}?offset=${root}`]);
  await run('e2fsck', ['-fn', `${devices.image}?offset=${variable}`]);
});

it.skipIf(!isRoot)('makes the same bytes of the same files, whatever was done in between', async () => {
  const reproducible = { sourceDateEpoch: 1_700_000_000, uuid: uuidFrom };
  const images: Buffer[] = [];
  for (const noise of ['one', 'another']) {
    const devices = await create(gpt, 128, reproducible);
    const root = join(work, 'mnt');
    writeFileSync(join(root, noise), 'gone before the end');
    mkdirSync(join(root, 'boot/efi/EFI'), { recursive: true });
    for (const name of noise === 'one' ? ['a', 'b'] : ['b', 'a']) writeFileSync(join(root, 'etc', name), name);
    writeFileSync(join(root, 'boot/efi/EFI/LOADER'), 'loader');
    rmSync(join(root, noise));
    await devices.release();

    images.push(readFileSync(devices.image));
    await expectNothingHeld(devices.image);
    const starts = await startsOf(devices.image);
    await run('e2fsck', ['-fn', `${devices.image}?offset=${starts[3]}`]);
    await temporary.undo();
    rmSync(work, { recursive: true });
  }

  expect(images[0]?.equals(images[1] ?? Buffer.alloc(0))).toBe(true);
});

it.skipIf(!isRoot)(
  'fills the root of a GPT while it is made, and an EFI system partition also without vfat in the kernel',
  async () => {
    const devices = await create(gpt, 128);
    mkdirSync(join(work, 'mnt/boot/efi/EFI/BOOT'), { recursive: true });
    writeFileSync(join(work, 'mnt/boot/efi/EFI/BOOT/BOOTX64.EFI'), 'loader');

    expect(statSync(join(work, 'mnt/etc/secret'))).toMatchObject({ mode: 0o100640, uid: 7, gid: 9, nlink: 2 });
    expect(readFileSync(join(work, 'mnt/etc/fstab'), 'utf8')).toBe(
      'LABEL=cloudimg-rootfs / ext4 defaults 0 1\nLABEL=MKFS_ESP /boot/efi vfat defaults 0 2\nLABEL=mkfs_swap none swap sw 0 0\n',
    );
    await devices.release();

    await expectNothingHeld(devices.image);
    expect((await run('sfdisk', ['--verify', devices.image])).output).toContain('No errors detected');
    const [efi = 0, , swap = 0, root = 0] = await startsOf(devices.image);
    expect(await identify(devices.image, efi)).toMatchObject({
      TYPE: 'vfat',
      LABEL: 'MKFS_ESP',
      PART_ENTRY_NAME: 'ESP',
    });
    expect(await identify(devices.image, swap)).toMatchObject({ TYPE: 'swap', LABEL: 'mkfs_swap' });
    expect(await identify(devices.image, root)).toMatchObject({ TYPE: 'ext4', LABEL: 'cloudimg-rootfs' });
    const { stdout } = await run('mtype', ['-i', `${devices.image}@@${efi}`, '::EFI/BOOT/BOOTX64.EFI']);
    expect(stdout).toBe('loader');
    await run('e2fsck', ['-fn', `${devices.image}?offset=${root}`]);
  },
);

it.skipIf(!isRoot)('mounts where only a sandbox sees it', async () => {
  const sandbox = await openSandbox(temporary);
  const runMounting: Runner = (program, args, options) => sandbox.run(program, args, { cwd: '/', ...options });
  const devices = await create(mbr, 96, { runMounting });

  const { stdout } = await sandbox.run('cat', [join(work, 'mnt/etc/name')], { cwd: '/' });
  expect(stdout).toBe('image');
  expect(mountsBelow(work)).toEqual([]);
  await devices.release();
  await sandbox.end();

  await expectNothingHeld(devices.image);
  const [root = 0] = await startsOf(devices.image);
  await run('e2fsck', ['-fn', `${devices.image}?offset=${root}`]);
});

it.skipIf(!isRoot)('makes a disk of 4096-byte sectors', async () => {
  const devices = await create(gpt.replace('name: image0', 'name: image0\n    block_size: 4096'), 128);
  const { stdout } = await run('blockdev', ['--getss', devices.device]);
  await devices.release();

  expect(stdout).toBe('4096\n');
  await expectNothingHeld(devices.image);
});

it.skipIf(!isRoot)('undoes everything where a file system cannot be made', async () => {
  const broken = mbr.replace('type: ext3', 'type: ext3\n          opts: --no-such-option');

  await expect(create(broken, 96)).rejects.toMatchObject({ code: 'CommandFailed' });

  await expectNothingHeld(join(work, 'image0.raw'));
  expect(existsSync(join(work, 'image0.raw'))).toBe(false);
});

it.skipIf(!isRoot)('says that the image is too small, and undoes everything', async () => {
  writeFileSync(join(tree, 'large'), Buffer.alloc(60 * mebibyte, 1));

  await expect(create(mbr, 64)).rejects.toMatchObject({ code: 'ImageTooSmall' });
  await expect(create(gpt, 100)).rejects.toMatchObject({ code: 'ImageTooSmall' });

  await expectNothingHeld(join(work, 'image0.raw'));
});

it.skipIf(!isRoot)('does not follow a link of the image out to the host', async () => {
  rmSync(join(tree, 'var'), { recursive: true });
  symlinkSync('/srv', join(tree, 'var'));

  await expect(create(mbr, 96)).rejects.toMatchObject({ code: 'BlockDeviceConfigInvalid', details: { line: 19 } });

  await expectNothingHeld(join(work, 'image0.raw'));
});

it.skipIf(!isRoot)('leaves nothing after kill -9 once the next command has started', async () => {
  const config = join(state.root, 'disk.yaml');
  writeFileSync(config, mbr);
  const program = join(packageRoot(), 'node_modules', '.cache', `create.fixture.${process.pid}.mjs`);
  await build({
    entryPoints: [join(packageRoot(), 'src/image/block-device/create.fixture.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  const child = spawn(process.execPath, [program, state.root, config, tree], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  const [disk = ''] = String(line).split(' ');
  const { stdout: image } = await run('losetup', ['--noheadings', '--output', 'BACK-FILE', disk]);
  child.kill('SIGKILL');
  await once(child, 'close');
  rmSync(program);

  expect(mountsBelow(state.root)).toHaveLength(2);
  const swept = await sweepTemporary(state);

  expect(swept).toMatchObject([{ what: 'image build' }]);
  await expectNothingHeld(image.trim());
  expect(existsSync(image.trim())).toBe(false);
});

it('writes tables that sfdisk takes as they were planned', async () => {
  const layout = fc.record({
    label: fc.constantFrom('mbr', 'gpt'),
    align: fc.constantFrom(mebibyte, 4 * mebibyte, 65536),
    primary: fc.integer({ min: 0, max: 3 }),
    sizes: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 7 }),
  });
  const image = join(state.root, 'disk.raw');

  for (const { label, align, primary, sizes } of fc.sample(layout, { numRuns: 20, seed: 3 })) {
    const partitions = sizes.map((share, index) => {
      const flags = label === 'mbr' && index < primary ? ['primary'] : [];
      return { name: `p${index}`, size: `${share}%`, flags };
    });
    const partitioning = { base: 'image0', label, align, partitions };
    const config = stringify([{ local_loop: { name: 'image0' } }, { partitioning }]);
    const plan = planBlockDevices(readBlockDeviceConfig(config, 'disk.yaml'), 700 * mebibyte);
    const table = plan.tables.get('image0');
    if (!table) throw new Error('no table');
    rmSync(image, { force: true });
    writeFileSync(image, '');
    truncateSync(image, 700 * mebibyte);

    await run('sfdisk', ['--quiet', image], {
      input: sfdiskScript(table, { blockSize: 512, uuid: () => randomUUID() }),
    });

    expect((await run('sfdisk', ['--verify', image])).output).toContain('No errors detected');
    const wanted = [...table.partitions, ...(table.extended ? [table.extended] : [])];
    const starts = wanted.sort((a, b) => a.number - b.number).map(({ start }) => start);
    expect(await startsOf(image)).toEqual(starts);
  }
});

const why = withMapper ? '' : ' (skipped: the kernel has no device-mapper)';

it.skipIf(!isRoot || !withMapper)(`makes, fills and mounts logical volumes${why}`, async () => {
  const devices = await create(lvm, 256);
  expect(mountsBelow(join(work, 'mnt'))).toHaveLength(2);
  expect(readFileSync(join(work, 'mnt/etc/name'), 'utf8')).toBe('image');
  await devices.release();

  await expectNothingHeld(devices.image);
  expect(existsSync('/dev/stackwright-test')).toBe(false);
});

it.skipIf(!isRoot || withMapper)('says before work starts that LVM needs device-mapper', async () => {
  await expect(create(lvm, 256)).rejects.toMatchObject({ code: 'DeviceMapperMissing', details: { line: 8 } });

  expect(existsSync(join(work, 'image0.raw'))).toBe(false);
});

const mbr = `- local_loop:
    name: image0
- partitioning:
    base: image0
    label: mbr
    partitions:
      - name: root
        flags: [boot, primary]
        size: 50%
        mkfs:
          mount:
            mount_point: /
            fstab: { fsck-passno: 1 }
      - name: var
        size: 50%
        mkfs:
          type: ext3
          label: variable
          mount: { mount_point: /var, fstab: { options: nodev } }
      - name: home
        size: 100%
`;

const gpt = `- local_loop:
    name: image0
- partitioning:
    base: image0
    label: gpt
    partitions:
      - name: ESP
        type: EF00
        size: 34MiB
        mkfs: { type: vfat, mount: { mount_point: /boot/efi, fstab: {} } }
      - { name: BSP, type: EF02, size: 8MiB }
      - name: swap
        type: 8200
        size: 10MiB
        mkfs: { type: swap, fstab: {} }
      - name: root
        size: 100%
        mkfs:
          mount: { mount_point: /, fstab: { fsck-passno: 1 } }
`;

const lvm = `- local_loop:
    name: image0
- partitioning:
    base: image0
    label: gpt
    partitions:
      - { name: part, type: 8E00, size: 100% }
- lvm:
    name: lvm
    pvs: [{ name: pv, base: part }]
    vgs: [{ name: stackwright-test, base: [pv] }]
    lvs:
      - { name: lv_root, base: stackwright-test, size: 100MiB }
      - { name: lv_var, base: stackwright-test, extents: 100%FREE }
- mkfs: { name: mkfs_root, base: lv_root, mount: { mount_point: / } }
- mkfs: { base: lv_var, type: ext4, mount: { mount_point: /var } }
`;

function writeTree(): void {
  for (const path of ['etc', 'var/lib', 'boot/efi']) mkdirSync(join(tree, path), { recursive: true });
  writeFileSync(join(tree, 'etc/name'), 'image');
  writeFileSync(join(tree, 'etc/secret'), 'secret');
  if (isRoot) chownSync(join(tree, 'etc/secret'), 7, 9);
  chmodSync(join(tree, 'etc/secret'), 0o640);
  linkSync(join(tree, 'etc/secret'), join(tree, 'etc/same'));
}

async function create(
  config: string,
  mebibytes: number,
  more: Pick<BlockDevicePlace, 'runMounting' | 'sourceDateEpoch' | 'uuid'> = {},
): Promise<BlockDevices> {
  const plan = planBlockDevices(readBlockDeviceConfig(config, 'disk.yaml'), mebibytes * mebibyte);
  const options = rootOptions('ext4', { journalMebibytes: 4 });
  return createBlockDevices(plan, {
    temporary,
    imageDirectory: work,
    mountPoint: join(work, 'mnt'),
    tree,
    rootOptions: options,
    ...more,
  });
}

async function expectNothingHeld(image: string): Promise<void> {
  const { stdout } = await run('losetup', ['--associated', image]);
  expect(stdout).toBe('');
  expect(mountsBelow(state.root)).toEqual([]);
}

async function partitionsOf(image: string): Promise<string[]> {
  const { stdout } = await run('sfdisk', ['--dump', image]);
  const lines = stdout.split('\n').filter((line) => line.includes('start='));
  return lines.map((line) =>
    line
      .replace(/^.* : /, '')
      .replaceAll(/= +/g, '=')
      .trim(),
  );
}

/** Bytes at which the partitions begin. */
async function startsOf(image: string): Promise<number[]> {
  const lines = await partitionsOf(image);
  return lines.map((line) => 512 * Number(/start=(\d+)/.exec(line)?.[1]));
}

async function identify(image: string, offset: number): Promise<Record<string, string>> {
  const probe = await run('blkid', ['--probe', '--output', 'export', '--offset', String(offset), image]);
  const table = await run('sfdisk', ['--json', image]);
  const entry = JSON.parse(table.stdout).partitiontable.partitions.find(
    ({ start }: { start: number }) => start * 512 === offset,
  );
  const pairs = probe.stdout
    .trim()
    .split('\n')
    .map((line): [string, string] => {
      const [name = '', value = ''] = line.split('=');
      return [name, value];
    });
  return { ...Object.fromEntries(pairs), PART_ENTRY_NAME: String(entry?.name ?? '') };
}
