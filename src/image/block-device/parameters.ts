import { type BlockDeviceConfig, rootNode } from './config.js';
import { invalidConfig } from './located-yaml.js';
import type { FileSystemNode } from './nodes.js';
import { isEfiSystemPartition } from './partition-types.js';

/** What scripts of elements are told of the block devices, before these exist. */
export interface BlockDeviceParameters {
  /** `DIB_ROOT_LABEL` */
  rootLabel: string;
  /** `DIB_ROOT_FSTYPE` */
  rootType: string;
  /** `DIB_BOOT_LABEL`: of the file system at `/boot`; empty without one. */
  bootLabel: string;
  /** `DIB_MOUNTPOINTS` before they are joined with `|`, in the order of the configuration. */
  mountPoints: string[];
  /** There is an EFI system partition, which the size of an image makes room for. */
  efi: boolean;
}

/** @throws StackwrightError `BlockDeviceConfigInvalid` where nothing is mounted at `/` */
export function blockDeviceParameters(config: BlockDeviceConfig): BlockDeviceParameters {
  const { nodes, file } = config;
  const root = fileSystemAt(config, '/');
  if (!root) {
    throw invalidConfig(file, 1, 'nothing is mounted at /', {
      hint: `give a mkfs "mount: { mount_point: / }"; one of the name ${rootNode} gets the type and label of the root`,
    });
  }
  return {
    rootLabel: root.label,
    rootType: root.type,
    bootLabel: fileSystemAt(config, '/boot')?.label ?? '',
    mountPoints: nodes.flatMap((node) =>
      node.kind === 'mount' && !isSwap(config, node.base) ? [node.mountPoint] : [],
    ),
    efi: nodes.some((node) => node.kind === 'partition' && isEfiSystemPartition(node)),
  };
}

/** The file system that is mounted at a directory. */
export function fileSystemAt({ nodes }: BlockDeviceConfig, mountPoint: string): FileSystemNode | undefined {
  const mount = nodes.find((node) => node.kind === 'mount' && node.mountPoint === mountPoint);
  return nodes.find((node) => node.kind === 'mkfs' && mount?.kind === 'mount' && node.name === mount.base) as
    | FileSystemNode
    | undefined;
}

function isSwap({ nodes }: BlockDeviceConfig, name: string): boolean {
  return nodes.some((node) => node.kind === 'mkfs' && node.name === name && node.type === 'swap');
}
