import { type ErrorDetails, StackwrightError } from '../../base/errors.js';

const formats = 'a directory, a role, squashfs, tar, tgz, an OCI archive, raw, qcow2 or vhd';

/** `ImageUnreadable` with the image and the reason. */
export function imageUnreadable(image: string, reason: string, details: ErrorDetails = {}): StackwrightError {
  return new StackwrightError('ImageUnreadable', `the image cannot be read: ${reason}`, {
    value: image,
    hint: `name ${formats}`,
    exitStatus: 2,
    ...details,
  });
}
