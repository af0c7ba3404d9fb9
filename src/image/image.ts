import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { CommandOptions } from '../base/command.js';
import {
  type BlockDeviceConfig,
  type BlockDevices,
  blockDeviceParameters,
  chooseBlockDeviceConfig,
  createBlockDevices,
  imageSize,
  planBlockDevices,
  readBlockDeviceConfig,
  rootOptions,
  treeSize,
  type WantedSize,
} from './block-device/index.js';
import {
  type Build,
  type BuildOptions,
  beginBuild,
  blockDevicePhase,
  type FinishedBuild,
  finishBuild,
  lastPhases,
  runPhases,
  treePhases,
} from './build.js';
import type { Element } from './elements.js';
import { isDiskFormat, type OutputFormat, type OutputOptions, type WrittenOutput, writeOutputs } from './output.js';
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
  write?: Pick<OutputOptions, 'compress' | 'qemuOptions' | 'checksum' | 'overwrite'>;
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
  const onDisk = options.formats.some(isDiskFormat);
  const output = resolve(options.output);
  let config: BlockDeviceConfig | undefined;
  const environment = { DIB_MANIFEST_SAVE_DIR: `${output}.d/`, ...options.environment };
  const build = await beginBuild({ ...options, environment, imageName: basename(output) }, (elements, arch) => {
    if (!onDisk) return outputVariables(options);
    config = readConfig(options, elements, arch);
    return { ...outputVariables(options), ...blockDeviceVariables(config) };
  });
  const { sandbox, temporary, root, logFile } = build;
  const written: WrittenOutput[] = [];
  const write = async (source: OutputOptions['source']) => {
    const { formats, reporter, signal } = options;
    written.push(
      ...(await writeOutputs({ ...options.write, formats, source, output, temporary, reporter, signal, logFile })),
    );
  };
  try {
    await runPhases(build, treePhases);
    const devices = config ? await toBlockDevices(build, config, options) : undefined;
    await runPhases(build, lastPhases);
    await restoreResolver(seenFromHost(root));
    await unmountSystem(root);
    await tidy(seenFromHost(root));
    await write({ kind: 'tree', path: root.path, run: mounting(build) });
    await devices?.release();
    await sandbox.end();
    if (devices) await write({ kind: 'disk', path: devices.image });
    return { ...finishBuild(build), outputs: written };
  } finally {
    await sandbox.end();
    await temporary.undo();
  }
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
  await unmountSystem(root);
  const tree = join(place.work, 'built');
  await rename(place.root, tree);
  await mkdir(place.root);
  const kibibytes = imageSize(await treeSize(tree), parameters, options.size);
  writeParameters(build, parameters.rootType, parameters.rootLabel);
  environment.DIB_IMAGE_SIZE = String(kibibytes);
  await runPhases(build, [blockDevicePhase]);
  const devices = await createBlockDevices(planBlockDevices(config, kibibytes * 1024), {
    temporary,
    imageDirectory: join(place.work, 'image'),
    mountPoint: place.root,
    tree,
    rootOptions: rootOptions(parameters.rootType, options.size, {
      more: options.mkfsOptions,
      mostBlocks: options.maxOnlineResize,
    }),
    runMounting: mounting(build),
    signal: options.signal,
    logFile,
  });
  environment.IMAGE_BLOCK_DEVICE = devices.device;
  environment.IMAGE_BLOCK_DEVICES = devices.deviceArray;
  await mountSystem(root);
  return devices;
}

/** The file that `DIB_BLOCK_DEVICE_PARAMS_YAML` names. */
function writeParameters({ place, environment }: Build, rootType: string, rootLabel: string): void {
  const file = environment.DIB_BLOCK_DEVICE_PARAMS_YAML ?? '';
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
