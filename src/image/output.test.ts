import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../base/command.js';
import { silentReporter } from '../base/events.js';
import { stateDirectory } from '../base/state.js';
import { openTemporary, type TemporaryState } from '../base/temporary.js';
import { aciManifest, readAciManifest } from './aci.js';
import {
  convertCommand,
  type OutputFormat,
  type OutputOptions,
  parseFormats,
  publishFiles,
  writeOutputs,
} from './output.js';

let work: string;
let temporary: TemporaryState;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-output-'));
  temporary = openTemporary(stateDirectory(join(work, 'state')), 'test');
  mkdirSync(join(work, 'tree/proc/1'), { recursive: true });
  writeFileSync(join(work, 'tree/file'), 'content');
  writeFileSync(join(work, 'disk.raw'), 'a disk');
  truncateSync(join(work, 'disk.raw'), 2 ** 20);
});

afterEach(async () => {
  await temporary.undo();
  rmSync(work, { recursive: true });
});

function options(formats: OutputFormat[], kind: 'tree' | 'disk', more: Partial<OutputOptions> = {}): OutputOptions {
  const path = join(work, kind === 'tree' ? 'tree' : 'disk.raw');
  const output = join(work, 'out/image');
  const source: OutputOptions['source'] = kind === 'tree' ? { kind, path } : { kind, path, format: 'raw' };
  return { formats, source, output, temporary, reporter: silentReporter, ...more };
}

const outputs = () => readdirSync(join(work, 'out')).sort();

it('writes from each source the formats that it can give, and leaves the disk', async () => {
  const formats = parseFormats('raw,qcow2,tar,vhd,tgz,squashfs');

  const fromTree = await writeOutputs(options(formats, 'tree'));
  const fromDisk = await writeOutputs(options(formats, 'disk'));

  expect(fromTree.map(({ format }) => format)).toEqual(['tar', 'tgz', 'squashfs']);
  expect(fromDisk.map(({ format }) => format)).toEqual(['raw', 'qcow2', 'vhd']);
  expect(outputs()).toEqual(['image.qcow2', 'image.raw', 'image.squash', 'image.tar', 'image.tgz', 'image.vhd']);
  expect(existsSync(join(work, 'disk.raw'))).toBe(true);
  const listed = execFileSync('tar', ['-tzf', join(work, 'out/image.tgz')], { encoding: 'utf8' });
  expect(listed).toBe('./\n./file\n');
  for (const name of ['image.qcow2', 'image.vhd']) {
    execFileSync('qemu-img', ['compare', join(work, 'out', name), join(work, 'out/image.raw')]);
  }
  const info = JSON.parse(
    execFileSync('qemu-img', ['info', '--output=json', join(work, 'out/image.qcow2')], { encoding: 'utf8' }),
  );
  expect(info['format-specific'].data['compression-type']).toBe('zstd');
});

it('writes checksums that md5sum and sha256sum find right', async () => {
  await writeOutputs(options(['tar'], 'tree', { checksum: true }));

  expect(outputs()).toEqual(['image.tar', 'image.tar.md5', 'image.tar.sha256']);
  execFileSync('md5sum', ['--check', 'image.tar.md5'], { cwd: join(work, 'out') });
  execFileSync('sha256sum', ['--check', 'image.tar.sha256'], { cwd: join(work, 'out') });
});

it('renames what is there, with its checksums, unless it may be replaced', async () => {
  await writeOutputs(options(['tar'], 'tree', { checksum: true }));
  await writeOutputs(options(['tar'], 'tree'));
  await writeOutputs(options(['tar'], 'tree'));

  const kept = outputs().map((name) => name.replace(/-\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d(-2)?/, '-TIME'));
  expect(kept.sort()).toEqual(
    ['image-TIME.tar', 'image-TIME.tar', 'image-TIME.tar.md5', 'image-TIME.tar.sha256', 'image.tar'].sort(),
  );

  rmSync(join(work, 'out'), { recursive: true });
  await writeOutputs(options(['tar'], 'tree', { checksum: true }));
  await writeOutputs(options(['tar'], 'tree', { overwrite: true }));

  expect(outputs()).toEqual(['image.tar']);
});

