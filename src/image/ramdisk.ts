import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import { type BuildOptions, beginBuild, endBuild, finishBuild } from './build.js';
import type { BuiltImage } from './image.js';
import { saveManifests, seenManifests } from './manifests.js';
import { type OutputOptions, publishFiles } from './output.js';
import { lastPhases, runPhases, treePhases } from './phases.js';

export interface RamdiskOptions extends BuildOptions {
  /** Path of the files without their endings `.kernel` and `.initramfs`. */
  output: string;
  /** The element that puts the ramdisk together, `--ramdisk-element`; `RAMDISK_ELEMENT` or `ramdisk` unless told. */
  ramdiskElement?: string;
  /** As in `OutputOptions`. */
  write?: Pick<OutputOptions, 'compress' | 'checksum' | 'overwrite'>;
}

/**
 * Builds a ramdisk as diskimage-builder's ramdisk-image-create does: an element puts it together
 * in the image, and scripts of `cleanup.d` leave `$IMAGE_NAME.kernel`, `$IMAGE_NAME.initramfs` and
 * what else they have. The tree is thrown away. Nothing is left where this is interrupted in
 * whatever way.
 * @throws StackwrightError `RamdiskMissing`, and those of `beginBuild` and `runPhases`
 */
export async function buildRamdisk(options: RamdiskOptions): Promise<BuiltImage> {
  const { environment, write, reporter, state } = options;
  const output = resolve(options.output);
  const name = basename(output);
  const element = options.ramdiskElement ?? environment.RAMDISK_ELEMENT ?? 'ramdisk';
  const elements = [...new Set([element, ...options.elements])];
  // Until they are whole nobody sees the files.
  const made = state.path('build', 'image');
  const build = await beginBuild({ ...options, elements, imageName: name }, () => ({
    COMPRESS_IMAGE: write?.compress === false ? '' : 'true',
    DIB_CHECKSUM: write?.checksum ? '1' : '0',
    IMAGE_NAME: join(made, name),
    IMAGE_TYPE: 'ramdisk',
  }));
  const { layers, store, sandbox, temporary } = build;
  try {
    await runPhases(build, [...treePhases, ...lastPhases]);
    await layers.begin();
    const seen = join(sandbox.view, made);
    const files = (await readdir(seen, { withFileTypes: true })).filter((entry) => entry.isFile());
    const endings = files.flatMap((file) =>
      file.name.startsWith(`${name}.`) ? [file.name.slice(name.length + 1)] : [],
    );
    const missing = ['kernel', 'initramfs'].find((ending) => !endings.includes(ending));
    if (missing !== undefined) {
      throw new StackwrightError('RamdiskMissing', `no element has left the file $IMAGE_NAME.${missing}`, {
        value: element,
        hint: `an element for ramdisks writes it in cleanup.d; log: ${build.logFile}`,
      });
    }
    const outputs = await publishFiles(
      endings.map((format) => ({ format, path: `${output}.${format}`, source: join(seen, `${name}.${format}`) })),
      { ...write, temporary, reporter },
    );
    await saveManifests(seenManifests(build), output);
    await store.flush();
    return { ...finishBuild(build), outputs };
  } finally {
    await endBuild(build);
  }
}
