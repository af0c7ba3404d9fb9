import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chmod, copyFile, cp, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import { packageRoot } from '../base/package-root.js';
import type { StateDirectory } from '../base/state.js';
import { openTemporary } from '../base/temporary.js';
import { reportNetboot } from './events.js';
import { GRUB_PACKAGES, makeGrub } from './grub.js';

/** What machines boot from: all files lie in one directory and are served over HTTP. */
export interface Ramdisk {
  directory: string;
  /** Kernel version, e.g. `6.1.0-56-cloud-amd64`. */
  kernel: string;
  /** Size of the packed ramdisk. */
  bytes: number;
  /** Hash of what it was built from. */
  identity: string;
}

export interface RamdiskOptions {
  state: StateDirectory;
  reporter: Reporter;
  /** Debian's kernel package. The cloud kernel is small; real machines mostly need `linux-image-amd64`. */
  kernelPackage?: string;
  /** Build although nothing has changed, e.g. for a newer kernel in the archive. */
  rebuild?: boolean;
}

/** Raised when the way of building changes what comes out. */
const BUILDER_VERSION = 5;

/** Stands in for every program that is not below; it needs no library. */
const BUSYBOX = '/bin/busybox';

/** Programs of the ramdisk by their package. */
const PROGRAMS = {
  curl: ['/usr/bin/curl'],
  dmidecode: ['/usr/sbin/dmidecode'],
  dosfstools: ['/sbin/mkfs.fat', '/sbin/mkfs.vfat'],
  e2fsprogs: ['/sbin/mke2fs', '/sbin/mkfs.ext2', '/sbin/mkfs.ext3', '/sbin/mkfs.ext4', '/sbin/e2fsck'],
  fdisk: ['/sbin/sfdisk'],
  'kexec-tools': ['/sbin/kexec'],
  lvm2: ['/sbin/lvm'],
  mdadm: ['/sbin/mdadm'],
  parted: ['/sbin/parted', '/sbin/partprobe'],
  rsync: ['/usr/bin/rsync'],
  socat: ['/usr/bin/socat'],
  'squashfs-tools': ['/usr/bin/unsquashfs'],
  tar: ['/bin/tar'],
  coreutils: ['/bin/dd', '/usr/bin/sha256sum', '/usr/bin/tee'],
  'util-linux': ['/sbin/blkid', '/sbin/wipefs', '/sbin/mkswap'],
  xfsprogs: ['/sbin/mkfs.xfs'],
  zstd: ['/usr/bin/zstd'],
} as const;

/** Drivers of BMCs, which the kernel of virtual machines does not have; with them comes what asks a BMC. */
const BMC_DRIVERS = 'drivers/char/ipmi';
const BMC_PROGRAMS = { ipmitool: ['/usr/bin/ipmitool'] } as const;

const LVM_NAMES = ['pvcreate', 'vgcreate', 'vgchange', 'lvcreate', 'pvs', 'vgs', 'lvs'];

/** Drivers by their place below `kernel/`; those that a kernel package does not have are passed over. */
const DRIVERS = [
  'drivers/ata',
  'drivers/block/virtio_blk.ko',
  BMC_DRIVERS,
  'drivers/md',
  'drivers/message/fusion',
  'drivers/net/ethernet',
  'drivers/net/mdio',
  'drivers/net/phy',
  'drivers/net/virtio_net.ko',
  'drivers/nvme',
  'drivers/scsi',
  'drivers/virtio',
  'fs/ext4',
  'fs/fat',
  'fs/nls/nls_ascii.ko',
  'fs/nls/nls_cp437.ko',
  'fs/squashfs',
  'fs/xfs',
];

/**
 * The trimmed ramdisk: busybox, a few programs with their libraries, and drivers; Python, for
 * configure scripts in Python, lies beside it and is fetched only by machines that need it.
 * Built from Debian's archive where it is not there already.
 */
export async function ensureRamdisk(options: RamdiskOptions): Promise<Ramdisk> {
  const { state, reporter } = options;
  const kernelPackage = options.kernelPackage ?? 'linux-image-cloud-amd64';
  const identity = await ramdiskIdentity(kernelPackage);
  const directory = state.path('netboot', 'ramdisk');
  const known = await readRamdisk(directory);
  if (known && known.identity === identity && !options.rebuild) {
    const message = `the ramdisk is up to date (kernel ${known.kernel}, ${megabytes(known.bytes)})`;
    reportNetboot(reporter, {
      code: 'netboot.ramdisk.cached',
      level: 'info',
      message,
      data: { bytes: known.bytes, kernel: known.kernel },
    });
    return known;
  }
  return build(state, reporter, kernelPackage, identity, directory);
}

async function readRamdisk(directory: string): Promise<Ramdisk | undefined> {
  const text = await readTextIfExists(join(directory, 'ramdisk.json'));
  return text === undefined ? undefined : { ...JSON.parse(text), directory };
}

