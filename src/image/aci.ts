import { readFileSync } from 'node:fs';
import { messageOf, StackwrightError } from '../base/errors.js';

/** The names of architectures that differ from Debian's, as the appc specification has them for Linux. */
const architectures: Record<string, string> = { arm64: 'aarch64', armhf: 'armv7l', ppc64el: 'ppc64le' };

/**
 * The manifest of an App Container Image that only has files (appc specification 0.8.11, `spec/aci.md`).
 * @param name any text; made an AC identifier
 * @param arch as Debian names it
 */
export function aciManifest(name: string, arch: string): string {
  const identifier = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  const manifest = {
    acKind: 'ImageManifest',
    acVersion: '0.8.11',
    name: identifier || 'image',
    labels: [
      { name: 'os', value: 'linux' },
      { name: 'arch', value: architectures[arch] ?? arch },
    ],
  };
  return `${JSON.stringify(manifest)}\n`;
}

/**
 * Reads a manifest of the user's own, `ACI_MANIFEST`.
 * @throws StackwrightError `AciManifestInvalid`
 */
export function readAciManifest(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (JSON.parse(text)?.acKind === 'ImageManifest') return text;
    throw new Error('its acKind is not ImageManifest');
  } catch (error) {
    throw new StackwrightError('AciManifestInvalid', 'the file of ACI_MANIFEST is no manifest of an image', {
      file: path,
      value: messageOf(error),
      hint: 'write it as the appc specification says, or unset ACI_MANIFEST for one without an app',
      cause: error,
      exitStatus: 2,
    });
  }
}
