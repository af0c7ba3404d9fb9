import { buildCommand, buildRouteMap, numberParser } from '@stricli/core';
import { parseSize, sizeHint } from '../../base/sizes.js';
import type { CliContext } from '../context.js';
import { bomCommand, diffCommand, showCommand } from './image-contents.js';

interface ElementFlags {
  elementsPath?: string;
  /** Off with `--no-base`. */
  base: boolean;
  json: boolean;
}

/** Of every command that runs elements. */
interface RunFlags extends ElementFlags {
  compress: boolean;
  checksum: boolean;
  packages?: string;
  arch?: string;
  force: boolean;
  fresh: boolean;
  shellOnFailure: boolean;
  verbose: boolean;
  offline: boolean;
  bundle?: string;
}

export interface ImageBuildFlags extends RunFlags {
  output?: string;
  type?: string;
  imageSize?: number;
  imageExtraSize?: number;
  rootLabel?: string;
  mkfsOptions?: string;
  mkfsJournalSize?: number;
  maxOnlineResize?: number;
  qemuImgOptions?: string;
  dockerTarget?: string;
  role?: string;
  version?: string;
  name?: string;
}

export interface ImageRamdiskFlags extends RunFlags {
  output: string;
  ramdiskElement?: string;
}

export interface ImageBuildAllFlags {
  dryRun: boolean;
  stopOnFailure: boolean;
  json: boolean;
}

export interface ImageBundleFlags extends ElementFlags {
  output: string;
  type?: string;
  ramdisk: boolean;
  ramdiskElement?: string;
  packages?: string;
  arch?: string;
  name?: string;
  shellOnFailure: boolean;
  verbose: boolean;
}

export interface ImageCacheFlags {
  json: boolean;
}

export interface ImageCachePruneFlags extends ImageCacheFlags {
  keep: number;
}

export interface ImageLintFlags {
  json: boolean;
}

export type ImagePackagesFlags = ElementFlags & { arch?: string };

export interface ImageBlockDeviceFlags {
  json: boolean;
}

export interface ImageElementsFlags extends ElementFlags {
  env: boolean;
  oneLine: boolean;
}

const elementFlags = {
  elementsPath: {
    kind: 'parsed',
    parse: String,
    brief: 'Directories of elements, separated by colons, the first wins (default: ELEMENTS_PATH); ours come last',
    optional: true,
  },
  base: { kind: 'boolean', brief: 'Imply the element base', default: true },
  json: { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false },
} as const;

const archFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'Architecture as Debian names it (default: this host’s)',
  optional: true,
} as const;

const elementNames = {
  kind: 'array',
  parameter: { brief: 'Name of an element', parse: String, placeholder: 'element' },
  minimum: 1,
} as const;

const runFlags = {
  ...elementFlags,
  compress: { kind: 'boolean', brief: 'Compress what is written', default: true },
  checksum: { kind: 'boolean', brief: 'Write .md5 and .sha256 beside it', default: false, withNegated: false },
  packages: { kind: 'parsed', parse: String, brief: 'More packages, separated by commas', optional: true },
  arch: archFlag,
  force: {
    kind: 'boolean',
    brief: 'Replace what was built before',
    default: false,
    withNegated: false,
  },
  fresh: {
    kind: 'boolean',
    brief: 'Run every script, also where the state after it is kept from an earlier build',
    default: false,
    withNegated: false,
  },
  shellOnFailure: {
    kind: 'boolean',
    brief: 'Open a shell where a script fails; other places: break=before-PHASE or after-PHASE in the environment',
    default: false,
    withNegated: false,
  },
  verbose: { kind: 'boolean', brief: 'Name every script', default: false, withNegated: false },
  offline: {
    kind: 'boolean',
    brief: 'Fetch nothing that the image cache has (DIB_OFFLINE=1)',
    default: false,
    withNegated: false,
  },
  bundle: {
    kind: 'parsed',
    parse: String,
    brief: 'Fetch everything from this file, made by image bundle; scripts have no network. Implies --offline',
    optional: true,
  },
} as const;

const runAliases = { o: 'output', p: 'packages', a: 'arch', v: 'verbose' } as const;

