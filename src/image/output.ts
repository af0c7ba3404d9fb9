import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, parse } from 'node:path';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { writeFileAtomic } from '../base/files.js';
import { gzipProgram } from '../base/host.js';
import type { TemporaryState } from '../base/temporary.js';
import { aciManifest } from './aci.js';
import type { Runner } from './block-device/index.js';
import { reportImage } from './events.js';
import { writeOciArchive } from './oci-archive.js';
import { writeQcow2 } from './qcow2.js';

/** Formats of an image: some are made from its mounted files, others from its disk. */
const treeFormats = ['tar', 'tgz', 'squashfs', 'docker', 'aci'] as const;
const diskFormats = ['qcow2', 'vhd', 'raw'] as const;

type TreeFormat = (typeof treeFormats)[number];
type DiskFormat = (typeof diskFormats)[number];
export type OutputFormat = TreeFormat | DiskFormat;
/** Those that one command line makes. */
type ConvertedFormat = Exclude<OutputFormat, 'docker'>;

/** What formats are made from. */
export type OutputSource =
  /** A mounted root; `run` sees the mounts, that of a sandbox. Nothing else of the host is mounted in it. */
  | { kind: 'tree'; path: string; run?: Runner }
  /**
   * An image of a disk that nobody writes to any more. One that is `consumed` has lost its content where a qcow2 that
   * everybody gets was the only format that was wanted.
   * `isUnchanged` is asked when all formats are made, of a disk that somebody may have written to meanwhile.
   */
  | { kind: 'disk'; path: string; format: 'raw' | 'qcow2'; consumed?: boolean; isUnchanged?: () => boolean };

export interface OutputOptions {
  /** Those that this source cannot give are left for the other one. */
  formats: OutputFormat[];
  source: OutputSource;
  /** Path of the image without its ending. */
  output: string;
  /** Seconds since 1970: no time in a tar or squashfs is later, and the same tree gives the same bytes. */
  sourceDateEpoch?: number;
  /** Owns what is half written. */
  temporary: TemporaryState;
  reporter: Reporter;
  /** Off with `-u`; on unless told. */
  compress?: boolean;
  /** Options for the format, `--qemu-img-options`, as qemu-img's `-o` reads them. */
  qemuOptions?: string;
  /** For `docker` and `aci`: Debian's name of the architecture; amd64 unless told. */
  arch?: string;
  /** For `docker`: name and tag, `--docker-target`; the output's name unless told. */
  dockerTarget?: string;
  /** For `aci`: the text of its manifest; one without an app unless told. */
  aciManifest?: string;
  /** Writes `.md5` and `.sha256` beside each. */
  checksum?: boolean;
  /** Replaces what is there; else that is renamed, with the time in its name. */
  overwrite?: boolean;
  signal?: AbortSignal;
  logFile?: string;
}

export function isDiskFormat(format: OutputFormat): format is DiskFormat {
  return (diskFormats as readonly OutputFormat[]).includes(format);
}

export interface WrittenOutput {
  format: string;
  path: string;
  bytes: number;
}

/**
 * Reads `-t`, formats separated by commas.
 * @throws StackwrightError `OutputFormatUnknown`
 */
export function parseFormats(text: string): OutputFormat[] {
  const known: readonly OutputFormat[] = [...treeFormats, ...diskFormats];
  const words = text.split(',').map((word) => word.trim());
  const formats = words.filter(Boolean).map((word) => {
    const format = known.find((candidate) => candidate === word);
    if (format) return format;
    throw new StackwrightError('OutputFormatUnknown', `an image cannot have the format ${word}`, {
      value: word,
      hint: `known are ${known.join(', ')}`,
      exitStatus: 2,
    });
  });
  return [...new Set(formats)];
}

/**
 * Writes every format that can be made from a source, all at the same time. Each is written under
 * another name; when all are whole they are renamed, so that nobody sees half of one. Where one
 * fails, the others are ended, and what was there before stays.
 * @throws StackwrightError `KeptDiskChanged`, and those of commands
 */
