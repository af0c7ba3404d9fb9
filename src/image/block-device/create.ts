import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandOptions, type CommandResult, run } from '../../base/command.js';
import { StackwrightError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { type TemporaryState, type TemporaryThing, undoThing } from '../../base/temporary.js';
import { rootNode } from './config.js';
import { fstabText } from './fstab.js';
import { invalidConfig } from './located-yaml.js';
import { lvmCommand, volumePath } from './lvm.js';
import { type FileSystemContent, fileSystemCommand, fillsWhileMaking } from './make-file-system.js';
import type { FileSystemNode, LoopNode, LvmNode, MountNode } from './nodes.js';
import { sfdiskScript } from './partition-table.js';
import type { BlockDevicePlan } from './plan.js';

export type Runner = (program: string, args: string[], options?: CommandOptions) => Promise<CommandResult>;

/** Where block devices are made, and of what. */
export interface BlockDevicePlace {
  /** Owns what is made; undone by its owner too. */
  temporary: TemporaryState;
  /** Where `NAME.raw` is made for each `local_loop` without a directory of its own. */
  imageDirectory: string;
  /** The root file system is mounted here, the others below it. */
  mountPoint: string;
  /** Its files fill the file systems. It gets etc/fstab and is otherwise left as it is. */
  tree: string;
  /** A directory below which paths that only a sandbox sees can be read from outside of it. */
  view?: string;
  /** Options for the root file system, see `rootOptions`. */
  rootOptions?: string[];
  /** Runs what mounts, copies to mounts and unmounts: that of a sandbox, so that only its processes see them. */
  runMounting?: Runner;
  /** Runs everything else. */
  runProgram?: Runner;
  /** A UUID for a thing of this name; random unless told. */
  uuid?: (name: string) => string;
  /**
   * Seconds since 1970: no time in the images is later, and the same content gives the same bytes.
   * Needs `uuid`. File systems other than ext and vfat are left as they are.
   */
  sourceDateEpoch?: number;
  signal?: AbortSignal;
  logFile?: string;
}

/** Block devices that are made, filled and mounted. */
export interface BlockDevices {
  /** `IMAGE_BLOCK_DEVICE`: the loop device of `image0`, else of the first disk. */
  device: string;
  /** Every disk, partition and logical volume by name. */
  devices: Map<string, string>;
  /** `IMAGE_BLOCK_DEVICES`: the words of an associative array of bash. */
  deviceArray: string;
  /** The raw image of `device`. */
  image: string;
  /** Those of the other disks by name, but for disks that have a directory of their own. */
  others: Map<string, string>;
  /** Trims and unmounts file systems and detaches all devices. The raw images stay. */
  release(): Promise<void>;
}

/** What is there while devices are made. */
interface Making {
  plan: BlockDevicePlan;
  place: BlockDevicePlace;
  run: Runner;
  runMounting: Runner;
  uuid(name: string): string;
  made: TemporaryThing[];
  devices: Map<string, string>;
  images: Map<string, string>;
  /** In the order of mounting. */
  mounted: MountedFileSystem[];
  /** The root file system was filled while it was made. */
  filled: boolean;
}

interface MountedFileSystem {
  node: MountNode;
  system: FileSystemNode;
  path: string;
  /** The kernel cannot mount it: a directory stands for it, which goes into it at the end. */
  staged: boolean;
}

/**
 * Makes block devices in the order of their graph, fills them with a tree and mounts them. Where
 * something fails, what was made is undone, newest first. Each thing is noted before it is made,
 * so that also a killed process leaves nothing for long.
 * @throws StackwrightError `DeviceMapperMissing`, `VolumeGroupExists`, `ImageTooSmall`, and those of commands
 */
export async function createBlockDevices(plan: BlockDevicePlan, place: BlockDevicePlace): Promise<BlockDevices> {
  const making = begin(plan, place);
  await checkHost(making);
  try {
    await writeFileAtomic(join(seenTree(place), 'etc', 'fstab'), fstabText(plan));
    await makeNodes(making);
    if (!making.filled) await fill(making, () => copyTree(making));
  } catch (error) {
    // What is left is tried again by the owner, who tells of it; the reason for all this is told here.
    await undo(making, making.made).catch(() => {});
    throw error;
  }
  const disk = plan.disks.has('image0') ? 'image0' : ([...plan.disks.keys()][0] ?? '');
  const { devices } = making;
  const others = new Map(making.images);
  for (const node of plan.order) {
    if (node.kind === 'local_loop' && (node.name === disk || node.directory)) others.delete(node.name);
  }
  return {
    device: devices.get(disk) ?? '',
    devices,
    deviceArray: [...devices].map(([name, device]) => ` [${name}]=${device} `).join(''),
    image: making.images.get(disk) ?? '',
    others,
    release: () => release(making),
  };
}

function seenTree({ view = '/', tree }: BlockDevicePlace): string {
  return join(view, tree);
}

function begin(plan: BlockDevicePlan, place: BlockDevicePlace): Making {
  const { signal, logFile, sourceDateEpoch: epoch } = place;
  // Of the second one e2fsprogs takes its times.
  const env = epoch === undefined ? undefined : { SOURCE_DATE_EPOCH: `${epoch}`, E2FSPROGS_FAKE_TIME: `${epoch}` };
  const withCommon = (runner: Runner): Runner => {
    return (program, args, options) => runner(program, args, { signal, logFile, env, ...options });
  };
  return {
    plan,
    place,
    run: withCommon(place.runProgram ?? run),
    runMounting: withCommon(place.runMounting ?? run),
    uuid: place.uuid ?? (() => randomUUID()),
    made: [],
    devices: new Map(),
    images: new Map(),
    mounted: [],
    filled: false,
  };
}

async function checkHost(making: Making): Promise<void> {
  const { order, config } = making.plan;
  const lvm = order.find(({ kind }) => kind === 'lvm');
  if (lvm && !(await kernelHas(making, '/proc/misc', 'device-mapper', 'dm_mod'))) {
    throw new StackwrightError('DeviceMapperMissing', 'the kernel of this host has no device-mapper, which LVM needs', {
      file: config.file,
      line: lvm.line,
      value: lvm.name,
      hint: 'modprobe dm_mod, or build on a host that has it; partitions without LVM do not need it',
    });
  }
  for (const { kind, name, line } of order) {
    if (kind !== 'vg' || !existsSync(`/dev/${name}`)) continue;
    throw new StackwrightError('VolumeGroupExists', `this host has a volume group ${name} already`, {
      file: config.file,
      line,
      value: name,
      hint: 'give that of the image another name',
    });
  }
}

async function makeNodes(making: Making): Promise<void> {
  for (const node of making.plan.order) {
    if (making.place.signal?.aborted) {
      throw new StackwrightError('Interrupted', 'the making of block devices was interrupted', { value: node.name });
    }
    switch (node.kind) {
      case 'local_loop':
        await makeDisk(making, node);
        break;
      case 'lvm':
        await makeVolumes(making, node);
        break;
      case 'mkfs':
        await makeFileSystem(making, node);
        break;
      case 'mount':
        await mount(making, node);
        break;
      default:
      // Partitions come with their disk, volumes with their `lvm`, etc/fstab is written by now.
    }
  }
}

function note(making: Making, thing: TemporaryThing): void {
  making.place.temporary.add(thing);
  making.made.push(thing);
}

/** A sparse file, loop devices over it and over each partition: so the kernel need not read partition tables. */
async function makeDisk(making: Making, node: LoopNode): Promise<void> {
  const { plan, place, devices } = making;
  const directory = node.directory ?? place.imageDirectory;
  const file = join(directory, `${node.name}.raw`);
  await mkdir(directory, { recursive: true });
  const image = await openNew(file, node, plan.config.file);
  try {
    // Noted after it was opened: a file that was there before is not ours to remove.
    note(making, { kind: 'file', path: file });
    await image.truncate(plan.disks.get(node.name) ?? 0);
  } finally {
    await image.close();
  }
  note(making, { kind: 'loops', file });
  making.images.set(node.name, file);
  const attach = async (...args: string[]) => {
    const sector = ['--sector-size', String(node.blockSize)];
    const { stdout } = await making.run('losetup', ['--find', '--show', ...sector, ...args, file]);
    return stdout.trim();
  };
  const disk = await attach();
  devices.set(node.name, disk);
  const table = plan.tables.get(node.name);
  if (!table) return;
  const input = sfdiskScript(table, { blockSize: node.blockSize, uuid: making.uuid });
  await making.run('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', '--wipe', 'never', disk], { input });
  for (const { node: partition, start, size } of table.partitions) {
    devices.set(partition.name, await attach('--offset', String(start), '--sizelimit', String(size)));
  }
}