it('leaves what was there where one format fails, and nothing half written', async () => {
  mkdirSync(join(work, 'out'));
  writeFileSync(join(work, 'out/image.qcow2'), 'before');

  const failing = writeOutputs(options(['qcow2', 'vhd', 'raw'], 'disk', { qemuOptions: 'no_such=1' }));

  await expect(failing).rejects.toMatchObject({ code: 'CommandFailed' });
  expect(outputs()).toEqual(['image.qcow2']);
  expect(readFileSync(join(work, 'out/image.qcow2'), 'utf8')).toBe('before');
  expect(existsSync(join(work, 'disk.raw'))).toBe(true);
});

it('publishes none where one fails, also where others are whole', async () => {
  const source = {
    kind: 'tree' as const,
    path: join(work, 'tree'),
    run: async (...[program, args, given]: Parameters<typeof run>) => {
      const gzip = args.some((word) => word.startsWith('--use-compress-program'));
      if (gzip) await expect.poll(() => outputs().some((name) => name.startsWith('.image.tar'))).toBe(true);
      return gzip ? run('false', []) : run(program, args, given);
    },
  };

  await expect(writeOutputs(options(['tar', 'tgz'], 'tree', { source }))).rejects.toMatchObject({
    code: 'CommandFailed',
  });

  expect(outputs()).toEqual([]);
});

it.each([true, false])('packs a layout of OCI whose digests are right, compressed: %s', async (compress) => {
  await writeOutputs(options(['docker'], 'tree', { arch: 'arm64', dockerTarget: 'registry.test:5000/web', compress }));

  expect(outputs()).toEqual(['image.oci.tar']);
  const layout = join(work, 'layout');
  mkdirSync(layout);
  execFileSync('tar', ['-xf', join(work, 'out/image.oci.tar'), '-C', layout]);
  const blobs = join(layout, 'blobs/sha256');
  for (const name of readdirSync(blobs)) {
    expect(
      createHash('sha256')
        .update(readFileSync(join(blobs, name)))
        .digest('hex'),
    ).toBe(name);
  }
  const read = (digest: string) => JSON.parse(readFileSync(join(blobs, digest.replace('sha256:', '')), 'utf8'));
  const [entry] = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')).manifests;
  expect(entry.annotations).toEqual({ 'org.opencontainers.image.ref.name': 'registry.test:5000/web:latest' });
  const { config, layers } = read(entry.digest);
  expect(read(config.digest)).toMatchObject({ architecture: 'arm64', os: 'linux' });
  const listed = execFileSync('tar', ['-tf', join(blobs, layers[0].digest.replace('sha256:', ''))], {
    encoding: 'utf8',
  });
  expect(listed).toBe('./\n./file\n');
});

it.each([true, false])('packs an App Container Image: manifest and rootfs, compressed: %s', async (compress) => {
  symlinkSync('./file', join(work, 'tree/link'));
  linkSync(join(work, 'tree/file'), join(work, 'tree/hard'));

  await writeOutputs(options(['aci'], 'tree', { arch: 'arm64', compress }));

  expect(outputs()).toEqual(['image.aci']);
  const unpacked = join(work, 'unpacked');
  mkdirSync(unpacked);
  execFileSync('tar', [compress ? '-xzf' : '-xf', join(work, 'out/image.aci'), '-C', unpacked]);
  expect(readdirSync(unpacked, { recursive: true }).sort()).toEqual(
    ['manifest', 'rootfs', 'rootfs/file', 'rootfs/hard', 'rootfs/link'].sort(),
  );
  expect(readlinkSync(join(unpacked, 'rootfs/link'))).toBe('./file');
  expect(readFileSync(join(unpacked, 'rootfs/hard'), 'utf8')).toBe('content');
  expect(JSON.parse(readFileSync(join(unpacked, 'manifest'), 'utf8'))).toEqual({
    acKind: 'ImageManifest',
    acVersion: '0.8.11',
    name: 'image',
    labels: [
      { name: 'os', value: 'linux' },
      { name: 'arch', value: 'aarch64' },
    ],
  });
});

