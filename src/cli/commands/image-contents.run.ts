import { existsSync } from 'node:fs';
import { StackwrightError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import type { StateDirectory } from '../../base/state.js';
import {
  billOfMaterials,
  describeImage,
  diffImages,
  elementsPath,
  type FileDifference,
  type FileEntry,
  type ImageContents,
  type ImageDescription,
  type ImageDifference,
  type ImageRecord,
  openImage,
  readableName,
  readImageRecord,
  sourceDateEpoch,
} from '../../image/index.js';
import { getRole, type Role, readRoleAt } from '../../role/index.js';
import { type CliContext, command } from '../context.js';
import { plainTable } from '../table.js';
import type { ImageBomFlags, ImageDiffFlags, ImageShowFlags } from './image-contents.js';

/** Rows of a table for a person; `--json` has them all. */
const mostRows = 25;

export async function imageShow(this: CliContext, flags: ImageShowFlags, ...words: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const state = await this.openState(this.reporter(flags));
    const [{ path, record }] = namedImages(words, state, 1);
    const list: ListedFile[] = [];
    const onFile = (file: FileEntry, owner?: string) => {
      if (flags.files) list.push({ file, owner });
    };
    const options = { record, elementsPath: elementsPath(flags.elementsPath), onFile };
    const description = await reading(path, state, (contents) => describeImage(contents, options));
    const facts = list.map(({ file, owner }) => fileFacts(file, owner));
    if (flags.json) this.printJson({ ...description, ...(flags.files ? { list: facts } : {}) });
    else this.print((flags.files ? list.map(fileLine) : descriptionLines(description)).join('\n'));
  });
}

export async function imageDiff(this: CliContext, flags: ImageDiffFlags, ...words: string[]): Promise<void> {
  let equal: boolean | undefined;
  await command(this, flags.json, async () => {
    const state = await this.openState(this.reporter(flags));
    const [first, second] = namedImages(words, state, 2);
    const { skipped, ...difference } = await reading(first.path, state, (before) =>
      reading(second.path, state, async (after) => ({
        ...(await diffImages(before, after, flags.files)),
        skipped: [...skippedLines(before), ...skippedLines(after)],
      })),
    );
    equal = difference.packages.length === 0 && difference.files.length === 0;
    if (flags.json) return this.printJson({ equal, ...differenceFacts(difference), skipped });
    for (const line of [...skipped, ...differenceLines(difference)]) this.print(line);
  });
  // As diff(1): 1 says that they differ, so any trouble is 2.
  if (equal !== true) this.process.exitCode = equal === false ? 1 : 2;
}

export async function imageBom(this: CliContext, flags: ImageBomFlags, ...words: string[]): Promise<void> {
  await command(this, false, async () => {
    const state = await this.openState(this.reporter());
    const [{ path, ...named }] = namedImages(words, state, 1);
    const options = { ...named, sourceDateEpoch: sourceDateEpoch(this.process.env) };
    const text = await reading(path, state, (contents) => billOfMaterials(contents, flags.format, options));
    if (flags.output === undefined) this.print(text.trimEnd());
    else await writeFileAtomic(flags.output, text);
  });
}

/** Opens an image while something is read. It is closed before anything is printed: the reader of that may go early. */
async function reading<Result>(
  path: string,
  state: StateDirectory,
  read: (contents: ImageContents) => Promise<Result>,
): Promise<Result> {
  await using contents = await openImage(path, state);
  return await read(contents);
}

interface ListedFile {
  file: FileEntry;
  owner?: string;
}

interface NamedImage {
  path: string;
  /** Of a role. */
  name?: string;
  record?: ImageRecord;
}

