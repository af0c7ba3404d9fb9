import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listedCommand, readImageLists } from './image-list.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-list-'));
});

afterEach(() => rmSync(work, { recursive: true }));

function list(name: string, text: string): string {
  writeFileSync(join(work, name), text);
  return join(work, name);
}

const commands = (...texts: string[]) =>
  readImageLists(texts.map((text, index) => list(`${index}.yaml`, text))).map(listedCommand);

it('makes a command of every key', () => {
  const text = `
- imagename: web
  arch: amd64
  types: [qcow2, raw]
  environment:
    DIB_RELEASE: bookworm
    NOTE: it's
  debug-trace: 2
  uncompressed: true
  logfile: web.log
  checksum: true
  image-size: 8
  image-extra-size: 9
  image-cache: /cache
  max-online-resize: 1000
  min-tmpfs: 5
  mkfs-journal-size: 64
  mkfs-options: -i 4096
  no-tmpfs: yes
  offline: true
  qemu-img-options: {compat: '0.10', cluster_size: 2M}
  root-label: root
  ramdisk-element: ramdisk
  install-type: package
  docker-target: web:1
  packages: [vim, less]
  skip-base: true
  elements: [debian-minimal, vm]
`;

  expect(commands(text)).toEqual([
    "DIB_RELEASE=bookworm NOTE='it'\\''s' disk-image-create -o web -a amd64 -t qcow2,raw -x -x -u --logfile web.log " +
      '--checksum --image-size 8 --image-extra-size 9 --image-cache /cache --max-online-resize 1000 --min-tmpfs 5 ' +
      "--mkfs-journal-size 64 --mkfs-options '-i 4096' --no-tmpfs --offline --qemu-img-options " +
      'compat=0.10,cluster_size=2M --root-label root --ramdisk-element ramdisk --install-type package ' +
      '--docker-target web:1 -p vim,less -n debian-minimal vm',
  ]);
});

it('leaves out what is off or empty', () => {
  const text =
    '- {imagename: web, checksum: false, logfile: "", types: [], packages: [], debug-trace: 0, elements: [a]}';

  expect(commands(text)).toEqual(['disk-image-create -o web a']);
});

it('merges the entries of one name over all files, and those without a name into the one before', () => {
  const base = `
- imagename: web
  elements: [a]
  environment: {A: '1', B: '1'}
  types: [raw]
- imagename: probe
  ramdisk: true
  elements: [a]
`;
  const more = `
- elements: [b]
- imagename: web
  elements: [c]
  environment: {B: '2'}
  types: [qcow2]
  image-size: 8
`;

  expect(commands(base, more)).toEqual([
    'A=1 B=2 disk-image-create -o web -t raw,qcow2 --image-size 8 a c',
    'ramdisk-image-create -o probe a b',
  ]);
  expect(commands('- elements: [a]')).toEqual(['disk-image-create a']);
});

it('takes the caller’s environment away with clear, and keeps the entry’s own', () => {
  expect(commands('- {imagename: web, clear: true, environment: {A: b}}')).toEqual([
    'env -i PATH="$PATH" HOME="$HOME" A=b disk-image-create -o web',
  ]);
});

it('resolves references, also those that are merged', () => {
  const text = '- &base\n  imagename: a\n  elements: [x]\n- <<: *base\n  imagename: b\n';

  expect(commands(text)).toEqual(['disk-image-create -o a x', 'disk-image-create -o b x']);
});

it.each([
  ['imagename: web', 1, 'it is not a list of images', undefined],
  ['', 1, 'it is not a list of images', undefined],
  ['- web', 1, 'an entry is not a map', undefined],
  ['- imagename: a\n  elments: [b]', 2, 'an image has no key elments', undefined],
  ['- imagename: 5', 1, 'imagename is not a text', 'write it in quotes: "5"'],
  ['- environment:\n    A: b\n    DIB_RELEASE: 9', 3, 'environment is not a map of texts', 'write it in quotes: "9"'],
  ['- elements:\n  - a\n  - true', 3, 'elements is not a list of texts', 'write it in quotes: "true"'],
  ['- imagename: a\n\n  image-size: 0', 3, 'image-size is not a whole number above 0', undefined],
  ['- checksum: 1', 1, 'checksum is not true or false', undefined],
  [
    '- types:\n  - qcow2\n  - ova',
    3,
    'types is not a list of qcow2, tar, tgz, squashfs, vhd, docker, aci, raw',
    undefined,
  ],
  ['- install-type: pip', 1, 'install-type is not one of source, package', undefined],
  ['- logfile:', 1, 'logfile is not a text', undefined],
  ['- imagename: a\n- &b {imagename: 5}', 2, 'imagename is not a text', 'write it in quotes: "5"'],
])('says in which line %j is wrong', (text, line, message, hint) => {
  const file = list('wrong.yaml', text);

  expect(() => readImageLists([file])).toThrow(
    expect.objectContaining({
      code: 'ImageListInvalid',
      message: `the list of images is wrong: ${message}`,
      details: expect.objectContaining({ file, line, ...(hint ? { hint } : {}) }),
    }),
  );
});

it('says where YAML cannot be read, and that a file is missing', () => {
  const file = list('wrong.yaml', '- imagename: a\n  types: [raw\n- x: y');

  expect(() => readImageLists([file])).toThrow(expect.objectContaining({ code: 'ImageListInvalid' }));
  expect(() => readImageLists([join(work, 'none.yaml')])).toThrow(
    expect.objectContaining({ code: 'ImageListUnreadable' }),
  );
});
