import { readFileSync } from 'node:fs';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { commandLine, shellQuote } from '../base/command.js';
import { messageOf, StackwrightError } from '../base/errors.js';

/** An image of a list, as the command that builds it. */
export interface ListedImage {
  name: string;
  program: 'disk-image-create' | 'ramdisk-image-create';
  args: string[];
  /** Variables for the scripts of elements. */
  environment: Record<string, string>;
  /** Nothing else of the caller's environment is seen. */
  clear: boolean;
}

interface Setting {
  /** What a value must be, for people. */
  wants: string;
  schema: z.ZodType;
  /** What it adds to the command line. */
  words(value: unknown): string[];
}

function setting<Value>(wants: string, schema: z.ZodType<Value>, words: (value: Value) => string[]): Setting {
  return { wants, schema, words: (value) => words(schema.parse(value)) };
}

const none = () => [];
const withText = (option: string) => (value: string) => (value === '' ? [] : [option, value]);

const text = (option: string) => setting('a text', z.string(), withText(option));
const flag = (option: string) => setting('true or false', z.boolean(), (value) => (value ? [option] : []));
const count = (option: string) => setting('a whole number above 0', z.int().min(1), (value) => [option, String(value)]);
const texts = (words: (value: string[]) => string[]) => setting('a list of texts', z.array(z.string()), words);
const map = (words: (value: Record<string, string>) => string[]) =>
  setting('a map of texts', z.record(z.string(), z.string()), words);
const choice = (option: string, known: string[]) =>
  setting(`one of ${known.join(', ')}`, z.enum(known), withText(option));

const architectures = 'aarch64 amd64 arm64 armhf powerpc ppc64 ppc64el ppc64le s390x x86_64'.split(' ');
const formats = 'qcow2 tar tgz squashfs vhd docker aci raw'.split(' ');

/** The keys of an image, in the order of their words on the command line: those of diskimage-builder. */
const settings: Record<string, Setting> = {
  imagename: text('-o'),
  arch: choice('-a', architectures),
  types: setting(`a list of ${formats.join(', ')}`, z.array(z.enum(formats)), (value) =>
    withText('-t')(value.join(',')),
  ),
  environment: map(none),
  ramdisk: setting('true or false', z.boolean(), none),
  'debug-trace': setting('0, 1 or 2', z.int().min(0).max(2), (value) => Array(value).fill('-x')),
  uncompressed: flag('-u'),
  clear: setting('true or false', z.boolean(), none),
  logfile: text('--logfile'),
  checksum: flag('--checksum'),
  'image-size': count('--image-size'),
  'image-extra-size': count('--image-extra-size'),
  'image-cache': text('--image-cache'),
  'max-online-resize': count('--max-online-resize'),
  'min-tmpfs': count('--min-tmpfs'),
  'mkfs-journal-size': count('--mkfs-journal-size'),
  'mkfs-options': text('--mkfs-options'),
  'no-tmpfs': flag('--no-tmpfs'),
  offline: flag('--offline'),
  'qemu-img-options': map((value) =>
    withText('--qemu-img-options')(
      Object.entries(value)
        .map((pair) => pair.join('='))
        .join(','),
    ),
  ),
  'root-label': text('--root-label'),
  'ramdisk-element': text('--ramdisk-element'),
  'install-type': choice('--install-type', ['source', 'package']),
  'docker-target': text('--docker-target'),
  packages: texts((value) => withText('-p')(value.join(','))),
  'skip-base': flag('-n'),
  elements: texts((value) => value),
};

type Entry = Record<string, unknown>;

/**
 * Reads lists of images as diskimage-builder does (`diskimage_builder.py`). Entries of one
 * `imagename`, of one file or several, are one image: lists are joined, maps are merged, of other
 * values the last one counts. An entry without a name belongs to the image before it.
 * @throws StackwrightError `ImageListInvalid`, `ImageListUnreadable`
 */
export function readImageLists(files: string[]): ListedImage[] {
  const images = new Map<string, Entry>();
  let name = 'image';
  for (const entry of files.flatMap(readEntries)) {
    name = typeof entry.imagename === 'string' ? entry.imagename : name;
    images.set(name, merge(images.get(name) ?? {}, entry));
  }
  return [...images].map(([imageName, entry]) => listedImage(imageName, entry));
}

