import { createHash, type Hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import packageFile from '../../package.json' with { type: 'json' };
import { run } from '../base/command.js';
import { readTextIfExistsSync } from '../base/files.js';
import type { Element } from './elements.js';
import { identifyingEnvironment } from './environment.js';
import { phaseFile } from './hooks-view.js';
import { alwaysCounted, type InputContext, type LayerInput } from './layers/index.js';
import type { BuildNetwork } from './network.js';

/** Raised by hand when the builder itself makes another tree of the same elements. */
const builderRevision = 2;

export interface IdentityInputs {
  elements: Element[];
  environment: Record<string, string>;
  arch: string;
  /** Packages that are named outside the elements (`-p`). */
  packages?: string[];
  withoutBase?: boolean;
  network?: Pick<BuildNetwork, 'digest'>;
}

/**
 * The name of what a build would make: a hash of everything that it depends on. A tree that was
 * published under this identity needs no build. Reads the elements' files; no network.
 */
export function imageIdentity(inputs: IdentityInputs): string {
  const named = {
    // Another builder may make another tree.
    builder: `${packageFile.version} ${builderRevision}`,
    // The packages and the kernel differ.
    arch: inputs.arch,
    // Names, and their scripts with modes: a script that is not executable does not run. The
    // directory is left out, so that a moved checkout builds nothing anew.
    elements: inputs.elements.map((element) => `${element.name} ${hashDirectory(element.path)}`),
    // Files elsewhere that an element's scripts put into the image, such as a built program.
    elementInputs: inputs.elements.flatMap((element) =>
      elementInputs(element).map(({ name, digest }) => `${element.name} ${name} ${digest}`),
    ),
    // Whether `base` was implied is seen by scripts as SKIP_BASE.
    withoutBase: inputs.withoutBase ?? false,
    // What scripts can see of the caller, without the session's own variables.
    environment: identifyingEnvironment(inputs.environment),
    // Packages of the command line are installed after the elements' ones.
    packages: inputs.packages ?? [],
    // Packages and files are those of a bundle.
    bundle: inputs.network?.digest,
  };
  return createHash('sha256').update(JSON.stringify(named)).digest('hex');
}

const rootPrograms = ['mmdebstrap', 'debootstrap'];

/** The versions of the host's programs that make the root of an image; of those that Debian's packages have. */
export async function rootProgramVersions(): Promise<string> {
  const format = '--showformat=${Package} ${Version}\\n';
  // Status 1: one of them is not installed.
  const options = { okStatuses: [0, 1] };
  const known = await run('dpkg-query', ['--show', format, ...rootPrograms], options).catch(() => undefined);
  return known?.stdout.trim() ?? 'unknown';
}

/**
 * The inputs of the first state of a build, and what those of later states are taken from.
 * @param environment of the build, before environment.d
 * @param caller the part of it that is the caller's
 * @param bundle the digest of what alone it fetches from
 * @param programs versions of the host's programs that make roots
 */
export function builderInputs({
  elements,
  arch,
  environment,
  caller,
  bundle,
  programs,
  digest,
}: {
  elements: Element[];
  arch: string;
  environment: Record<string, string>;
  caller: Record<string, string>;
  bundle: string | undefined;
  programs: string;
  digest: InputContext['digest'];
}): { context: InputContext; first: LayerInput[] } {
  const variables = alwaysCounted(identifyingEnvironment(caller));
  return {
    first: [
      { kind: 'builder', name: 'stackwright', digest: `${packageFile.version} ${builderRevision}` },
      { kind: 'architecture', name: arch, digest: arch },
      { kind: 'host program', name: rootPrograms.join(', '), digest: programs },
      ...(bundle === undefined ? [] : [{ kind: 'bundle' as const, name: 'of downloads', digest: bundle }]),
      ...variables.map(([name, value]) => ({ kind: 'variable' as const, name, digest: digest(value) })),
    ],
    context: {
      environment,
      // Scripts of phases are inputs of their own, and nobody else reads them.
      elementFiles: elements.map(({ name, path }) => ({ name, digest: hashDirectory(path, phaseFile) })),
      elementInputs: new Map(elements.map((element) => [element.name, elementInputs(element)])),
      digest,
    },
  };
}

/**
 * What an element lists in its file `element-inputs`: paths, relative to its directory, of files
 * that it takes from elsewhere. (Ours; diskimage-builder builds anew every time.)
 */
function elementInputs(element: Element): { name: string; digest: string }[] {
  const list = readTextIfExistsSync(join(element.path, 'element-inputs')) ?? '';
  const paths = list.split('\n').map((line) => line.trim());
  return paths.filter(Boolean).map((path) => {
    const text = readTextIfExistsSync(resolve(element.path, path)) ?? 'missing';
    return { name: path, digest: createHash('sha256').update(text).digest('hex') };
  });
}

/** @param without leaves out directories and files whose path below the directory it matches */
function hashDirectory(path: string, without?: RegExp): string {
  const hash = createHash('sha256');
  addDirectory(hash, path, '', without);
  return hash.digest('hex');
}

function addDirectory(hash: Hash, path: string, relative: string, without?: RegExp): void {
  for (const name of readdirSync(path).sort()) {
    if (name === '__pycache__' || (relative === '' && name === 'tests')) continue;
    if (without?.test(`${relative}/${name}`.slice(1))) continue;
    const place = join(path, name);
    const below = `${relative}/${name}`;
    if (lstatSync(place).isSymbolicLink()) hash.update(`link ${below}\0${readlinkSync(place)}\0`);
    const found = statSync(place, { throwIfNoEntry: false });
    if (found?.isDirectory()) addDirectory(hash, place, below, without);
    if (!found?.isFile()) continue;
    // Of the mode only what a checkout keeps: whether it can be executed.
    hash.update(`file ${below}\0${found.mode & 0o111 ? 'x' : '-'}\0${found.size}\0`).update(readFileSync(place));
  }
}
