import type { PartitionSize } from './sizes.js';

interface NodeOf<Kind extends string> {
  kind: Kind;
  /** Unique in a configuration. */
  name: string;
  /** Where it stands in the configuration. */
  line: number;
}

/** A raw image file on a loop device. */
export interface LoopNode extends NodeOf<'local_loop'> {
  /** Bytes; undefined is the size of the image. */
  size?: number;
  /** Where the file is made, instead of the image directory. */
  directory?: string;
  /** Bytes of a logical sector. */
  blockSize: number;
}

export interface PartitionNode extends NodeOf<'partition'> {
  base: string;
  label: 'mbr' | 'gpt';
  /** Bytes. */
  align: number;
  size: PartitionSize;
  boot: boolean;
  primary: boolean;
  /** As it was written; see `partitionType`. */
  type: string;
  /** The partition before it on the same device, in the same partitioning. */
  previous?: string;
}

export interface PhysicalVolumeNode extends NodeOf<'pv'> {
  base: string;
  options: string[];
}

export interface VolumeGroupNode extends NodeOf<'vg'> {
  /** Names of physical volumes. */
  base: string[];
  options: string[];
}

export interface LogicalVolumeNode extends NodeOf<'lv'> {
  /** The volume group. */
  base: string;
  options: string[];
  /** Bytes; one of `size` and `extents` is there. */
  size?: number;
  /** As lvcreate reads it: a number of extents, or percent as in `40%VG`. */
  extents?: string;
  type?: 'thin' | 'thin-pool';
  /** The volume of type `thin-pool` that one of type `thin` is in. */
  thinPool?: string;
}

/** Stands for all of one `lvm` entry: it comes after the devices and before the physical volumes. */
export interface LvmNode extends NodeOf<'lvm'> {
  /** The devices under its physical volumes. */
  devices: string[];
  /** Names of its physical volumes. */
  volumes: string[];
}

export interface FileSystemNode extends NodeOf<'mkfs'> {
  base: string;
  type: string;
  label: string;
  /** Options of the program that makes it; undefined for none of its own. */
  options?: string[];
  uuid?: string;
}

export interface MountNode extends NodeOf<'mount'> {
  base: string;
  mountPoint: string;
  /** The mount before it in the order of mounting. */
  previous?: string;
}

export interface FstabNode extends NodeOf<'fstab'> {
  base: string;
  options?: string;
  dumpFrequency?: number;
  fsckPass?: number;
}

export type DeviceNode =
  | LoopNode
  | PartitionNode
  | PhysicalVolumeNode
  | VolumeGroupNode
  | LogicalVolumeNode
  | LvmNode
  | FileSystemNode
  | MountNode
  | FstabNode;