function namedImages(words: string[], state: StateDirectory, count: 1): [NamedImage];
function namedImages(words: string[], state: StateDirectory, count: 2): [NamedImage, NamedImage];
/** Reads paths and roles: a word that is no path, and the next one, are name and version of a role. */
function namedImages(words: string[], state: StateDirectory, count: number): NamedImage[] {
  const images: NamedImage[] = [];
  const left = [...words];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const isPath = existsSync(word) || word.includes('/') || left[0] === undefined || existsSync(left[0]);
    images.push(isPath ? imageAt(word) : imageOfRole(getRole(state, word, left.shift() ?? '')));
  }
  if (images.length === count) return images;
  throw new StackwrightError('ImageWordsUnclear', `these words name ${images.length} images, and ${count} are wanted`, {
    value: words.join(' '),
    hint: 'an image is a path, or name and version of a role as two words',
    exitStatus: 2,
  });
}

function imageAt(path: string): NamedImage {
  const role = readRoleAt(path);
  if (role) return imageOfRole(role);
  return { path, record: existsSync(path) ? readImageRecord(path) : undefined };
}

function imageOfRole({ file, name, version, imageIdentity, elements }: Role): NamedImage {
  return { path: file, name: `${name} ${version}`, record: { identity: imageIdentity, elements } };
}

function descriptionLines(image: ImageDescription): string[] {
  return [
    ...titled(summaryOf(image)),
    ...image.skipped.map((part) => `not seen      ${part}`),
    '',
    packageTable(image),
    '',
    directoryTable(image),
    '',
    elementTable(image),
    ...provenanceLines(image),
  ];
}

function summaryOf(image: ImageDescription): [title: string, value: string | undefined][] {
  const { distribution, kernels, packages, unpackaged, record } = image;
  const release = distribution?.codename && !distribution.name.includes(distribution.codename);
  const file = image.fileBytes === null ? '' : `, ${readableSize(image.fileBytes)}`;
  return [
    ['image', `${image.image} (${image.format}${file})`],
    ['distribution', distribution ? `${distribution.name}${release ? ` (${distribution.codename})` : ''}` : 'unknown'],
    ['architecture', image.architecture ?? 'unknown'],
    ['kernel', kernels.join(' ') || 'none'],
    ['packages', packages ? `${packages.length}, ${readableSize(image.installedBytes)} installed` : 'no dpkg'],
    ['files', `${image.files}, ${readableSize(image.allocatedBytes)} on disk`],
    ['of no package', packages ? `${unpackaged.files}, ${readableSize(unpackaged.allocatedBytes)} on disk` : undefined],
    ['elements', record?.elements.join(' ')],
    ['identity', record?.identity],
  ];
}

function titled(rows: [title: string, value: string | undefined][]): string[] {
  return rows.flatMap(([title, value]) => (value === undefined ? [] : [`${title.padEnd(13)} ${readable(value)}`]));
}

function packageTable({ packages }: ImageDescription): string {
  if (!packages) return 'The image has no dpkg, so its packages are not known.';
  const rows = plainTable(['package', 'version', 'architecture', 'installed'], { lines: false });
  for (const { name, version, architecture, installedBytes } of packages) {
    rows.push([readable(name), readable(version), readable(architecture), readableSize(installedBytes)]);
  }
  return rows.toString();
}

function directoryTable({ directories }: ImageDescription): string {
  const rows = plainTable(['directory', 'on disk', 'files'], { lines: false });
  for (const { path, allocatedBytes, files } of directories.slice(0, mostRows)) {
    rows.push([path, readableSize(allocatedBytes), String(files)]);
  }
  const more = directories.length - mostRows;
  return more > 0 ? `${rows.toString()}\nand ${more} smaller directories, see --json` : rows.toString();
}

function elementTable({ elements, elementsUnknown }: ImageDescription): string {
  if (!elements) return `Sizes by element are not known: ${elementsUnknown}.`;
  const rows = plainTable(['element', 'packages', 'installed'], { lines: false });
  for (const { element, packages, installedBytes } of elements) {
    rows.push([element ?? 'operating system', String(packages), readableSize(installedBytes)]);
  }
  return rows.toString();
}

