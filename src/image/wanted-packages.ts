import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../base/command.js';
import { type Element, withFirstParty } from './elements.js';
import {
  type BuildPlace,
  buildEnvironment,
  outsideEnvironment,
  parseEnvironment,
  proxyEnvironment,
  sourcingProgram,
} from './environment.js';
import { generateHooks } from './hooks.js';
import { environmentFiles, readHooks } from './hooks-view.js';
import { type PackageInstalls, squashPackageInstalls } from './package-installs.js';

/**
 * The packages that elements would install and remove, in the environment that their
 * environment.d makes of the caller's. Nothing is built.
 */
export async function wantedPackages(
  elements: Element[],
  options: { elementsPath: string[]; environment: Record<string, string>; arch: string },
): Promise<PackageInstalls> {
  const work = mkdtempSync(join(tmpdir(), 'stackwright-packages-'));
  try {
    const place: BuildPlace = {
      arch: options.arch,
      elements,
      elementsPath: withFirstParty(options.elementsPath),
      work,
      root: join(work, 'mnt'),
      hooks: join(work, 'hooks'),
      cache: join(work, 'cache'),
      imageName: 'image',
      withoutBase: false,
    };
    generateHooks(elements, place.hooks);
    const caller = { ...proxyEnvironment(), ...options.environment };
    const env = { ...buildEnvironment(caller, place), ...outsideEnvironment(place) };
    const dump = join(work, 'environment');
    const shell = sourcingProgram(join(place.hooks, 'environment.d'), environmentFiles(readHooks(place.hooks)), dump);
    await run('/bin/bash', ['-c', shell], { env, replaceEnvironment: true, timeout: 60 });
    return squashPackageInstalls(elements, parseEnvironment(readFileSync(dump, 'utf8')));
  } finally {
    rmSync(work, { recursive: true });
  }
}