export async function writeOutputs(options: OutputOptions): Promise<WrittenOutput[]> {
  const possible: readonly OutputFormat[] = options.source.kind === 'tree' ? treeFormats : diskFormats;
  const wanted = options.formats.filter((format) => possible.includes(format));
  await mkdir(dirname(options.output), { recursive: true });
  const unpublished = wanted.map((format) =>
    unpublishedOutput(format, outputPath(options.output, format), options.temporary),
  );
  try {
    await makeAll(unpublished, options);
    if (options.source.kind === 'disk' && options.source.isUnchanged?.() === false)
      throw changedMeanwhile(options.output);
    const written: WrittenOutput[] = [];
    for (const output of unpublished) written.push(await publish(output, options));
    return written;
  } catch (error) {
    for (const { unfinished } of unpublished) await rm(unfinished, { force: true });
    throw error;
  }
}

function changedMeanwhile(output: string): StackwrightError {
  return new StackwrightError('KeptDiskChanged', 'the disk was written to while other formats were made of it', {
    value: output,
    hint: 'it is an image of an earlier build, which a machine uses now; run the build again: it makes the disk anew',
  });
}

/** A file that is whole, and what it shall be. */
export interface FinishedFile {
  format: string;
  path: string;
  source: string;
}

/** Puts files that something else has made to their places, as `writeOutputs` does with its own. */
export async function publishFiles(
  files: FinishedFile[],
  options: Pick<OutputOptions, 'temporary' | 'reporter' | 'checksum' | 'overwrite'>,
): Promise<WrittenOutput[]> {
  const unpublished: UnpublishedOutput<string>[] = [];
  for (const { format, path, source } of files) {
    const started = Date.now();
    await mkdir(dirname(path), { recursive: true });
    const output = unpublishedOutput(format, path, options.temporary);
    await copyFile(source, output.unfinished);
    if (options.checksum) output.sums = await checksums(output.unfinished);
    output.seconds = (Date.now() - started) / 1000;
    unpublished.push(output);
  }
  const written: WrittenOutput[] = [];
  for (const output of unpublished) written.push(await publish(output, options));
  return written;
}

/** An output under the name that it has until it is whole. */
interface UnpublishedOutput<Format extends string = OutputFormat> {
  format: Format;
  path: string;
  unfinished: string;
  sums?: { md5: string; sha256: string };
  seconds: number;
}

