import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { CommandOptions } from '../base/command.js';
import { startShell } from './background.js';
import {
  type BlockDeviceConfig,
  type BlockDevices,
  blockDeviceParameters,
  chooseBlockDeviceConfig,
  contentSize,
  createBlockDevices,
  imageSize,
  planBlockDevices,
  readBlockDeviceConfig,
  rootOptions,
  treeSize,
  type WantedSize,
} from './block-device/index.js';
import { type Build, type BuildOptions, beginBuild, endBuild, type FinishedBuild, finishBuild } from './build.js';
import { keepImageRecord } from './contents/index.js';
import { openDisks } from './disks.js';
import type { Element } from './elements.js';
import type { Miss } from './layers/index.js';
import { saveManifests, seenManifests } from './manifests.js';
import {
  isDiskFormat,
  isPlainQcow2,
  type OutputFormat,
  type OutputOptions,
  type WrittenOutput,
  writeOutputs,
} from './output.js';
import { blockDevicePhase, lastPhases, phaseSteps, runPhases, treePhases } from './phases.js';
import { leaveReproducible, reportVarying, sourceDateEpoch, uuidFrom } from './reproducible.js';
import { mountSystem, restoreResolver, seenFromHost, tidy, unmountSystem } from './root.js';

export interface ImageOptions extends BuildOptions {
  /** Path of the image without its ending. */
  output: string;
  formats: OutputFormat[];
  size?: WantedSize;
  /** Of the root file system. */
  rootLabel?: string;
  /** More options for the program that makes the root file system, `--mkfs-options`. */
  mkfsOptions?: string;
  /** Blocks to which the root file system may be grown while it is mounted, `--max-online-resize`. */
  maxOnlineResize?: number;
  /** As in `OutputOptions`. */
  write?: Pick<OutputOptions, 'compress' | 'qemuOptions' | 'checksum' | 'overwrite' | 'dockerTarget' | 'aciManifest'>;
}

export interface BuiltImage extends FinishedBuild {
  outputs: WrittenOutput[];
}

/**
 * Builds an image in one or several formats. For those of a disk (`qcow2`, `raw`, `vhd`) block
 * devices are made, and the last phases see the image on its own file systems; for the others the
 * tree is enough. Nothing is left where this is interrupted in whatever way.
 * @throws StackwrightError those of `beginBuild`, `runPhases`, `readBlockDeviceConfig`,
 *   `planBlockDevices`, `createBlockDevices`, `writeOutputs`
 */
export async function buildImage(options: ImageOptions): Promise<BuiltImage> {
  const { build, config } = await beginImage(options);
  const output = resolve(options.output);
  const { temporary, root, logFile, store } = build;
  const written: WrittenOutput[] = [];
  const write = async (source: OutputOptions['source'], place = output) => {
    const { formats, reporter, signal } = options;
    const { arch } = build.place;
    written.push(
      ...(await writeOutputs({
        ...options.write,
        formats,
        sourceDateEpoch: sourceDateEpoch(options.environment),
        source,
        output: place,
        arch,
        temporary,
        reporter,
        signal,
        logFile,
      })),
    );
  };
  const finish = async () => {
    const finished = finishBuild(build);
    await keepImageRecord(output, finished, written);
    return { ...finished, outputs: written };
  };
  try {
    await runPhases(build, treePhases);
    const finished = config ? await finishedState(build, config, options) : undefined;
    const kept = finished && options.formats.every(isDiskFormat) ? store.use(finished) : undefined;
    if (finished && kept?.disk) {
      const { name } = kept.disk;
      const format = name === keptDisks.qcow2 ? 'qcow2' : 'raw';
      const isUnchanged = () => store.use(finished) !== undefined;
      await write({ kind: 'disk', path: store.file(finished, name), format, isUnchanged });
      await saveManifests(store.file(finished, manifestsName), output);
      return await finish();
    }
    await build.layers.begin();
    const devices = config ? await toBlockDevices(build, config, options) : undefined;
    // Beside the work that is left, but not while the tree is read; who waits for it hears of a failure.
    const flushed = devices ? store.flush() : undefined;
    flushed?.catch(() => {});
    await runPhases(build, lastPhases);
    await build.layers.begin();
    await restoreResolver(seenFromHost(root));
    await unmountSystem(root);
    await tidy(seenFromHost(root));
    if (sourceDateEpoch(options.environment) !== undefined) leaveReproducible(seenFromHost(root), options.reporter);
    await write({ kind: 'tree', path: root.path, run: mounting(build) });
    await devices?.release();
    await saveManifests(seenManifests(build), output);
    if (devices) {
      await write({ kind: 'disk', path: devices.image, format: 'raw', consumed: true });
      for (const [name, path] of devices.others)
        await write({ kind: 'disk', path, format: 'raw', consumed: true }, `${output}-${name}`);
      if (finished) await keepDisk(build, finished, devices.image, written, options);
    }
    await (flushed ?? store.flush());
    return await finish();
  } finally {
    await endBuild(build);
  }
}