/** Every input that can change the ramdisk. The age of Debian's archive is none: `rebuild` is for that. */
async function ramdiskIdentity(kernelPackage: string): Promise<string> {
  const hash = createHash('sha256');
  const mirror = process.env.DIB_DISTRIBUTION_MIRROR ?? '';
  hash.update(JSON.stringify({ BUILDER_VERSION, PROGRAMS, BMC_PROGRAMS, DRIVERS, kernelPackage, mirror }));
  for (const name of (await readdir(scriptDirectory())).sort()) {
    hash.update(`${name}\0`).update(await readFile(join(scriptDirectory(), name)));
  }
  return hash.digest('hex');
}

const scriptDirectory = () => join(packageRoot(), 'src', 'netboot', 'ramdisk');

async function build(
  state: StateDirectory,
  reporter: Reporter,
  kernelPackage: string,
  identity: string,
  directory: string,
): Promise<Ramdisk> {
  const started = Date.now();
  const message = `building the ramdisk with ${kernelPackage}`;
  reportNetboot(reporter, { code: 'netboot.ramdisk.building', level: 'info', message, data: { kernelPackage } });
  await using temporary = openTemporary(state, 'ramdisk build');
  const tree = temporary.directory('ramdisk-packages');
  const root = temporary.directory('ramdisk-root');
  const output = temporary.directory('ramdisk-output');
  await unpackPackages(tree, kernelPackage, state.path('netboot', 'build.log'));
  const kernel = await onlyEntry(join(tree, 'lib', 'modules'));

  await layOut(root);
  await copyFollowing(tree, root, BUSYBOX);
  for (const program of programsFor(tree, kernel)) await copyProgram(tree, root, program);
  await copyDrivers(tree, root, kernel);
  await copyScripts(root);
  await pack(root, join(output, 'initrd'));
  await packPython(tree, root, join(output, 'python.tar.zst'));
  await makeGrub(tree, output);
  await copyFile(join(tree, 'boot', `vmlinuz-${kernel}`), join(output, 'vmlinuz'));

  const bytes = statSync(join(output, 'initrd')).size;
  await writeFileAtomic(join(output, 'ramdisk.json'), JSON.stringify({ kernel, bytes, identity }));
  await replaceDirectory(output, directory);
  const seconds = (Date.now() - started) / 1000;
  reportNetboot(reporter, {
    code: 'netboot.ramdisk.built',
    level: 'info',
    message: `built the ramdisk: kernel ${kernel}, ${megabytes(bytes)}, ${seconds.toFixed(1)} s`,
    data: { seconds, bytes, kernel },
  });
  return { directory, kernel, bytes, identity };
}

function programsFor(tree: string, kernel: string): string[] {
  const hasBmcs = existsSync(join(tree, 'lib', 'modules', kernel, 'kernel', BMC_DRIVERS));
  return Object.values(hasBmcs ? { ...PROGRAMS, ...BMC_PROGRAMS } : PROGRAMS).flat();
}

/** Unpacks packages and their dependencies; nothing is configured, no script of theirs is run. */
async function unpackPackages(tree: string, kernelPackage: string, logFile: string): Promise<void> {
  const packages = [
    'busybox-static',
    ...Object.keys({ ...PROGRAMS, ...BMC_PROGRAMS }),
    'python3-minimal',
    ...GRUB_PACKAGES,
    kernelPackage,
  ].join(',');
  const mirror = process.env.DIB_DISTRIBUTION_MIRROR;
  await mkdir(dirname(logFile), { recursive: true });
  await run(
    'mmdebstrap',
    ['--variant=extract', `--include=${packages}`, 'bookworm', tree, ...(mirror ? [mirror] : [])],
    {
      timeout: 900,
      logFile,
    },
  );
}

async function onlyEntry(directory: string): Promise<string> {
  const [first, ...others] = await readdir(directory);
  if (first === undefined || others.length > 0) {
    throw new StackwrightError('KernelPackageOdd', `expected one kernel below ${directory}`, {
      value: [first, ...others].join(' '),
      hint: 'name a package such as linux-image-amd64',
    });
  }
  return first;
}

/** The ramdisk has one merged `/usr`, whatever the packages have. */
async function layOut(root: string): Promise<void> {
  for (const directory of ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'usr/share', 'etc', 'tmp']) {
    await mkdir(join(root, directory), { recursive: true });
  }
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(root, name));
  await symlink('busybox', join(root, 'usr', 'bin', 'sh'));
  await symlink('/proc/mounts', join(root, 'etc', 'mtab'));
  // LVM is one program with many names.
  for (const name of LVM_NAMES) await symlink('lvm', join(root, 'usr', 'sbin', name));
}

const merged = (path: string) => (path.startsWith('/usr/') ? path : `/usr${path}`);

async function copyProgram(tree: string, root: string, program: string): Promise<void> {
  await copyFollowing(tree, root, program);
  for (const library of await librariesOf(tree, program)) await copyFollowing(tree, root, library);
}