const buildFlags = {
  ...runFlags,
  output: {
    kind: 'parsed',
    parse: String,
    brief: 'The image without its ending; without --type the directory of the tree',
    optional: true,
  },
  type: {
    kind: 'parsed',
    parse: String,
    brief: 'Formats, separated by commas: qcow2, raw, vhd, tar, tgz, squashfs, docker, aci',
    optional: true,
  },
  imageSize: { kind: 'parsed', parse: numberParser, brief: 'Size of the disk in GiB', optional: true },
  imageExtraSize: {
    kind: 'parsed',
    parse: numberParser,
    brief: 'MiB to add to the content, instead of two thirds of it',
    optional: true,
  },
  rootLabel: { kind: 'parsed', parse: String, brief: 'Label of the root file system', optional: true },
  mkfsOptions: { kind: 'parsed', parse: String, brief: 'Options for making the root file system', optional: true },
  mkfsJournalSize: {
    kind: 'parsed',
    parse: numberParser,
    brief: 'Journal of an ext4 root in MiB (default: 64)',
    optional: true,
  },
  maxOnlineResize: {
    kind: 'parsed',
    parse: numberParser,
    brief: 'Blocks to which the root can be grown while it is mounted',
    optional: true,
  },
  qemuImgOptions: {
    kind: 'parsed',
    parse: String,
    brief: 'Options for qcow2, as qemu-img reads them',
    optional: true,
  },
  dockerTarget: {
    kind: 'parsed',
    parse: String,
    brief: 'Name and tag of a docker image (default: the name of the output)',
    optional: true,
  },
  role: { kind: 'parsed', parse: String, brief: 'Publish the tree as the role of this name', optional: true },
  version: { kind: 'parsed', parse: String, brief: 'Version of the role, e.g. D12-F.1.0.0', optional: true },
  name: { kind: 'parsed', parse: String, brief: 'Name of the image, for its scripts and its log', optional: true },
} as const;

const buildAliases = { ...runAliases, t: 'type' } as const;

const build = buildCommand<ImageBuildFlags, string[], CliContext>({
  loader: async () => (await import('./image.run.js')).imageBuild,
  parameters: {
    positional: elementNames,
    flags: buildFlags,
    aliases: buildAliases,
  },
  docs: {
    brief: 'Build an image from elements',
    customUsage: [
      { input: 'debian-minimal vm -t qcow2,raw -o /srv/debian', brief: 'Disk images that boot' },
      { input: 'debian-minimal -o /srv/tree', brief: 'Leave the tree in a directory' },
      {
        input: 'debian-minimal bootable-system openssh-server --role web --version D12-F.1.0.0',
        brief: 'Publish it as a role that machines are installed with',
      },
      {
        input: 'debian-minimal vm -t qcow2 -o /srv/debian --offline --bundle /srv/debian.bundle',
        brief: 'Without a network, from what image bundle has collected',
      },
      {
        input: '--elements-path ./elements:/srv/elements my-element -o tree',
        brief: 'With elements of yours; variables such as DIB_RELEASE are read from the environment',
      },
    ],
  },
});

const ramdiskElement = {
  kind: 'parsed',
  parse: String,
  brief: 'The element that puts the ramdisk together (default: RAMDISK_ELEMENT, else ramdisk)',
  optional: true,
} as const;

const ramdisk = buildCommand<ImageRamdiskFlags, string[], CliContext>({
  loader: async () => (await import('./image.run.js')).imageRamdisk,
  parameters: {
    positional: elementNames,
    flags: {
      ...runFlags,
      output: { kind: 'parsed', parse: String, brief: 'The files without their endings .kernel and .initramfs' },
      ramdiskElement,
    },
    aliases: runAliases,
  },
  docs: {
    brief: 'Build a ramdisk and its kernel from elements',
    customUsage: [
      { input: 'debian-minimal my-element -o /srv/probe', brief: '/srv/probe.kernel and /srv/probe.initramfs' },
      {
        input: '--elements-path ./elements debian-minimal my-element -o probe',
        brief: 'With elements of yours; DIB_KERNEL_PACKAGE in the environment names the kernel',
      },
    ],
  },
});

const buildAll = buildCommand<ImageBuildAllFlags, string[], CliContext>({
  loader: async () => (await import('./image.run.js')).imageBuildAll,
  parameters: {
    positional: {
      kind: 'array',
      parameter: { brief: 'List of images, YAML', parse: String, placeholder: 'file' },
      minimum: 1,
    },
    flags: {
      dryRun: { kind: 'boolean', brief: 'Print the commands and build nothing', default: false, withNegated: false },
      stopOnFailure: {
        kind: 'boolean',
        brief: 'Begin no other image after one that failed',
        default: false,
        withNegated: false,
      },
      json: elementFlags.json,
    },
  },
  docs: {
    brief: 'Build every image of a list, as diskimage-builder FILE.yaml does',
    customUsage: [
      { input: 'images.yaml', brief: 'One after the other; those after a failed one too' },
      { input: '--dry-run base.yaml more.yaml', brief: 'What two files together would build' },
    ],
  },
});

const bundle = buildCommand<ImageBundleFlags, string[], CliContext>({
  loader: async () => (await import('./image.run.js')).imageBundle,
  parameters: {
    positional: elementNames,
    flags: {
      ...elementFlags,
      output: { kind: 'parsed', parse: String, brief: 'The bundle, a tar; one that is there is replaced' },
      type: { ...buildFlags.type, brief: 'Formats that are to be built from it: for a disk more is fetched' },
      ramdisk: { kind: 'boolean', brief: 'For image ramdisk', default: false, withNegated: false },
      ramdiskElement,
      packages: buildFlags.packages,
      arch: archFlag,
      name: buildFlags.name,
      shellOnFailure: buildFlags.shellOnFailure,
      verbose: buildFlags.verbose,
    },
    aliases: buildAliases,
  },
  docs: {
    brief: 'Collect everything that a build fetches in one file, from which it can be built without a network',
    customUsage: [
      { input: 'debian-minimal vm -t qcow2 -o /srv/debian.bundle', brief: 'For image build --offline --bundle' },
      { input: '--ramdisk debian-minimal my-element -o /srv/probe.bundle', brief: 'For image ramdisk --bundle' },
    ],
  },
});

