import { shellQuote } from '../../base/command.js';
import { StackwrightError } from '../../base/errors.js';
import type { Json } from '../../base/events.js';
import type { Facts } from '../facts.js';
import { bytesOf, contentsOf, type LayoutFile } from './read.js';
import type { Content, Layout } from './schema.js';
import { gigabytes, MIB, neededBytes, wholeExtents, wholeMebibytes } from './sizes.js';

/** A machine for which a layout is rendered. */
export interface LayoutMachine {
  /** What the specs and the CMDB bound. */
  variables: Readonly<Record<string, Json>>;
  facts: Facts;
}

/** A layout whose devices are known. */
interface Resolved {
  layout: Layout;
  /** Paths of disks, by their names in the layout. */
  disks: Map<string, string>;
  /** Paths of partitions, arrays and volumes, by their names (a volume's is GROUP/NAME). */
  devices: Map<string, string>;
  /** Text with its variables replaced. */
  text(value: string, path: readonly PropertyKey[]): string;
}

/**
 * The configure script, in shell, that a layout means for a machine: it asks first whether all disks
 * are large enough, and then writes. The prologue of shell scripts has to stand before it.
 * @param name of the layout, for the head of the script
 * @throws StackwrightError `LayoutInvalid` for a variable that the machine has not,
 *   `LayoutDoesNotFit` where its facts show that a disk is missing or too small
 */
export function renderLayout(file: LayoutFile, name: string, machine: LayoutMachine): string {
  const resolved = resolve(file, machine);
  checkDisks(file, resolved, machine.facts);
  const { layout, text } = resolved;
  const { role } = layout;
  const boot = bootDisks(resolved);
  const esps = contentsOf(layout).filter(({ content }) => content.format === 'esp' && content.mount === undefined);
  return [
    '#!/bin/sh',
    `# What ${name} means for this machine.`,
    'set -eu',
    ...questions(resolved),
    ...(Object.keys(layout.raid).length > 0 ? ARRAYS : []),
    ...[...resolved.disks.keys()].flatMap((disk) => partitionLines(resolved, disk)),
    ...Object.keys(layout.raid).flatMap((array) => raidLines(resolved, array)),
    ...Object.keys(layout.lvm).flatMap((group) => groupLines(resolved, group)),
    ...fileSystemLines(resolved),
    ...tableLines(resolved),
    '',
    '# What is installed, and from where it starts',
    ...(layout.kernel_options ? [`grub_options ${shellQuote(text(layout.kernel_options, ['kernel_options']))}`] : []),
    `_append_vars BOOT_DISKS ${shellQuote(boot.join(' '))}`,
    ...(esps.length > 0
      ? [`_append_vars EXTRA_ESPS ${shellQuote(esps.map((esp) => deviceOf(resolved, esp)).join(' '))}`]
      : []),
    `set_role ${shellQuote(text(role.name, ['role', 'name']))} ${shellQuote(text(role.version, ['role', 'version']))} ${boot[0]}`,
    '',
  ].join('\n');
}

