import { StackwrightError } from '../../base/errors.js';
import { parseSize } from '../../base/sizes.js';
import { readYaml, type YamlMistake, type YamlPath } from '../../base/yaml.js';
import { type Content, Layout } from './schema.js';

/** A layout as it was written, and where. */
export interface LayoutFile {
  layout: Layout;
  /** A mistake in the value at `path`, to be thrown. */
  wrong(path: YamlPath, message: string, value?: string, hint?: string): StackwrightError;
}

/**
 * Reads `NAME.layout.yaml` and checks all that can be known without a machine.
 * @throws StackwrightError `LayoutInvalid` with file, line, value
 */
export function parseLayout(text: string, file: string): LayoutFile {
  const yaml = readYaml(text, Layout);
  const wrong: LayoutFile['wrong'] = (path, message, value, hint) =>
    invalid(file, { path, message, value, ...yaml.placeOf(path) }, hint);
  if (yaml.mistake) throw invalid(file, yaml.mistake);
  const read = { layout: yaml.data, wrong };
  checkLayout(read);
  return read;
}

function invalid(file: string, mistake: YamlMistake, hint = 'see docs/reference/layout.md'): StackwrightError {
  const { path, message, line, column, value } = mistake;
  const where = path.length > 0 ? `${path.map(String).join('.')}: ` : '';
  return new StackwrightError('LayoutInvalid', where + message, { file, line, column, value, hint });
}

/** All partitions, arrays and volumes with what they hold and where that is written. */
export function contentsOf(layout: Layout): { name: string; path: string[]; content: Content }[] {
  return [
    ...Object.entries(layout.disks).flatMap(([disk, { partitions }]) =>
      Object.entries(partitions).map(([name, content]) => ({
        name,
        path: ['disks', disk, 'partitions', name],
        content,
      })),
    ),
    ...Object.entries(layout.raid).map(([name, raid]) => ({
      name,
      path: ['raid', name],
      content: { ...raid, size: 'rest' as const },
    })),
    ...Object.entries(layout.lvm).flatMap(([group, { volumes }]) =>
      Object.entries(volumes).map(([name, content]) => ({ name, path: ['lvm', group, 'volumes', name], content })),
    ),
  ];
}

function checkLayout(read: LayoutFile): void {
  checkContents(read);
  checkMembers(read);
  checkRest(read);
  const { layout, wrong } = read;
  for (const [name, { table, partitions }] of Object.entries(layout.disks)) {
    if (table === 'msdos' && Object.keys(partitions).length > 4) {
      throw wrong(['disks', name, 'partitions'], 'an msdos table has room for four partitions', undefined, 'use gpt');
    }
  }
  for (const [name, card] of Object.entries(layout.network?.interfaces ?? {})) {
    if ([card.mac, card.bond, card.vlan].filter((kind) => kind !== undefined).length !== 1) {
      throw wrong(['network', 'interfaces', name], 'an interface has one of mac, bond and vlan');
    }
    const known = layout.network?.interfaces ?? {};
    const missing = [...(card.bond?.members ?? []), ...(card.vlan ? [card.vlan.on] : [])].find(
      (one) => !(one in known),
    );
    if (missing) throw wrong(['network', 'interfaces', name], 'there is no such interface', missing);
  }
}

function checkContents({ layout, wrong }: LayoutFile): void {
  const contents = contentsOf(layout);
  const mounts = new Map<string, string>();
  for (const { path, content } of contents) {
    const { format, mount } = content;
    if (mount !== undefined && (format === undefined || format === 'swap')) {
      throw wrong(path, 'only a file system can be mounted', mount, 'give it a format such as ext4');
    }
    if (mount !== undefined && mounts.has(mount)) throw wrong([...path, 'mount'], 'it is mounted twice', mount);
    if (mount !== undefined) mounts.set(mount, path.join('.'));
    if (format === 'esp' && path[0] !== 'disks') {
      throw wrong([...path, 'format'], 'UEFI reads only partitions', 'esp', 'put it on a partition of a disk');
    }
    if (format !== undefined && format !== 'swap' && format !== 'esp' && mount === undefined) {
      throw wrong(path, 'a file system needs a mount', format);
    }
  }
  if (!mounts.has('/')) throw wrong([], 'nothing is mounted at /', undefined, 'give one file system mount: /');
  const esps = contents.filter(({ content }) => content.format === 'esp');
  const [first] = esps;
  if (first && esps.filter(({ content }) => content.mount !== undefined).length !== 1) {
    throw wrong(first.path, 'one esp has mount: /boot/efi, the others have none and get a copy of it');
  }
  const mounted = esps.find(({ content }) => content.mount !== undefined);
  if (mounted && mounted.content.mount !== '/boot/efi') {
    throw wrong([...mounted.path, 'mount'], 'an esp is mounted at /boot/efi', mounted.content.mount);
  }
}

function checkMembers({ layout, wrong }: LayoutFile): void {
  const contents = contentsOf(layout).filter(({ path }) => path[0] !== 'lvm');
  const free = new Map(contents.map((one) => [one.name, one]));
  if (free.size < contents.length) {
    const double = contents.find(({ name }, at) => contents.findIndex((other) => other.name === name) !== at);
    throw wrong(double?.path ?? [], 'the name is used twice', double?.name);
  }
  const take = (name: string, path: string[], kinds: string[]) => {
    const member = free.get(name);
    if (!member || !kinds.includes(member.path[0] ?? '')) {
      throw wrong(path, 'there is no such member, or it is used already', name);
    }
    if (member.content.format !== undefined) throw wrong(path, 'a member has a format of its own', name);
    free.delete(name);
  };
  const least = { 0: 2, 1: 2, 5: 3, 6: 4, 10: 2 };
  for (const [name, { level, members }] of Object.entries(layout.raid)) {
    if (members.length < least[level]) {
      throw wrong(['raid', name, 'members'], `level ${level} needs ${least[level]} members`, String(members.length));
    }
    for (const member of members) take(member, ['raid', name, 'members'], ['disks']);
  }
  for (const [name, { members }] of Object.entries(layout.lvm)) {
    for (const member of members) take(member, ['lvm', name, 'members'], ['disks', 'raid']);
  }
  const idle = [...free.values()].find(({ content }) => content.format === undefined);
  if (idle) throw wrong(idle.path, 'it is used for nothing', idle.name, 'give it a format, or make it a member');
}

function checkRest({ layout, wrong }: LayoutFile): void {
  const lists = [
    ...Object.entries(layout.disks).map(([disk, { partitions }]) => ({
      path: ['disks', disk, 'partitions'],
      list: partitions,
    })),
    ...Object.entries(layout.lvm).map(([group, { volumes }]) => ({ path: ['lvm', group, 'volumes'], list: volumes })),
  ];
  for (const { path, list } of lists) {
    const names = Object.keys(list);
    const early = names.slice(0, -1).find((name) => list[name]?.size === 'rest');
    if (early) throw wrong([...path, early, 'size'], 'only the last one can have the rest', early);
    if (names.length === 0) throw wrong(path, 'it is empty');
  }
}

/** Bytes of a size that is not `rest`. */
export function bytesOf(size: Content['size']): number | undefined {
  return size === 'rest' ? undefined : parseSize(String(size));
}