async function openNew(file: string, node: LoopNode, config: string) {
  try {
    return await open(file, 'wx');
  } catch (cause) {
    throw new StackwrightError('ImageFileExists', `the image file ${file} cannot be made`, {
      file: config,
      line: node.line,
      value: file,
      hint: 'remove it if it is there, or see whether its directory can be written',
      cause,
    });
  }
}

async function makeVolumes(making: Making, { volumes }: LvmNode): Promise<void> {
  const { plan, devices } = making;
  const physical = plan.nodes.filter((node) => node.kind === 'pv').filter(({ name }) => volumes.includes(name));
  const groups = plan.nodes
    .filter((node) => node.kind === 'vg')
    .filter(({ base }) => base.some((name) => volumes.includes(name)));
  const logical = plan.nodes
    .filter((node) => node.kind === 'lv')
    .filter(({ base }) => groups.some(({ name }) => name === base));
  const paths = new Map(physical.map(({ name, base }) => [name, devices.get(base) ?? '']));
  for (const node of [...physical, ...groups, ...logical]) {
    // Noted here, so that LVM is known to be installed when a group has to be undone.
    if (node.kind === 'vg') note(making, { kind: 'volume-group', name: node.name, files: [...making.images.values()] });
    const [program, ...args] = lvmCommand(node, paths, existsSync('/run/udev/control'));
    await making.run(program, args);
    if (node.kind === 'lv') devices.set(node.name, volumePath(node));
  }
}