it('takes a manifest of the user’s own, if it is one', async () => {
  const own = join(work, 'own.json');
  writeFileSync(own, '{"acKind":"ImageManifest","name":"example.com/web"}');
  const wrong = join(work, 'wrong.json');
  writeFileSync(wrong, '{"acKind":"PodManifest"}');

  await writeOutputs(options(['aci'], 'tree', { aciManifest: readAciManifest(own) }));

  const manifest = execFileSync('tar', ['-xOf', join(work, 'out/image.aci'), 'manifest'], { encoding: 'utf8' });
  expect(manifest).toBe(readFileSync(own, 'utf8'));
  expect(() => readAciManifest(wrong)).toThrow(expect.objectContaining({ code: 'AciManifestInvalid' }));
  expect(() => readAciManifest(join(work, 'none'))).toThrow(expect.objectContaining({ code: 'AciManifestInvalid' }));
});

it('makes every format of a disk from a qcow2 too, and copies what is wanted as it is', async () => {
  const path = join(work, 'kept.qcow2');
  execFileSync('qemu-img', ['convert', '-c', '-O', 'qcow2', join(work, 'disk.raw'), path]);
  const source = { kind: 'disk', path, format: 'qcow2' } as const;

  await writeOutputs(options(['raw', 'qcow2', 'vhd'], 'disk', { source }));

  for (const name of outputs()) execFileSync('qemu-img', ['compare', join(work, 'out', name), join(work, 'disk.raw')]);
  expect(outputs()).toHaveLength(3);
  expect(readFileSync(join(work, 'out/image.qcow2'))).toEqual(readFileSync(path));
  await writeOutputs(options(['qcow2'], 'disk', { source, compress: false, overwrite: true }));
  expect(readFileSync(join(work, 'out/image.qcow2'))).not.toEqual(readFileSync(path));
});

it('publishes nothing of a disk that was written to meanwhile', async () => {
  const source = { kind: 'disk', path: join(work, 'disk.raw'), format: 'raw', isUnchanged: () => false } as const;

  await expect(writeOutputs(options(['raw', 'vhd'], 'disk', { source }))).rejects.toThrow(
    expect.objectContaining({ code: 'KeptDiskChanged' }),
  );

  expect(outputs()).toEqual([]);
});

it('makes an identifier of any name', () => {
  const named = (name: string) => JSON.parse(aciManifest(name, 'amd64')).name;

  expect(['web', 'Web_1.0', '.hidden..', '_'].map(named)).toEqual(['web', 'web-1-0', 'hidden', 'image']);
});

it('puts finished files to their places, with checksums', async () => {
  const source = join(work, 'disk.raw');
  const path = join(work, 'out/probe.kernel');

  const written = await publishFiles([{ format: 'kernel', path, source }], {
    temporary,
    reporter: silentReporter,
    checksum: true,
  });

  expect(written).toEqual([{ format: 'kernel', path, bytes: 2 ** 20 }]);
  expect(outputs()).toEqual(['probe.kernel', 'probe.kernel.md5', 'probe.kernel.sha256']);
  execFileSync('md5sum', ['--check', 'probe.kernel.md5'], { cwd: join(work, 'out') });
});

it('refuses a format that is not known', () => {
  expect(parseFormats('qcow2, raw,qcow2')).toEqual(['qcow2', 'raw']);
  expect(() => parseFormats('qcow3')).toThrow('an image cannot have the format qcow3');
});

it('compresses with zstd unless it may not, or a user’s options exclude it', () => {
  const command = (compress: boolean, qemuOptions?: string) =>
    convertCommand('qcow2', { source: 'in', file: 'out', compress, qemuOptions }).join(' ');

  expect(command(true)).toBe('qemu-img convert -U -c -W -f raw -O qcow2 -o compression_type=zstd in out');
  expect(command(true, 'cluster_size=2M')).toContain('-o compression_type=zstd,cluster_size=2M');
  expect(command(true, 'compat=0.10')).toContain('-c -W -f raw -O qcow2 -o compat=0.10 in out');
  expect(command(false)).toBe('qemu-img convert -U -f raw -O qcow2 in out');
});

it('writes the clusters of a qcow2 in order where its bytes are to be the same each time', () => {
  const [, ...words] = convertCommand('qcow2', { source: 'in', file: 'out', compress: true, sourceDateEpoch: 1 });

  expect(words).not.toContain('-W');
});
