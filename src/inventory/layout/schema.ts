import { z } from 'zod';
import { parseSize, sizeHint } from '../../base/sizes.js';

/** A name of a disk, partition, array, group or volume: it becomes part of names of devices and labels. */
const Name = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,15}$/, 'a name is a letter and then letters, digits and _, 16 at most');

/** A text in which `$name` stands for a variable of the specs or the CMDB. */
const Text = z.string().min(1).max(200);

const Size = z
  .union([z.number(), z.string()])
  .refine((size) => (parseSize(String(size)) ?? 0) > 0, `a size is ${sizeHint}`)
  .meta({ description: `${sizeHint}, for instance 512MiB` });

const SizeOrRest = z.union([z.literal('rest'), Size]).meta({ description: 'A size, or rest: all that is left' });

/** What a partition, an array or a volume holds. */
const content = {
  format: z
    .enum(['ext2', 'ext3', 'ext4', 'xfs', 'vfat', 'swap', 'esp'])
    .optional()
    .meta({ description: 'The file system; esp is the vfat that UEFI starts from' }),
  mount: z
    .string()
    .regex(/^\/[A-Za-z0-9._/-]{0,99}$/, 'a mount point is an absolute path')
    .optional(),
  options: z
    .string()
    .regex(/^[A-Za-z0-9_=.,:-]{1,200}$/, 'mount options are words with commas between them')
    .optional()
    .meta({ description: 'Mount options for /etc/fstab; defaults unless told' }),
};

const Partition = z.strictObject({ size: SizeOrRest, ...content });

const Disk = z.strictObject({
  device: Text.meta({ description: 'vda, /dev/vda, or a variable of the specs: $disk' }),
  table: z.enum(['gpt', 'msdos']).default('gpt'),
  partitions: z.record(Name, Partition),
});

const Raid = z.strictObject({
  level: z.union([z.literal(0), z.literal(1), z.literal(5), z.literal(6), z.literal(10)]),
  members: z.array(Name).min(2).meta({ description: 'Partitions' }),
  ...content,
});

const Group = z.strictObject({
  members: z.array(Name).min(1).meta({ description: 'Partitions or arrays' }),
  volumes: z.record(Name, z.strictObject({ size: SizeOrRest, ...content })),
});

const Interface = z.strictObject({
  mac: Text.optional().meta({ description: 'The card with this address' }),
  bond: z
    .strictObject({ members: z.array(Name).min(1), mode: z.string().regex(/^[a-z0-9.-]{1,20}$/) })
    .optional()
    .meta({ description: 'Several interfaces as one' }),
  vlan: z
    .strictObject({ id: z.number().int().min(1).max(4094), on: Name })
    .optional()
    .meta({ description: 'A tagged network on another interface' }),
  addresses: z.array(Text).default([]).meta({ description: 'ADDRESS/LENGTH, or dhcp, or dhcp6' }),
  gateway: Text.optional(),
  mtu: z.number().int().min(576).max(65_535).optional(),
});

const Network = z.strictObject({
  interfaces: z.record(Name, Interface),
  dns: z.array(Text).default([]),
});

/** `NAME.layout.yaml`: what becomes of a machine's disks, and of its network. */
export const Layout = z.strictObject({
  role: z.strictObject({ name: Text, version: Text }),
  disks: z.record(Name, Disk),
  raid: z.record(Name, Raid).default({}),
  lvm: z.record(Name, Group).default({}),
  network: Network.optional(),
  kernel_options: Text.optional().meta({ description: 'Added to the kernel line of the installed system' }),
});

export type Layout = z.infer<typeof Layout>;
export type Content = z.infer<typeof Partition>;