function unpublishedOutput<Format extends string>(
  format: Format,
  path: string,
  temporary: TemporaryState,
): UnpublishedOutput<Format> {
  const unfinished = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`);
  temporary.add({ kind: 'file', path: unfinished });
  return { format, path, unfinished, seconds: 0 };
}

/** The first failure ends the others, which are waited for. */
async function makeAll(outputs: UnpublishedOutput[], options: OutputOptions): Promise<void> {
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  const failures: unknown[] = [];
  const alone = outputs.length === 1;
  const tasks = outputs.map((output) =>
    make(output, { ...options, signal }, alone).catch((error) => {
      failures.push(error);
      failed.abort();
    }),
  );
  await Promise.all(tasks);
  if (failures.length > 0) throw failures[0];
}

/** The ending of a file's name; that of squashfs is diskimage-builder's, which has no file for docker. */
const endings: Partial<Record<OutputFormat, string>> = { squashfs: 'squash', docker: 'oci.tar' };

function outputPath(output: string, format: OutputFormat): string {
  const ending = endings[format] ?? format;
  return output.endsWith(`.${ending}`) ? output : `${output}.${ending}`;
}

/** @param alone whether nothing else is made from the source */
async function make(output: UnpublishedOutput, options: OutputOptions, alone: boolean): Promise<void> {
  const started = Date.now();
  const { format, unfinished } = output;
  const { source, signal } = options;
  if (isCopy(format, options)) await copyDisk(options, unfinished);
  else if (format === 'qcow2' && source.kind === 'disk' && isPlainQcow2(options))
    await writeQcow2(source.path, unfinished, { consume: alone && source.consumed, signal });
  else if (format === 'docker') await packOci(options, unfinished);
  else if (format === 'aci') await packAci(options, unfinished);
  else await convert(format, options, unfinished);
  if (options.checksum) output.sums = await checksums(unfinished);
  output.seconds = (Date.now() - started) / 1000;
}

/** Whether the source is what is wanted already. */
function isCopy(format: OutputFormat, options: OutputOptions): boolean {
  const { source } = options;
  return source.kind === 'disk' && source.format === format && (format === 'raw' || isPlainQcow2(options));
}

/** Whether a qcow2 of these options is the one that everybody gets who wishes for nothing special. */
export function isPlainQcow2({
  compress = true,
  qemuOptions,
}: Pick<OutputOptions, 'compress' | 'qemuOptions'>): boolean {
  return compress && !qemuOptions;
}

async function publish(
  output: UnpublishedOutput<string>,
  options: Pick<OutputOptions, 'overwrite' | 'reporter'>,
): Promise<WrittenOutput> {
  const { format, path, unfinished, sums, seconds } = output;
  await makeRoom(path, options.overwrite === true);
  await rename(unfinished, path);
  for (const [kind, sum] of Object.entries(sums ?? {})) {
    await writeFileAtomic(`${path}.${kind}`, `${sum}  ${basename(path)}\n`);
  }
  const { size: bytes } = await stat(path);
  reportImage(options.reporter, {
    code: 'image.output.written',
    level: 'info',
    message: `wrote ${path} in ${seconds.toFixed(1)} s`,
    data: { format, path, bytes, seconds },
  });
  return { format, path, bytes };
}

/** The layer is a tar as that of the format `tar`. */
async function packOci(options: OutputOptions, file: string): Promise<void> {
  const { arch = 'amd64', dockerTarget = basename(options.output), compress = true, signal, logFile } = options;
  const work = `${file}.oci`;
  options.temporary.add({ kind: 'directory', path: work });
  try {
    await mkdir(work);
    const layer = join(work, 'layer.tar');
    await convert('tar', options, layer);
    await writeOciArchive({ layer, arch, reference: dockerTarget, compress }, file, work, { signal, logFile });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The manifest lies beside the files, which are below `rootfs`. */
async function packAci(options: OutputOptions, file: string): Promise<void> {
  const { arch = 'amd64', aciManifest: manifest = aciManifest(basename(options.output), arch) } = options;
  const work = `${file}.aci`;
  options.temporary.add({ kind: 'directory', path: work });
  try {
    await mkdir(work);
    await writeFile(join(work, 'manifest'), manifest);
    await convert('aci', options, file, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function convert(format: ConvertedFormat, options: OutputOptions, file: string, beside?: string): Promise<void> {
  const { source, compress = true, qemuOptions, sourceDateEpoch, signal, logFile } = options;
  const runner = (source.kind === 'tree' ? source.run : undefined) ?? run;
  const gzip = gzipProgram();
  const diskFormat = source.kind === 'disk' ? source.format : undefined;
  const conversion = { source: source.path, diskFormat, file, compress, qemuOptions, gzip, beside, sourceDateEpoch };
  const [program, ...args] = convertCommand(format, conversion);
  // mksquashfs reads it there.
  const env = sourceDateEpoch === undefined ? undefined : { SOURCE_DATE_EPOCH: `${sourceDateEpoch}` };
  await runner(program, args, { timeout: 7200, signal, logFile, env });
}

/** What is written by the command line that makes a format. */
export interface Conversion {
  source: string;
  /** Of a disk; `raw` unless told. */
  diskFormat?: 'raw' | 'qcow2';
  file: string;
  compress: boolean;
  qemuOptions?: string;
  /** The program that compresses as gzip does; `gzip` unless told. */
  gzip?: string;
  /** For `aci`: the directory of the manifest. */
  beside?: string;
  /** As in `OutputOptions`. */
  sourceDateEpoch?: number;
}

export function convertCommand(
  format: ConvertedFormat,
  {
    source,
    diskFormat = 'raw',
    file,
    compress,
    qemuOptions,
    gzip = 'gzip',
    beside = source,
    sourceDateEpoch,
  }: Conversion,
): [program: string, ...args: string[]] {
  const all = ['--create', '--file', file, '--numeric-owner', '--sort=name', '--xattrs', '--xattrs-include=*'];
  const archive = sourceDateEpoch === undefined ? all : [...all, ...reproducibleTar(sourceDateEpoch)];
  const entries = ['--directory', source, '--exclude=./sys', '--exclude=./proc', '.'];
  const packed = `--use-compress-program=${gzip} --no-name`;
  switch (format) {
    case 'tar':
      return ['tar', ...archive, ...entries];
    case 'tgz':
      return ['tar', packed, ...archive, ...entries];
    case 'aci': {
      // Names of files and of what hard links mean, but not of what symbolic links mean.
      const renamed = ['--transform=s,^\\.,rootfs,S', '--directory', beside, 'manifest'];
      return ['tar', ...(compress ? [packed] : []), ...archive, ...renamed, ...entries];
    }
    case 'squashfs': {
      const packing = compress ? ['-comp', 'zstd', '-Xcompression-level', '15'] : ['-noI', '-noD', '-noF', '-noX'];
      const without = ['-wildcards', '-e', 'proc/*', 'sys/*'];
      return ['mksquashfs', source, file, ...packing, '-xattrs', '-noappend', '-no-progress', '-quiet', ...without];
    }
    case 'qcow2': {
      // A user's own options may need zlib, as `compat=0.10` does.
      const zstd = compress && !/compat(ibility)?=|compression_type=/.test(qemuOptions ?? '');
      const settings = [...(zstd ? ['compression_type=zstd'] : []), ...(qemuOptions ? [qemuOptions] : [])];
      // Clusters as they come: a third faster, and other bytes each time.
      const order = sourceDateEpoch === undefined ? ['-W'] : [];
      return qemuConvert('qcow2', settings, compress ? ['-c', ...order] : []);
    }
    case 'vhd':
      // Without force_size the size is rounded to what old geometries can tell.
      return qemuConvert('vpc', ['force_size=on', ...(qemuOptions ? [qemuOptions] : [])]);
    case 'raw':
      return qemuConvert('raw', []);
  }

  function qemuConvert(format: string, settings: string[], flags: string[] = []): [program: string, ...string[]] {
    const options = settings.length > 0 ? ['-o', settings.join(',')] : [];
    // A kept disk is the user's image too: a machine may have it open that has not written to it.
    return ['qemu-img', 'convert', '-U', ...flags, '-f', diskFormat, '-O', format, ...options, source, file];
  }
}

/** No time later than one, and none of access and status change, which are now; no number of a process. */
function reproducibleTar(epoch: number): string[] {
  const header = '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime';
  return ['--clamp-mtime', `--mtime=@${epoch}`, header];
}

/** Holes stay holes. */
async function copyDisk({ source, signal }: OutputOptions, file: string): Promise<void> {
  await run('cp', ['--sparse=always', '--reflink=auto', source.path, file], { timeout: 3600, signal });
}

/** What is there goes away, or gets the time in its name; so do its checksums. */
async function makeRoom(path: string, overwrite: boolean): Promise<void> {
  const sums = ['.md5', '.sha256'];
  const { dir, name, ext } = parse(path);
  const old = freeName(join(dir, `${name}-${timeInName(new Date())}`), ext);
  for (const ending of ['', ...sums]) {
    if (!existsSync(path + ending)) continue;
    if (!overwrite) await rename(path + ending, old + ending);
    else if (ending !== '') await rm(path + ending);
  }
}

/** Two in one second get a number. */
function freeName(stem: string, ending: string): string {
  let name = `${stem}${ending}`;
  for (let number = 2; existsSync(name); number++) name = `${stem}-${number}${ending}`;
  return name;
}

/** As `date +%Y.%m.%d-%H.%M.%S`. */
function timeInName(time: Date): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('.');
  return `${day}-${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join('.')}`;
}

/** Both sums from one reading. */
async function checksums(path: string): Promise<{ md5: string; sha256: string }> {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    md5.update(chunk);
    sha256.update(chunk);
  }
  return { md5: md5.digest('hex'), sha256: sha256.digest('hex') };
}
