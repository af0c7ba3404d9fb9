import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../base/command.js';
import { StackwrightError } from '../../base/errors.js';
import { readInside, seenInside } from '../inside.js';
import type { Sandbox } from '../sandbox.js';
import { imageUnreadable } from './unreadable.js';

/** The root of an image as we see it, and what of the image is not in it. */
export interface SeenRoot {
  root: string;
  skipped: string[];
}

/** A partition, or the whole of a disk without partitions. */
interface Part {
  /** As a person calls it. */
  name: string;
  /** Bytes. */
  start: number;
  /** Bytes; undefined up to the end. */
  size?: number;
  /** Of what is on it, as blkid names it. */
  type?: string;
  label?: string;
  uuid?: string;
}

interface MountedPart extends Part {
  /** In the sandbox. */
  path: string;
}

/** Nothing that was interrupted is finished, which needs writing; two copies of one xfs may be mounted together. */
const withoutRecovery: Record<string, string> = { ext3: 'noload', ext4: 'noload', xfs: 'norecovery,nouuid' };

export async function mountSquashfs(image: string, work: string, sandbox: Sandbox): Promise<SeenRoot> {
  try {
    await mountPart({ name: 'the file', start: 0, type: 'squashfs' }, image, work, sandbox);
  } catch (cause) {
    throw unlessMounted(cause, image, 'the kernel of this host cannot mount it');
  }
  return { root: join(sandbox.view, work), skipped: [] };
}

/**
 * Mounts the file systems of a raw disk together: that with `/etc/os-release` is the root, others
 * are where its `/etc/fstab` says. Loop devices with an offset stand for partitions, so the kernel
 * need not read partition tables; they go with their mounts.
 * @param disk the raw file
 * @param image what to call it in errors
 */
export async function mountDisk(disk: string, image: string, work: string, sandbox: Sandbox): Promise<SeenRoot> {
  const parts = await findParts(disk);
  const mounted: MountedPart[] = [];
  const skipped: string[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.type === 'swap') continue;
    const path = join(work, String(index));
    try {
      await mountPart(part, disk, path, sandbox);
      mounted.push({ ...part, path });
    } catch (error) {
      if (!(error instanceof StackwrightError) || error.code !== 'CommandFailed') throw error;
      skipped.push(`${part.name}: ${part.type ?? 'without a known file system'}, which this host cannot mount`);
    }
  }
  const seen = ({ path }: MountedPart) => join(sandbox.view, path);
  const isRoot = (part: MountedPart) => seenInside(seen(part), '/etc/os-release') !== undefined;
  const root = mounted.find(isRoot) ?? (mounted.length === 1 ? mounted[0] : undefined);
  if (!root) {
    const found = mounted.map(({ name, type }) => `${name}: ${type}, without /etc/os-release`);
    const hint = [...found, ...skipped].join('\n') || 'the file has neither a partition table nor a file system';
    throw imageUnreadable(image, 'no partition of it has a root', { hint });
  }
  const others = new Set(mounted.filter((part) => part !== root));
  for (const { source, mountPoint } of mountPoints(seen(root))) {
    const part = [...others].find(({ label, uuid }) => source === `LABEL=${label}` || source === `UUID=${uuid}`);
    const target = seenInside(seen(root), mountPoint);
    if (!part || target === undefined) continue;
    const inSandbox = target.slice(sandbox.view.length);
    await sandbox.run('mount', ['--bind', part.path, inSandbox], { cwd: '/' });
    others.delete(part);
  }
  for (const { name, type } of others) skipped.push(`${name}: ${type}, which /etc/fstab does not mount`);
  return { root: seen(root), skipped };
}

/**
 * Converts a disk to a sparse raw file.
 * @throws StackwrightError `ImageUnreadable` also where it rests on another file: that could be any of this host
 */