/** The block devices are chosen before anything is built: scripts are told of them. */
async function beginImage(options: ImageOptions): Promise<{ build: Build; config?: BlockDeviceConfig }> {
  const onDisk = options.formats.some(isDiskFormat);
  let config: BlockDeviceConfig | undefined;
  const build = await beginBuild({ ...options, imageName: basename(options.output) }, (elements, arch) => {
    if (!onDisk) return outputVariables(options);
    config = readConfig(options, elements, arch);
    return { ...outputVariables(options), ...blockDeviceVariables(config) };
  });
  return { build, config };
}

/** What a build would do. */
export interface BuildExplanation {
  /** Steps whose state is kept, and of how many. */
  held: number;
  steps: number;
  /** The first step that would run; none where only the last phases are left, or nothing. */
  next?: Miss;
  /** Whether the disk is kept too, so that only the formats are made of it. */
  disk: boolean;
}

/**
 * Says which step of a build would be the first to run, and why. Nothing is built.
 * @param options those of `buildImage`; without formats those of `buildTree`
 * @throws StackwrightError those of `beginBuild`
 */
export async function explainBuild(options: BuildOptions | ImageOptions): Promise<BuildExplanation> {
  const { build, config } =
    'formats' in options ? await beginImage(options) : { build: await beginBuild(options), config: undefined };
  try {
    const { layers, store } = build;
    const phases = config ? treePhases : [...treePhases, ...lastPhases];
    for (const phase of phases) {
      for (const step of phaseSteps(build, phase)) if (!layers.miss) await layers.next(step);
    }
    const steps = phases.flatMap((phase) => phaseSteps(build, phase)).length;
    const { held, miss } = layers;
    if (miss || !config || !('formats' in options)) return { held, steps, next: miss, disk: false };
    const finished = await finishedState(build, config, options);
    return { held, steps, disk: finished !== undefined && store.use(finished) !== undefined };
  } finally {
    await endBuild(build);
  }
}

/** In the directory of a kept disk. */
const manifestsName = 'manifests';

/** The name of the state in which the disk is whole. Of several disks none is kept. */
async function finishedState(
  build: Build,
  config: BlockDeviceConfig,
  options: ImageOptions,
): Promise<string | undefined> {
  const { size, rootLabel, mkfsOptions, maxOnlineResize } = options;
  const { file: _file, ...devices } = config;
  if (devices.nodes.filter(({ kind }) => kind === 'local_loop').length > 1) return undefined;
  const input = (kind: 'block devices' | 'options', value: object) => ({
    kind,
    name: kind,
    digest: build.store.digest(JSON.stringify(value)),
  });
  const disk = {
    phase: blockDevicePhase.name,
    inside: false,
    name: 'disk',
    inputs: [input('block devices', devices), input('options', { size, rootLabel, mkfsOptions, maxOnlineResize })],
  };
  const phases = [blockDevicePhase, ...lastPhases];
  return await build.layers.foresee([disk, ...phases.flatMap((phase) => phaseSteps(build, phase))]);
}

/** In the directory of a state: the disk, in one of these formats. */
const keptDisks = { raw: 'disk.raw', qcow2: 'disk.qcow2' };

/** So that another format needs no other build. A qcow2 of it is smaller, and at once what most ask for again. */
async function keepDisk(
  build: Build,
  id: string,
  image: string,
  written: WrittenOutput[],
  options: ImageOptions,
): Promise<void> {
  const { store, place, layers } = build;
  const manifests = seenManifests(build);
  const isPlain = isPlainQcow2(options.write ?? {});
  const sharable = written.filter(({ format }) => format === 'raw' || (format === 'qcow2' && isPlain));
  const shared = sharable.find(({ format }) => format === 'qcow2') ?? sharable[0];
  const disk = shared?.format === 'qcow2' ? keptDisks.qcow2 : keptDisks.raw;
  // The user's image takes its place.
  if (shared) await rm(image);
  const files = {
    [disk]: shared ? { shared: shared.path } : image,
    ...(existsSync(manifests) ? { [manifestsName]: manifests } : {}),
  };
  const record = { id, parent: layers.id, phase: blockDevicePhase.name, step: 'disk', inputs: [] };
  const elements = place.elements.map(({ name }) => name);
  const known = { ...record, disk, changed: false, packageIndexes: {}, hooks: [], seconds: 0 };
  await store.add({ ...known, elements }, files);
}

