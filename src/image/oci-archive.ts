import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandOptions, run } from '../base/command.js';
import { gzipProgram } from '../base/host.js';

/** What an OCI archive says of its one layer. */
export interface OciImage {
  /** A tar of the root; it is moved away. */
  layer: string;
  /** Debian's name of the architecture, which is OCI's too. */
  arch: string;
  /** Name and tag, such as `web:1.0`; `latest` where there is no tag. */
  reference: string;
  compress: boolean;
}

const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
};

/**
 * Packs a tree's tar as an OCI archive, without a daemon: a tar of an image layout (OCI image
 * specification 1.0, `image-layout.md`), which skopeo and podman read as `oci-archive:FILE`.
 * @param work an empty directory for the layout
 */
export async function writeOciArchive(
  { layer, arch, reference, compress }: OciImage,
  file: string,
  work: string,
  options: CommandOptions = {},
): Promise<void> {
  const blobs = join(work, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const unpacked = await sha256(layer);
  if (compress) await run(gzipProgram(), ['--no-name', '--fast', layer], { ...options, timeout: 7200 });
  const packed = compress ? `${layer}.gz` : layer;
  const digest = compress ? await sha256(packed) : unpacked;
  const { size } = await stat(packed);
  await rename(packed, join(blobs, digest));
  const layerType = compress ? `${types.layer}+gzip` : types.layer;
  const blob = async (mediaType: string, content: object) => {
    const text = JSON.stringify(content);
    const name = createHash('sha256').update(text).digest('hex');
    await writeFile(join(blobs, name), text);
    return { mediaType, digest: `sha256:${name}`, size: Buffer.byteLength(text) };
  };
  const config = await blob(types.config, {
    architecture: arch,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [`sha256:${unpacked}`] },
  });
  const manifest = await blob(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config,
    layers: [{ mediaType: layerType, digest: `sha256:${digest}`, size }],
  });
  const name = /:[^/]*$/.test(reference) ? reference : `${reference}:latest`;
  const annotations = { 'org.opencontainers.image.ref.name': name };
  const index = { schemaVersion: 2, mediaType: types.index, manifests: [{ ...manifest, annotations }] };
  await writeFile(join(work, 'index.json'), JSON.stringify(index));
  await writeFile(join(work, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const entries = ['oci-layout', 'index.json', 'blobs'];
  // Its times and owners mean nothing: the same layer gives the same bytes.
  const plain = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await run('tar', ['--create', '--file', file, ...plain, '--directory', work, ...entries], {
    ...options,
    timeout: 7200,
  });
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  return hash.digest('hex');
}