export async function convertToRaw(
  image: string,
  format: 'qcow2' | 'vhd',
  work: string,
  sandbox: Sandbox,
): Promise<string> {
  const raw = join(work, 'disk.raw');
  const driver = format === 'vhd' ? 'vpc' : format;
  try {
    const { stdout } = await run('qemu-img', ['info', '-f', driver, '--output=json', image]);
    if (/"(full-)?backing-filename"|"data-file"/.test(stdout)) {
      throw imageUnreadable(image, 'it rests on another file', {
        hint: `first: qemu-img convert -O qcow2 ${image} FILE`,
      });
    }
    await sandbox.run('qemu-img', ['convert', '-f', driver, '-O', 'raw', image, raw], { cwd: '/', timeout: 3600 });
  } catch (cause) {
    if (!(cause instanceof StackwrightError) || cause.code !== 'CommandFailed') throw cause;
    throw imageUnreadable(image, 'qemu-img cannot convert it', { hint: cause.details.hint, cause });
  }
  return raw;
}

async function mountPart(part: Part, file: string, path: string, sandbox: Sandbox): Promise<void> {
  const { start, size, type = 'auto' } = part;
  const place = ['loop', `offset=${start}`, ...(size === undefined ? [] : [`sizelimit=${size}`])];
  const careful = ['ro', 'nodev', 'nosuid', 'noexec', ...(withoutRecovery[type] ? [withoutRecovery[type]] : [])];
  await sandbox.run('mkdir', ['-p', path], { cwd: '/' });
  await sandbox.run('mount', ['-t', type, '-o', [...careful, ...place].join(','), file, path], { cwd: '/' });
}

/** Types of partitions: extended ones hold the logical ones; that of GRUB on a GPT holds a program. */
const withoutFiles = /^(0x(5|f|85)|21686148-6449-6e6f-744e-656564454649)$/i;

async function findParts(disk: string): Promise<Part[]> {
  const whole: Part = { name: 'the disk', start: 0, ...(await probe(disk, [])) };
  if (whole.type !== undefined) return [whole];
  const sector = hasLargeSectors(disk) ? ['--sector-size', '4096'] : [];
  const columns = ['--noheadings', '--bytes', '--output', 'NR,START,SIZE,TYPE'];
  const { stdout } = await run('partx', ['--raw', ...columns, ...sector, disk], { okStatuses: [0, 1] });
  const parts: Part[] = [];
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [number, sectors, bytes, kind] = line.split(' ');
    if (withoutFiles.test(kind ?? '')) continue;
    // partx counts in 512 bytes, however large a sector is.
    const start = Number(sectors) * 512;
    const size = Number(bytes);
    const found = await probe(disk, ['--offset', String(start), '--size', String(size)]);
    parts.push({ name: `partition ${number}`, start, size, ...found });
  }
  return parts;
}

/** What is on a part of a file. */
async function probe(disk: string, place: string[]): Promise<Pick<Part, 'type' | 'label' | 'uuid'>> {
  // Status 2: nothing that is known; 8: several, of which none is sure.
  const okStatuses = [0, 2, 8];
  const { stdout } = await run('blkid', ['--probe', '--output', 'export', ...place, disk], { okStatuses });
  const values = new Map(stdout.split('\n').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
  return { type: values.get('TYPE'), label: values.get('LABEL'), uuid: values.get('UUID') };
}

/** The table of a GPT is in the second sector. */
function hasLargeSectors(disk: string): boolean {
  const file = openSync(disk, 'r');
  try {
    const mark = Buffer.alloc(8);
    readSync(file, mark, 0, 8, 4096);
    return mark.toString('latin1') === 'EFI PART';
  } finally {
    closeSync(file);
  }
}

/** The lines of fstab(5) for other places than the root, those above others first. */
function mountPoints(root: string): { source: string; mountPoint: string }[] {
  const lines = (readInside(root, '/etc/fstab') ?? '').split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  return lines
    .map((line) => line.trim().split(/\s+/))
    .map(([source = '', mountPoint = '']) => ({ source: source.replaceAll('"', ''), mountPoint }))
    .filter(({ mountPoint }) => /^\/./.test(mountPoint))
    .sort((a, b) => a.mountPoint.length - b.mountPoint.length);
}

function unlessMounted(cause: unknown, image: string, reason: string): unknown {
  if (!(cause instanceof StackwrightError) || cause.code !== 'CommandFailed') return cause;
  return imageUnreadable(image, reason, { hint: cause.details.hint, cause });
}