function outputVariables({ formats, write }: ImageOptions): Record<string, string> {
  return {
    IMAGE_TYPE: formats.join(','),
    COMPRESS_IMAGE: write?.compress === false ? '' : 'true',
    DIB_CHECKSUM: write?.checksum ? '1' : '0',
  };
}

function readConfig({ environment, rootLabel }: ImageOptions, elements: Element[], arch: string): BlockDeviceConfig {
  const { text, file } = chooseBlockDeviceConfig(elements, arch, environment);
  const label = rootLabel ?? environment.DIB_ROOT_LABEL;
  return readBlockDeviceConfig(text, file, { type: environment.FS_TYPE, label });
}

/** What scripts are told of the block devices before these exist. */
function blockDeviceVariables(config: BlockDeviceConfig): Record<string, string> {
  const { rootLabel, rootType, bootLabel, mountPoints } = blockDeviceParameters(config);
  return {
    DIB_ROOT_LABEL: rootLabel,
    DIB_ROOT_FSTYPE: rootType,
    DIB_BOOT_LABEL: bootLabel,
    DIB_MOUNTPOINTS: mountPoints.join('|'),
    FS_TYPE: rootType,
  };
}

/** Moves the tree to block devices; the root of the build is then the mounted one. */
async function toBlockDevices(build: Build, config: BlockDeviceConfig, options: ImageOptions): Promise<BlockDevices> {
  const { place, root, temporary, logFile, environment } = build;
  const parameters = blockDeviceParameters(config);
  build.layers.end();
  await unmountSystem(root);
  const tree = join(place.work, 'built');
  await build.sandbox.run('/bin/bash', ['-ec', 'mkdir "$1"; mount --bind "$0" "$1"', place.root, tree], { cwd: '/' });
  const epoch = sourceDateEpoch(options.environment);
  const size = epoch === undefined ? treeSize : contentSize;
  await using _reading = readAhead(join(build.sandbox.view, tree));
  const kibibytes = imageSize(await size(join(build.sandbox.view, tree)), parameters, options.size);
  writeParameters(build, parameters.rootType, parameters.rootLabel);
  environment.DIB_IMAGE_SIZE = String(kibibytes);
  await runPhases(build, [blockDevicePhase]);
  const plan = planBlockDevices(config, kibibytes * 1024);
  if (epoch !== undefined) reportVarying(plan, options.reporter);
  await openDisks(build, plan);
  const devices = await createBlockDevices(plan, {
    temporary,
    imageDirectory: build.disks,
    mountPoint: place.root,
    tree,
    view: build.sandbox.view,
    rootOptions: rootOptions(parameters.rootType, options.size, {
      more: options.mkfsOptions,
      mostBlocks: options.maxOnlineResize,
    }),
    runMounting: mounting(build),
    ...(epoch === undefined ? {} : { sourceDateEpoch: epoch, uuid: (name) => uuidFrom(`${build.identity} ${name}`) }),
    signal: options.signal,
    logFile,
  });
  environment.IMAGE_BLOCK_DEVICE = devices.device;
  environment.IMAGE_BLOCK_DEVICES = devices.deviceArray;
  await mountSystem(root);
  return devices;
}

/**
 * Reads the files of a tree, in the order in which they will be copied, so that who copies them need not wait for the
 * disk. Ends when it is disposed of.
 */
function readAhead(tree: string): AsyncDisposable {
  return startShell('find "$1" -xdev -type f -print0 | xargs -0 cat > /dev/null', [tree]);
}

/** The file that `DIB_BLOCK_DEVICE_PARAMS_YAML` names. */
function writeParameters({ place, environment, sandbox }: Build, rootType: string, rootLabel: string): void {
  const file = join(sandbox.view, environment.DIB_BLOCK_DEVICE_PARAMS_YAML ?? '');
  mkdirSync(dirname(file), { recursive: true });
  const parameters = {
    arch: place.arch,
    'build-dir': place.work,
    'image-dir': join(place.work, 'image'),
    'image-size': `${environment.DIB_IMAGE_SIZE}KiB`,
    'mount-base': place.root,
    'root-fs-type': rootType,
    'root-label': rootLabel,
  };
  writeFileSync(file, stringify(parameters));
}

function mounting({ sandbox }: Build) {
  return (program: string, args: string[], options: CommandOptions = {}) =>
    sandbox.run(program, args, { cwd: '/', ...options });
}