function provenanceLines({ provenance }: ImageDescription): string[] {
  const { environment, gitSources } = provenance;
  const lines = [
    ...titled([['arguments', provenance.arguments]]),
    ...Object.entries(environment).map(([name, value]) => `${name}=${readable(value)}`),
    ...gitSources.map(({ name, path, location, commit }) => readable(`${name} ${location} ${commit} in ${path}`)),
  ];
  return lines.length > 0 ? ['', 'Built with, as /etc/dib-manifests says:', ...lines] : [];
}

function differenceLines({ packages, files }: ImageDifference): string[] {
  const lines: string[] = [];
  if (packages.length > 0) {
    const rows = plainTable(['', 'package', 'before', 'after', 'installed', 'files'], { lines: false });
    for (const { change, name, before, after, installedBytes, files: count } of packages) {
      const size = readableSize(installedBytes, true);
      rows.push([change, readable(name), readable(before ?? ''), readable(after ?? ''), size, count || '']);
    }
    lines.push(rows.toString());
  }
  for (const difference of files) lines.push(differenceLine(difference));
  return lines;
}

function differenceLine({ change, path, before, after, aspects }: FileDifference): string {
  const mark = { added: '+', removed: '-', changed: '~' }[change];
  const directory = (after ?? before)?.type === 'directory';
  // What a directory's own entry takes says nothing.
  const size = directory ? '' : readableSize((after?.bytes ?? 0) - (before?.bytes ?? 0), true);
  const name = `${mark} ${size.padStart(10)}  ${readableName(path)}${directory ? '/' : ''}`;
  return aspects.length > 0
    ? `${name}  (${aspects.map((aspect) => aspectText(aspect, before, after)).join(', ')})`
    : name;
}

function aspectText(aspect: FileDifference['aspects'][number], before?: FileEntry, after?: FileEntry): string {
  if (!before || !after) return aspect;
  if (aspect === 'mode') return `mode ${octal(before.mode)} → ${octal(after.mode)}`;
  if (aspect === 'owner') return `owner ${before.uid}:${before.gid} → ${after.uid}:${after.gid}`;
  if (aspect === 'type') return `${before.type} → ${after.type}`;
  return aspect;
}

function differenceFacts({ packages, files }: ImageDifference) {
  const facts = (file?: FileEntry) => (file ? fileFacts(file) : undefined);
  return {
    packages,
    files: files.map(({ change, path, before, after, aspects }) => ({
      change,
      path: readableName(path),
      aspects,
      before: facts(before),
      after: facts(after),
    })),
  };
}

function skippedLines({ image, skipped }: ImageContents): string[] {
  return skipped.map((part) => `not compared: ${part} of ${image}`);
}

function fileFacts({ path, type, mode, uid, gid, bytes, allocated }: FileEntry, owner?: string) {
  return { path: readableName(path), type, mode: octal(mode), uid, gid, bytes, allocated, package: owner };
}

function fileLine({ file, owner = '-' }: ListedFile): string {
  const { path, type, mode, uid, gid, bytes } = file;
  const letter = { file: '-', directory: 'd', link: 'l', device: 'b', pipe: 'p', socket: 's' }[type];
  return `${letter} ${octal(mode)} ${`${uid}:${gid}`.padEnd(9)} ${String(bytes).padStart(10)} ${owner.padEnd(24)} ${readableName(path)}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** Text of an image, with what would move the cursor of a terminal escaped. */
function readable(text: string): string {
  return readableName(Buffer.from(text).toString('latin1'));
}

function readableSize(bytes: number, signed = false): string {
  const sign = signed && bytes > 0 ? '+' : '';
  const size = Math.abs(bytes);
  if (size >= 1e8) return `${sign}${(bytes / 1e6).toFixed(0)} MB`;
  if (size >= 1e6) return `${sign}${(bytes / 1e6).toFixed(1)} MB`;
  return size >= 1000 ? `${sign}${(bytes / 1000).toFixed(1)} kB` : `${sign}${bytes} B`;
}