async function makeFileSystem(making: Making, node: FileSystemNode): Promise<void> {
  const { place, devices, plan } = making;
  const mountNode = plan.nodes.find((other) => other.kind === 'mount' && other.base === node.name);
  const isRoot = mountNode?.kind === 'mount' && mountNode.mountPoint === '/';
  const fills = isRoot && fillsWhileMaking(node) && otherPlacesAreEmpty(making);
  const device = devices.get(node.base) ?? '';
  const within = fills ? placeInFile(making, node.base) : undefined;
  if (within) {
    const [program, ...args] = commandFor(making, node, { blank: true, tree: seenTree(place), offset: within.start });
    const words = ['-F', ...args, within.file, `${within.size / 512}s`];
    await fill(making, () => making.run(program, words, { timeout: 3600 }));
    // What the kernel, or udev, has read of the devices before is not there any more.
    await making.run('blockdev', ['--flushbufs', device, devices.get(within.disk) ?? '']);
  } else {
    const [program, ...args] = commandFor(making, node, { blank: true, tree: fills ? seenTree(place) : undefined });
    await fill(making, () => making.run(program, [...args, device], { timeout: 3600 }));
  }
  making.filled ||= fills;
}

/**
 * Where a partition lies in the file of its disk: filling it there spares the way of all its data
 * through the loop device. Undefined for disks of large sectors, which its file does not tell of.
 */
function placeInFile({ plan, images }: Making, name: string) {
  for (const [disk, { partitions }] of plan.tables) {
    const node = plan.order.find((one) => one.name === disk);
    const found = partitions.find((one) => one.node.name === name);
    const file = images.get(disk);
    if (found && file && node?.kind === 'local_loop' && node.blockSize === 512) {
      return { disk, file, start: found.start, size: found.size };
    }
  }
  return undefined;
}

function commandFor(
  { place, uuid }: Making,
  node: FileSystemNode,
  content: Pick<FileSystemContent, 'blank' | 'offset' | 'tree'>,
): [string, ...string[]] {
  return fileSystemCommand(node, {
    uuid: node.uuid ?? uuid(`file system ${node.name}`),
    defaultOptions: node.name === rootNode ? place.rootOptions : undefined,
    reproducible: place.sourceDateEpoch !== undefined,
    ...content,
  });
}

/** Nothing in the tree belongs to another file system than the root's. */
function otherPlacesAreEmpty({ plan, place }: Making): boolean {
  return plan.nodes.every((node) => {
    if (node.kind !== 'mount' || node.mountPoint === '/') return true;
    const directory = join(seenTree(place), node.mountPoint);
    return !existsSync(directory) || readdirSync(directory).length === 0;
  });
}

async function mount(making: Making, node: MountNode): Promise<void> {
  const { plan, place, runMounting, devices } = making;
  const system = plan.nodes.find(({ name }) => name === node.base);
  if (system?.kind !== 'mkfs' || system.type === 'swap') return;
  const path = node.mountPoint === '/' ? place.mountPoint : join(place.mountPoint, node.mountPoint);
  if (node.mountPoint !== '/') await checkInside(making, node, path);
  await runMounting('mkdir', ['-p', path]);
  const isVfat = system.type === 'vfat';
  // The kernel writes the time of now into it.
  const times = place.sourceDateEpoch !== undefined;
  const staged = isVfat && (times || !(await kernelHas(making, '/proc/filesystems', 'vfat', 'vfat')));
  if (!staged) {
    note(making, { kind: 'mount', path });
    await runMounting('mount', [devices.get(system.base) ?? '', path]);
  }
  making.mounted.push({ node, system, path, staged });
}

/** A link in the image must not lead a mount out to the host. */
async function checkInside({ plan, place, runMounting }: Making, node: MountNode, path: string): Promise<void> {
  const { stdout } = await runMounting('realpath', ['--canonicalize-missing', place.mountPoint, path]);
  const [root = '', real = ''] = stdout.split('\n');
  if (real.startsWith(`${root}/`)) return;
  throw invalidConfig(plan.config.file, node.line, `in the image a link leads ${node.mountPoint} elsewhere`, {
    value: real,
    hint: 'mount at the directory that the link means',
  });
}