/** As a person would type it. */
export function listedCommand({ program, args, environment, clear }: ListedImage): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${shellQuote(value)}`);
  const cleared = clear ? ['env -i PATH="$PATH" HOME="$HOME"'] : [];
  return [...cleared, ...variables, commandLine(program, args)].join(' ');
}

function listedImage(name: string, entry: Entry): ListedImage {
  return {
    name,
    program: entry.ramdisk === true ? 'ramdisk-image-create' : 'disk-image-create',
    args: Object.entries(settings).flatMap(([key, { words }]) => (key in entry ? words(entry[key]) : [])),
    environment: z.record(z.string(), z.string()).parse(entry.environment ?? {}),
    clear: entry.clear === true,
  };
}

function merge(image: Entry, more: Entry): Entry {
  const merged = { ...image };
  for (const [key, value] of Object.entries(more)) {
    const before = merged[key];
    if (Array.isArray(before) && Array.isArray(value)) merged[key] = [...before, ...value];
    else if (isObject(before) && isObject(value)) merged[key] = { ...before, ...value };
    else merged[key] = value;
  }
  return merged;
}

function isObject(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The entries of a file, of which every value is what its key wants. */
function readEntries(file: string): Entry[] {
  const counter = new LineCounter();
  // The version that upstream's reader has: `yes` is true, and `<<` merges maps.
  const document = parseDocument(readList(file), { lineCounter: counter, version: '1.1', prettyErrors: false });
  const [problem] = document.errors;
  if (problem) throw invalidList(file, counter.linePos(problem.pos[0]).line, problem.message);
  const lineOf = (path: PropertyKey[], part?: 'key') => placeOf(document, counter, path, part);
  const list: unknown = document.toJS();
  if (!Array.isArray(list)) {
    throw invalidList(file, 1, 'it is not a list of images', { hint: 'begin with "- imagename: NAME"' });
  }
  return list.map((entry: unknown, index) => {
    if (!isObject(entry)) {
      throw invalidList(file, lineOf([index]), 'an entry is not a map', { value: JSON.stringify(entry) });
    }
    for (const [key, value] of Object.entries(entry)) {
      const known = settings[key];
      if (!known) {
        throw invalidList(file, lineOf([index, key], 'key'), `an image has no key ${key}`, {
          value: key,
          hint: `known are ${Object.keys(settings).join(', ')}`,
        });
      }
      const issue = known.schema.safeParse(value).error?.issues[0];
      if (issue) throw wrongValue(file, lineOf([index, key, ...issue.path]), key, known.wants, value, issue.path);
    }
    return entry;
  });
}

function wrongValue(
  file: string,
  line: number,
  key: string,
  wants: string,
  value: unknown,
  path: PropertyKey[],
): StackwrightError {
  const wrong = path.reduce<unknown>((found, part) => (found as Entry)[String(part)], value);
  const quoted = /text/.test(wants) && ['number', 'boolean'].includes(typeof wrong);
  return invalidList(file, line, `${key} is not ${wants}`, {
    value: JSON.stringify(wrong),
    ...(quoted ? { hint: `write it in quotes: "${wrong}"` } : {}),
  });
}

/** The line of a value, or of its key; of what a reference brings, the line of the reference. */
function placeOf(document: Document, counter: LineCounter, path: PropertyKey[], part?: 'key'): number {
  if (part === 'key') {
    const map = document.getIn(path.slice(0, -1), true);
    const pair = isMap(map) ? map.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
    if (isNode(pair?.key) && pair.key.range) return counter.linePos(pair.key.range[0]).line;
  }
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return counter.linePos(node.range[0]).line;
  }
  return 1;
}

function readList(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StackwrightError('ImageListUnreadable', `the list of images ${file} cannot be read`, {
      file,
      value: messageOf(error),
      hint: 'correct the path',
      cause: error,
      exitStatus: 2,
    });
  }
}

function invalidList(
  file: string,
  line: number,
  message: string,
  details: { value?: string; hint?: string } = {},
): StackwrightError {
  return new StackwrightError('ImageListInvalid', `the list of images is wrong: ${message}`, {
    file,
    line,
    ...details,
    exitStatus: 2,
  });
}
