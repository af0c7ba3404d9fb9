import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let found: string | undefined;

/** The directory of Stackwright's own package.json: assets (elements, plugins, ramdisk scripts) are below it. */
export function packageRoot(): string {
  if (found !== undefined) return found;
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    if (directory === dirname(directory)) throw new Error('no package.json above the program');
    directory = dirname(directory);
  }
  found = directory;
  return directory;
}