function resolve(file: LayoutFile, { variables }: LayoutMachine): Resolved {
  const { layout, wrong } = file;
  const text: Resolved['text'] = (value, path) => replaceVariables(file, variables, value, path);
  const disks = new Map<string, string>();
  const devices = new Map<string, string>();
  for (const [disk, { device, table, partitions }] of Object.entries(layout.disks)) {
    const path = ['disks', disk, 'device'];
    const name = text(device, path).replace(/^\/dev\//, '');
    if (!/^[a-z][a-z0-9]{1,31}$/.test(name)) throw wrong(path, 'it is no name of a disk', name, 'for instance vda');
    if ([...disks.values()].includes(`/dev/${name}`)) throw wrong(path, 'two disks are the same', name);
    disks.set(disk, `/dev/${name}`);
    const first = table === 'gpt' ? 2 : 1;
    const stem = /\d$/.test(name) ? `/dev/${name}p` : `/dev/${name}`;
    for (const [at, part] of Object.keys(partitions).entries()) devices.set(part, `${stem}${first + at}`);
  }
  for (const [at, array] of Object.keys(layout.raid).entries()) devices.set(array, `/dev/md${at}`);
  for (const [group, { volumes }] of Object.entries(layout.lvm)) {
    for (const volume of Object.keys(volumes)) devices.set(`${group}/${volume}`, `/dev/mapper/${group}-${volume}`);
  }
  return { layout, disks, devices, text };
}

/** `$name` is a variable, `$$` a dollar sign. */
export function replaceVariables(
  { wrong }: LayoutFile,
  variables: LayoutMachine['variables'],
  value: string,
  path: readonly PropertyKey[],
): string {
  return value.replaceAll(/\$(\$|[A-Za-z_]\w*)/g, (whole, name: string) => {
    if (name === '$') return '$';
    const found = variables[name];
    if (typeof found === 'string' || typeof found === 'number') return String(found);
    const known = Object.keys(variables).sort().join(', ');
    throw wrong(path, 'the machine has no such variable', whole, `the specs and the CMDB give it: ${known || 'none'}`);
  });
}

function checkDisks({ layout }: LayoutFile, { disks }: Resolved, facts: Facts): void {
  for (const [name, path] of disks) {
    const device = path.slice('/dev/'.length);
    const sizes = facts.filter(([kind, , key]) => kind === 'disk' && key === 'size');
    const size = sizes.find(([, instance]) => instance === device)?.[3];
    const needed = neededBytes(layout, name);
    const has = sizes.map(([, instance, , gb]) => `${instance} (${gb} GB)`).join(', ') || 'none';
    // The fact is whole gigabytes, rounded down; the script asks the disk itself.
    if (size !== undefined && !(needed >= (Number(size) + 1) * 1e9)) continue;
    const message =
      size === undefined
        ? `the layout wants the disk ${device}, which the machine has not got`
        : `the layout needs ${gigabytes(needed)} on the disk ${device}, which has ${size} GB`;
    const hint = `the machine's disks are ${has}; nothing was written`;
    throw new StackwrightError('LayoutDoesNotFit', message, { value: device, hint });
  }
}

function questions({ layout, disks }: Resolved): string[] {
  return [
    '',
    '# Nothing is written before all disks are there and large enough.',
    'needs() {',
    '  _has=$(blockdev --getsize64 "$1" 2> /dev/null || echo 0)',
    '  [ "$_has" -lt "$2" ] || return 0',
    '  echo "the layout needs $2 bytes on the disk $1, which has $_has; nothing was written" | tee "$_root/run/configure.reason"',
    '  exit 1',
    '}',
    ...[...disks].map(([name, path]) => `needs ${path} ${neededBytes(layout, name)}`),
  ];
}

const ARRAYS = [
  '',
  '# Arrays: new ones are brought in step when the machine is up; now that would only slow the copy.',
  "run 'modprobe -q md_mod'",
  'echo 1000 > /proc/sys/dev/raid/speed_limit_max',
  // Without one mdadm's monitor does not start.
  'echo MAILADDR root | config /etc/mdadm/mdadm.conf',
];

function partitionLines({ layout, disks, devices }: Resolved, disk: string): string[] {
  const path = disks.get(disk) ?? '';
  const { table, partitions } = layout.disks[disk] ?? { table: 'gpt', partitions: {} };
  const members = new Set(Object.values(layout.raid).flatMap((raid) => raid.members));
  const groups = new Set(Object.values(layout.lvm).flatMap((group) => group.members));
  let at = 1;
  const words: string[] = [];
  if (table === 'gpt') {
    // GRUB for BIOS lives here; UEFI does not need it, and a megabyte is no loss.
    words.push(`mkpart bios_boot ${at}MiB ${at + 1}MiB`, 'set 1 bios_grub on');
    at += 1;
  }
  for (const [index, [name, { size, format }]] of Object.entries(partitions).entries()) {
    const number = index + (table === 'gpt' ? 2 : 1);
    const bytes = bytesOf(size);
    const end = bytes === undefined ? '100%' : `${at + wholeMebibytes(bytes)}MiB`;
    words.push(`mkpart ${table === 'gpt' ? name : 'primary'} ${at}MiB ${end}`);
    if (format === 'esp') words.push(`set ${number} esp on`);
    else if (members.has(name)) words.push(`set ${number} raid on`);
    else if (groups.has(name)) words.push(`set ${number} lvm on`);
    if (bytes !== undefined) at += wholeMebibytes(bytes);
  }
  // Some firmware starts only a disk with a partition that is marked so.
  if (table === 'msdos') words.push('set 1 boot on');
  const own = Object.keys(partitions).map((name) => devices.get(name));
  return [
    '',
    `# The disk ${disk}`,
    `run 'wipefs --all --force --quiet ${path}'`,
    `run 'parted --script --align optimal ${path} mklabel ${table} ${words.join(' ')}'`,
    `run 'wipefs --all --force --quiet ${own.join(' ')}'`,
  ];
}

function raidLines({ layout, devices }: Resolved, array: string): string[] {
  const { level, members } = layout.raid[array] ?? { level: 1, members: [] };
  const paths = members.map((member) => devices.get(member));
  // "any" as the host makes every machine take the array for its own.
  const options = `--run --level=${level} --raid-devices=${members.length} --metadata=1.2 --homehost=any --name=${array}`;
  const bitmap = level === 0 ? '' : ' --bitmap=internal';
  return [
    '',
    `# The array ${array}`,
    `run 'modprobe -q raid${level === 5 || level === 6 ? '456' : level}'`,
    `run 'mdadm --create ${devices.get(array)} ${options}${bitmap} ${paths.join(' ')}'`,
    `run 'wipefs --all --force --quiet ${devices.get(array)}'`,
    `mdadm --detail --brief ${devices.get(array)} | sed 's|^ARRAY [^ ]*|ARRAY /dev/md/${array}|' | config /etc/mdadm/mdadm.conf a`,
  ];
}

function groupLines({ layout, devices }: Resolved, group: string): string[] {
  const { members, volumes } = layout.lvm[group] ?? { members: [], volumes: {} };
  const paths = members.map((member) => devices.get(member)).join(' ');
  return [
    '',
    `# The volume group ${group}`,
    'export DM_DISABLE_UDEV=1',
    "run 'modprobe -q dm_mod'",
    `run 'pvcreate --quiet --yes --force ${paths}'`,
    `run 'vgcreate --quiet ${group} ${paths}'`,
    ...Object.entries(volumes).map(([name, { size }]) => {
      const bytes = bytesOf(size);
      const space = bytes === undefined ? '--extents 100%FREE' : `--size ${wholeExtents(bytes) / MIB}m`;
      return `run 'lvcreate --quiet --yes --wipesignatures y ${space} --name ${name} ${group}'`;
    }),
  ];
}

type Placed = ReturnType<typeof contentsOf>[number];

function deviceOf({ devices }: Resolved, { name, path }: Placed): string {
  return devices.get(path[0] === 'lvm' ? `${path[1]}/${name}` : name) ?? '';
}

const MAKERS: Record<NonNullable<Content['format']>, string> = {
  ext2: 'mkfs.ext2 -q -F',
  ext3: 'mkfs.ext3 -q -F',
  ext4: 'mkfs.ext4 -q -F',
  xfs: 'mkfs.xfs -q -f',
  vfat: 'mkfs.vfat',
  swap: 'mkswap',
  esp: 'mkfs.vfat -F 32',
};

const typeOf = (format: string) => (format === 'esp' ? 'vfat' : format);

function fileSystemLines(resolved: Resolved): string[] {
  const all = contentsOf(resolved.layout);
  return [
    '',
    '# File systems and swap',
    ...all.flatMap((one) =>
      one.content.format ? [`run '${MAKERS[one.content.format]} ${deviceOf(resolved, one)}'`] : [],
    ),
    '',
    ...inMountOrder(all).flatMap((one) => {
      const { mount = '/', format = '' } = one.content;
      const point = mount === '/' ? '/chroot' : `/chroot${mount}`;
      return [`run 'mkdir -p ${point} && mount -t ${typeOf(format)} ${deviceOf(resolved, one)} ${point}'`];
    }),
  ];
}

function inMountOrder(all: Placed[]): Placed[] {
  const depth = ({ content: { mount = '' } }: Placed) => mount.split('/').filter(Boolean).length;
  return all.filter(({ content }) => content.mount !== undefined).sort((a, b) => depth(a) - depth(b));
}

/** `/etc/fstab` of the installed system: by UUID, which holds when disks change their names. */
function tableLines(resolved: Resolved): string[] {
  const all = contentsOf(resolved.layout);
  const swaps = all.filter(({ content }) => content.format === 'swap');
  const line = (one: Placed, point: string, type: string, options: string, pass: number) =>
    `echo "UUID=$(blkid -o value -s UUID ${deviceOf(resolved, one)}) ${point} ${type} ${options} 0 ${pass}"`;
  return [
    '',
    '# What the installed system mounts',
    '{',
    ...inMountOrder(all).map((one) => {
      const { mount = '/', format = '', options = format === 'esp' ? 'umask=0077' : 'defaults' } = one.content;
      return `  ${line(one, mount, typeOf(format), options, mount === '/' ? 1 : 2)}`;
    }),
    ...swaps.map((one) => `  ${line(one, 'none', 'swap', one.content.options ?? 'sw', 0)}`),
    '} | config /etc/fstab',
  ];
}

/** The disks from which firmware may start: those below `/boot`, or below `/`. */
function bootDisks({ layout, disks }: Resolved): string[] {
  const contents = contentsOf(layout);
  const boot =
    contents.find(({ content }) => content.mount === '/boot') ?? contents.find(({ content }) => content.mount === '/');
  const below = (names: string[]): string[] =>
    names.flatMap((name) => {
      const disk = Object.entries(layout.disks).find(([, { partitions }]) => name in partitions)?.[0];
      return disk === undefined ? below(layout.raid[name]?.members ?? []) : [disk];
    });
  const [kind, owner = ''] = boot?.path ?? [];
  const members = kind === 'lvm' ? (layout.lvm[owner]?.members ?? []) : [boot?.name ?? ''];
  return [...new Set(below(members))].map((disk) => disks.get(disk) ?? '');
}
