import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Build } from './build.js';

/** Where elements leave what is to lie beside the image, unless the caller has named another place. */
export function seenManifests({ environment, options, sandbox }: Build): string {
  const own = options.environment.DIB_MANIFEST_SAVE_DIR !== undefined;
  return own ? '' : join(sandbox.view, environment.DIB_MANIFEST_SAVE_DIR ?? '');
}

/** Copies it to `OUTPUT.d`, as diskimage-builder does. */
export async function saveManifests(from: string, output: string): Promise<void> {
  if (existsSync(from)) await cp(from, `${output}.d`, { recursive: true, preserveTimestamps: true });
}
