import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, StackwrightError } from '../../base/errors.js';
import type { Element } from '../elements.js';

/** The text of a configuration, and what errors name as its file. */
export interface ConfigText {
  text: string;
  file: string;
}

/** A loop device with one file system, without a partition table. */
const fallback = `- local_loop:
    name: image0
    mkfs:
      name: mkfs_root
      mount:
        mount_point: /
        fstab:
          options: "defaults"
          fsck-passno: 1
`;

/**
 * Chooses a configuration as diskimage-builder does: `DIB_BLOCK_DEVICE_CONFIG` (`file://…` or YAML),
 * else an element's `block-device-ARCH.yaml` or `block-device-default.yaml`, else one root file system.
 * @param elements resolved; of several with a configuration the first by name is taken
 * @throws StackwrightError `BlockDeviceConfigUnreadable`
 */
export function chooseBlockDeviceConfig(
  elements: Element[],
  arch: string,
  environment: Record<string, string>,
): ConfigText {
  const given = environment.DIB_BLOCK_DEVICE_CONFIG;
  if (given?.startsWith('file://')) return readConfigFile(given.slice('file://'.length));
  if (given) return { text: given, file: 'DIB_BLOCK_DEVICE_CONFIG' };
  // Two names of one architecture.
  const name = arch === 'ppc64le' ? 'ppc64el' : arch;
  for (const { path } of elements) {
    const files = [`block-device-${name}.yaml`, 'block-device-default.yaml'].map((file) => join(path, file));
    const file = files.find((candidate) => existsSync(candidate));
    if (file) return readConfigFile(file);
  }
  return { text: fallback, file: 'the fallback' };
}

export function readConfigFile(file: string): ConfigText {
  try {
    return { text: readFileSync(file, 'utf8'), file };
  } catch (error) {
    throw new StackwrightError('BlockDeviceConfigUnreadable', `the block device configuration ${file} cannot be read`, {
      file,
      value: messageOf(error),
      hint: 'correct the path, in DIB_BLOCK_DEVICE_CONFIG after file://',
      cause: error,
      exitStatus: 2,
    });
  }
}