/** What a program loads, asked of its own loader. */
async function librariesOf(tree: string, program: string): Promise<string[]> {
  const { stdout } = await run('chroot', [tree, '/lib64/ld-linux-x86-64.so.2', '--list', program]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
}

/** Copies a file to its merged place; of a chain of links only the file at its end, under the first name. */
async function copyFollowing(tree: string, root: string, path: string): Promise<void> {
  const target = join(root, merged(path));
  if (existsSync(target)) return;
  let source = join(tree, path);
  while ((await lstat(source)).isSymbolicLink()) {
    const link = await readlink(source);
    source = link.startsWith('/') ? join(tree, link) : resolve(dirname(source), link);
  }
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
}

async function copyDrivers(tree: string, root: string, kernel: string): Promise<void> {
  const from = join(tree, 'lib', 'modules', kernel);
  const to = join(root, 'usr', 'lib', 'modules', kernel);
  await mkdir(to, { recursive: true });
  for (const name of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order']) {
    await copyFile(join(from, name), join(to, name));
  }
  await run('depmod', ['-b', tree, kernel]);
  const needs = parseModuleDependencies(await readFile(join(from, 'modules.dep'), 'utf8'));
  const wanted = new Set<string>();
  for (const module of needs.keys()) {
    if (!DRIVERS.some((driver) => module === `kernel/${driver}` || module.startsWith(`kernel/${driver}/`))) continue;
    wanted.add(module);
    for (const other of needs.get(module) ?? []) wanted.add(other);
  }
  for (const module of wanted) {
    await mkdir(dirname(join(to, module)), { recursive: true });
    await copyFile(join(from, module), join(to, module));
  }
  await run('depmod', ['-b', root, kernel]);
}

/** `modules.dep`: each module and all that it needs, also indirectly. */
export function parseModuleDependencies(text: string): Map<string, string[]> {
  const needs = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [module, others] = line.split(':');
    if (module) needs.set(module, (others ?? '').split(' ').filter(Boolean));
  }
  return needs;
}

async function copyScripts(root: string): Promise<void> {
  const places: Record<string, string> = {
    init: 'init',
    'install.sh': 'usr/lib/stackwright/install.sh',
    'network.sh': 'usr/lib/stackwright/network.sh',
    'facts.sh': 'usr/lib/stackwright/facts.sh',
    'udhcpc.script': 'usr/share/udhcpc/default.script',
    'udevadm.sh': 'usr/bin/udevadm',
  };
  for (const [name, place] of Object.entries(places)) {
    await mkdir(dirname(join(root, place)), { recursive: true });
    await copyFile(join(scriptDirectory(), name), join(root, place));
    await chmod(join(root, place), 0o755);
  }
}

/** A cpio archive as the kernel reads it (Documentation/driver-api/early-userspace/buffer-format). */
async function pack(root: string, output: string): Promise<void> {
  const names = await namesBelow(root);
  const archive = `${output}.cpio`;
  await run('cpio', ['--create', '--format=newc', '--owner=0:0', '--quiet', `--file=${archive}`], {
    cwd: root,
    input: names.map((name) => `${name}\n`).join(''),
  });
  // -3: unpacking a smaller one costs a machine more time than fetching a larger one.
  await run('zstd', ['-q', '-3', '-T0', '--rm', '-f', archive, '-o', output]);
}

/** Every path below a directory, parents first; links are not followed. */
async function namesBelow(root: string, prefix = ''): Promise<string[]> {
  const names: string[] = [];
  const entries = await readdir(join(root, prefix), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = join(prefix, entry.name);
    names.push(name);
    if (entry.isDirectory()) names.push(...(await namesBelow(root, name)));
  }
  return names;
}

/** Python as an archive to be unpacked over the running ramdisk. */
async function packPython(tree: string, root: string, output: string): Promise<void> {
  const python = `${root}.python`;
  await mkdir(join(python, 'usr', 'bin'), { recursive: true });
  try {
    const interpreter = (await readdir(join(tree, 'usr', 'bin'))).find((name) => /^python3\.\d+$/.test(name));
    if (!interpreter) throw new StackwrightError('KernelPackageOdd', 'python3-minimal has no python3');
    await copyFile(join(tree, 'usr', 'bin', interpreter), join(python, 'usr', 'bin', interpreter));
    await symlink(interpreter, join(python, 'usr', 'bin', 'python3'));
    await cp(join(tree, 'usr', 'lib', interpreter), join(python, 'usr', 'lib', interpreter), { recursive: true });
    for (const library of await librariesOf(tree, `/usr/bin/${interpreter}`)) {
      if (!existsSync(join(root, merged(library)))) await copyFollowing(tree, python, library);
    }
    const archive = output.replace(/\.zst$/, '');
    await run('tar', ['--create', `--file=${archive}`, '--owner=0', '--group=0', '--sort=name', '-C', python, 'usr']);
    await run('zstd', ['-q', '-3', '-T0', '--rm', '-f', archive, '-o', output]);
  } finally {
    await rm(python, { recursive: true, force: true });
  }
}

/** Puts a finished directory in the place of another one. */
async function replaceDirectory(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
  await chmod(to, 0o755);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