const why = buildCommand<ImageBuildFlags, string[], CliContext>({
  loader: async () => (await import('./image.run.js')).imageWhy,
  parameters: { positional: elementNames, flags: buildFlags, aliases: buildAliases },
  docs: {
    brief: 'Say which step of a build would be the first to run, and what has changed',
    customUsage: [
      { input: 'debian-minimal vm -t qcow2 -o /srv/debian', brief: 'The words of the build, with why' },
      { input: '--json debian-minimal vm -t qcow2', brief: 'Every changed input with its kind' },
    ],
  },
});

const cacheList = buildCommand<ImageCacheFlags, [], CliContext>({
  loader: async () => (await import('./image-cache.run.js')).imageCacheList,
  parameters: { flags: { json: elementFlags.json } },
  docs: {
    brief: 'List kept states of builds, those first that were used last',
    customUsage: [{ input: '', brief: 'Size, age, last use, step, elements' }],
  },
});

const cachePrune = buildCommand<ImageCachePruneFlags, [], CliContext>({
  loader: async () => (await import('./image-cache.run.js')).imageCachePrune,
  parameters: {
    flags: {
      keep: { kind: 'parsed', parse: parseBytes, brief: 'Size of what stays, such as 20G', default: '20G' },
      json: elementFlags.json,
    },
  },
  docs: {
    brief: 'Remove kept states that were not used for the longest time; what a running build uses stays',
    customUsage: [
      { input: '--keep 20G', brief: 'As every build does by itself' },
      { input: '--keep 0', brief: 'Remove all' },
    ],
  },
});

function parseBytes(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new Error(`${text} is no size: ${sizeHint}`);
}

const elements = buildCommand<ImageElementsFlags, string[], CliContext>({
  loader: async () => (await import('./image.run.js')).imageElements,
  parameters: {
    positional: elementNames,
    flags: {
      ...elementFlags,
      env: { kind: 'boolean', brief: 'Print exports that a shell can eval', default: false, withNegated: false },
      oneLine: { kind: 'boolean', brief: 'Print the names in one line', default: false, withNegated: false },
    },
  },
  docs: {
    brief: 'List elements with all that they depend on',
    customUsage: [
      { input: 'debian-minimal openssh-server', brief: 'One name a line' },
      { input: '--json debian-minimal', brief: 'Names and directories' },
      { input: '--no-base --env debian-minimal', brief: 'As element-info --env of diskimage-builder' },
    ],
  },
});

const packages = buildCommand<ImagePackagesFlags, string[], CliContext>({
  loader: async () => (await import('./image.run.js')).imagePackages,
  parameters: { positional: elementNames, flags: { ...elementFlags, arch: archFlag } },
  docs: {
    brief: 'List the packages that elements install and remove, by phase',
    customUsage: [
      { input: 'debian-minimal openssh-server', brief: 'Phase, + or -, package, element' },
      { input: '--json debian-minimal', brief: 'As in /tmp/package-installs.json of the image' },
    ],
  },
});

const lint = buildCommand<ImageLintFlags, string[], CliContext>({
  loader: async () => (await import('./image.run.js')).imageLint,
  parameters: {
    positional: {
      kind: 'array',
      parameter: { brief: 'Directory of elements (default: elements)', parse: String, placeholder: 'directory' },
    },
    flags: { json: elementFlags.json },
  },
  docs: {
    brief: 'Check the form of elements’ files, as dib-lint does',
    customUsage: [
      { input: '', brief: 'Check the elements in ./elements' },
      { input: '--json /srv/elements', brief: 'Findings with file, line and rule' },
    ],
  },
});

const blockDevice = buildCommand<ImageBlockDeviceFlags, [string], CliContext>({
  loader: async () => (await import('./image.run.js')).imageBlockDevice,
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Configuration of block devices, YAML', parse: String, placeholder: 'file' }],
    },
    flags: { json: elementFlags.json },
  },
  docs: {
    brief: 'Check a configuration of block devices and say in which order they are made; makes nothing',
    customUsage: [
      { input: 'disk.yaml', brief: 'Name, kind and base, one line each, in their order' },
      { input: '--json disk.yaml', brief: 'Nodes with their settings, edges, order' },
    ],
  },
});

const cache = buildRouteMap({
  routes: { ls: cacheList, prune: cachePrune },
  docs: { brief: 'States of builds that are kept, so that later builds start there' },
});

export const imageRoutes = buildRouteMap({
  routes: {
    build,
    ramdisk,
    'build-all': buildAll,
    bundle,
    why,
    cache,
    show: showCommand,
    diff: diffCommand,
    bom: bomCommand,
    elements,
    packages,
    'block-device': blockDevice,
    lint,
  },
  docs: { brief: 'Images from elements of diskimage-builder' },
});