/** Whether a list of the kernel ends a line with a word, once the module for it is loaded. */
async function kernelHas({ run }: Making, list: string, word: string, module: string): Promise<boolean> {
  const known = () => new RegExp(`[\\t ]${word}$`, 'm').test(readFileSync(list, 'utf8'));
  if (known()) return true;
  try {
    await run('modprobe', ['--quiet', module], { okStatuses: [0, 1] });
  } catch (error) {
    // A host without modules may lack the program.
    if (!(error instanceof StackwrightError)) throw error;
  }
  return known();
}

async function copyTree({ place, runMounting }: Making): Promise<void> {
  const args = ['--archive', '--one-file-system', `${place.tree}/.`, place.mountPoint];
  await runMounting('cp', args, { timeout: 3600 });
}

/** Puts data on the devices; a full one is an error of its own. */
async function fill({ plan }: Making, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    const said = cause instanceof StackwrightError ? (cause.details.hint ?? '') : '';
    if (!/No space left on device|Could not allocate|while populating file system/.test(said)) throw cause;
    throw new StackwrightError('ImageTooSmall', 'the files of the image do not fit on its file systems', {
      file: plan.config.file,
      value: said.split('\n').at(-1),
      hint: 'make the image larger with --image-size, or its partitions',
      cause,
    });
  }
}

async function release(making: Making): Promise<void> {
  const { mounted, runMounting } = making;
  for (const { path, staged, system } of [...mounted].reverse()) {
    if (staged) await copyStaged(making, path, system);
    else {
      await runMounting('sync', ['--file-system', path]);
      // Less to store; where the file system of the host cannot do it, the image is only larger.
      const trims = system.type !== 'vfat' && system.type !== 'fat';
      if (trims) await runMounting('fstrim', [path], { okStatuses: [0, 1] });
      if (making.place.sourceDateEpoch !== undefined && system.type.startsWith('ext'))
        await remake(making, path, system);
      else await runMounting('umount', [path]);
    }
    mounted.pop();
  }
  await undo(
    making,
    making.made.filter(({ kind }) => kind !== 'file'),
  );
}

/**
 * Makes a mounted ext file system once more from its content. A squashfs between them has the same
 * times for change, access and status change, in the order of names, and none later than it may be.
 */
async function remake(making: Making, path: string, system: FileSystemNode): Promise<void> {
  const { place, devices, runMounting } = making;
  const squashfs = join(place.imageDirectory, `${system.name}.squashfs`);
  note(making, { kind: 'file', path: squashfs });
  const packing = ['-comp', 'zstd', '-Xcompression-level', '1', '-noappend', '-no-progress', '-quiet'];
  await runMounting('mksquashfs', [path, squashfs, ...packing, '-xattrs', '-e', 'lost+found'], { timeout: 3600 });
  await runMounting('umount', [path]);
  await runMounting('mount', ['-o', 'loop,ro', squashfs, path]);
  const [program, ...args] = commandFor(making, system, { tree: path });
  try {
    await fill(making, () => runMounting(program, [...args, devices.get(system.base) ?? ''], { timeout: 3600 }));
  } finally {
    await runMounting('umount', [path]);
  }
  await rm(squashfs, { force: true });
}

/** Files of a directory go to the vfat that it stands for, and are gone from the root file system. */
async function copyStaged(
  { devices, runMounting, place }: Making,
  path: string,
  { base }: FileSystemNode,
): Promise<void> {
  const epoch = place.sourceDateEpoch;
  if (epoch !== undefined) {
    await runMounting('find', [path, '-newermt', `@${epoch}`, '-exec', 'touch', '--date', `@${epoch}`, '{}', '+']);
  }
  // Shell text: `*` of the mounted directory can be expanded only where it is mounted.
  const program =
    'shopt -s nullglob dotglob; cd "$1"; set -- "$2" *; device=$1; shift; [ $# = 0 ] || { mcopy -sQmi "$device" "$@" :: && rm -r -- "$@"; }';
  await runMounting('bash', ['-c', program, 'bash', path, devices.get(base) ?? '']);
}

/** Undoes what was made, newest first; everything is tried before a failure is told. */
async function undo(making: Making, things: TemporaryThing[]): Promise<void> {
  const failures: unknown[] = [];
  for (const { path, staged } of making.mounted.splice(0).reverse()) {
    if (staged) continue;
    // Where its namespace has ended, it is not mounted any more; on the host it is tried once more below.
    await making.runMounting('umount', [path], { signal: undefined }).catch(() => {});
  }
  for (const thing of [...things].reverse()) {
    await undoThing(thing).catch((error) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}
