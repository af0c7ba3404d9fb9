import { randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import { openTemporary, type TemporaryState } from '../base/temporary.js';
import { parseBreakpoints } from './breakpoints.js';
import { type Element, firstPartyElements, linkOwnElements, resolveElements, scriptElementsPath } from './elements.js';
import {
  type BuildPlace,
  buildEnvironment,
  hostArchitecture,
  kernelVersions,
  libraryFiles,
  proxyEnvironment,
} from './environment.js';
import { reportImage } from './events.js';
import { generateHooks, type HooksTree } from './hooks.js';
import { environmentFiles, readHooks } from './hooks-view.js';
import { builderInputs, imageIdentity, rootProgramVersions } from './identity.js';
import { type LayerChain, type LayerStore, openChain, openLayers, openOverlay, pruneLayers } from './layers/index.js';
import { seenManifests } from './manifests.js';
import type { BuildNetwork } from './network.js';
import { packageScripts, squashPackageInstalls } from './package-installs.js';
import { readPackageNames, serviceTable } from './package-names.js';
import { blockDevicePhase, lastPhases, mountRoot, runPhases, sourceEnvironment, treePhases } from './phases.js';
import { leaveReproducible, sourceDateEpoch } from './reproducible.js';
import { fillCaches, type ImageRoot, restoreResolver, seenFromHost, takeCaches, tidy, unmountSystem } from './root.js';
import { openSandbox, type Sandbox } from './sandbox.js';

export interface BuildOptions {
  /** Names as the user gives them; `base` is implied. */
  elements: string[];
  elementsPath: string[];
  /** What scripts see besides the variables of the build, e.g. `DIB_RELEASE`. */
  environment: Record<string, string>;
  state: StateDirectory;
  reporter: Reporter;
  /** Debian's name of an architecture; that of this host unless told. */
  arch?: string;
  /** `IMAGE_NAME`; `image` unless told. */
  imageName?: string;
  /** More packages, installed after install.d. */
  packages?: string[];
  withoutBase?: boolean;
  /** Start from nothing, also where states of earlier builds are kept. */
  fresh?: boolean;
  /** Where its scripts fetch from, unless that is the network of this host. */
  network?: BuildNetwork;
  /** Ends the build when aborted; everything is undone. */
  signal?: AbortSignal;
  /** Seconds that one script may take; 3600 unless told. */
  scriptTimeout?: number;
  /** Open a shell where a script fails, as `break=after-error` in the environment does. */
  shellOnFailure?: boolean;
  /** Whether standard input is a terminal, on which a shell can be opened. */
  terminal?: boolean;
  /** The command line of the build, for the hint how to replay a failed script. */
  commandLine?: string;
}

/** The root of a finished image. It is there until it is disposed of. */
export interface BuiltTree extends AsyncDisposable, FinishedBuild {
  /** Its directory: a whole system with its files' owners, and nothing mounted in it. */
  path: string;
  /** Of the newest kernel; undefined without one. */
  kernelVersion?: string;
  /** What elements left to lie beside the tree; a directory that may be missing. */
  manifests: string;
}

/** What a build needs from begin to end. */
export interface Build {
  options: BuildOptions;
  identity: string;
  place: BuildPlace;
  hooks: HooksTree;
  sandbox: Sandbox;
  root: ImageRoot;
  temporary: TemporaryState;
  layers: LayerChain;
  store: LayerStore;
  /** A directory of the host for raw disks, which are no part of the image's tree. */
  disks: string;
  /** Whether the root is filled, so that it has in it what its programs expect of a running system. */
  entered: boolean;
  /** The squashed package-installs, as the image finds them in /tmp; empty where another element makes them. */
  packageInstalls: string;
  /** Of every phase, before environment.d. */
  environment: Record<string, string>;
  logFile: string;
  breakpoints: Set<string>;
  /** By phase. */
  seconds: Record<string, number>;
  started: number;
}

/**
 * Builds the tree of an image from elements: all phases but those that need a block device.
 * Nothing is left where this is interrupted in whatever way. The caller disposes of the tree.
 * @throws StackwrightError those of `beginBuild` and `runPhases`
 */
export async function buildTree(options: BuildOptions): Promise<BuiltTree> {
  const build = await beginBuild(options);
  const { root } = build;
  const path = seenFromHost(root);
  try {
    await runPhases(build, [...treePhases, ...lastPhases]);
    await build.layers.begin();
    await restoreResolver(path);
    await unmountSystem(root);
    await tidy(path);
    if (sourceDateEpoch(options.environment) !== undefined) leaveReproducible(path, options.reporter);
    await build.store.flush();
    return {
      path,
      kernelVersion: kernelVersions(path).at(-1),
      manifests: seenManifests(build),
      ...finishBuild(build),
      [Symbol.asyncDispose]: () => endBuild(build),
    };
  } catch (error) {
    await endBuild(build);
    throw error;
  }
}

/**
 * Makes all that scripts need: directories, hooks tree, namespaces of their own in which they run
 * as root. The caller ends the build.
 * @param more variables that depend on the resolved elements
 * @throws StackwrightError `NotRoot`, `SandboxFailed`, and those of `resolveElements`, `generateHooks`,
 *   `squashPackageInstalls`
 */
export async function beginBuild(
  options: BuildOptions,
  more: (elements: Element[], arch: string) => Record<string, string> = () => ({}),
): Promise<Build> {
  if (process.getuid?.() !== 0) {
    throw new StackwrightError('NotRoot', 'an image can be built by root only', { hint: 'run the command with sudo' });
  }
  const started = Date.now();
  const phaseNames = [...treePhases, blockDevicePhase, ...lastPhases].map(({ name }) => name);
  const breakpoints = parseBreakpoints(options.environment.break ?? '', phaseNames);
  if (options.shellOnFailure) breakpoints.add('after-error');
  const arch = options.arch ?? hostArchitecture();
  const elements = resolveElements(options.elements, options.elementsPath, { ...options, arch });
  const identity = imageIdentity({ ...options, elements, arch });
  const added = more(elements, arch);
  const temporary = openTemporary(options.state, 'image build');
  let sandbox: Sandbox | undefined;
  try {
    const logFile = openLog(options.state, basename(options.imageName ?? 'image'));
    const names = elements.map(({ name }) => name);
    reportImage(options.reporter, {
      code: 'image.build.started',
      level: 'info',
      message: `building from ${names.length} elements, log ${logFile}`,
      data: { identity, elements: names, logFile },
    });
    const place = await makePlace(options, elements, arch);
    const scratch = temporary.directory('image');
    const disks = join(scratch, 'disks');
    const base = join(scratch, 'base');
    makeBase(base);
    linkOwnElements(elements, join(base, 'elements'));
    const hooks = generateHooks(elements, join(base, 'hooks'));
    mkdirSync(disks);
    sandbox = await openSandbox(temporary, { unplugged: options.network?.unplugged ?? false });
    const apt = temporary.directory('apt');
    const exchange = join(scratch, 'exchange');
    mkdirSync(exchange, { mode: 0o700 });
    const packages = join(place.cache, 'apt', options.environment.DISTRO_NAME ?? 'debian');
    const root = { path: place.root, hooks: place.hooks, exchange, apt, packages, sandbox, logFile };
    await fillCaches(root);
    const environment = {
      ...buildEnvironment({ ...proxyEnvironment(), ...options.environment }, place),
      ...added,
      ...(await options.network?.connect(sandbox)),
      STACKWRIGHT_APT_ARCHIVES: join(apt, 'archives'),
    };

    await pruneLayers(options.state, keptLayerBytes);
    const store = openLayers(options.state);
    const overlay = openOverlay({ sandbox, mountPoint: place.work, base, scratch, layersDirectory: store.directory });
    await overlay.mount([]);
    const outside = { place, options, sandbox, logFile, root, environment };
    const sourced = await sourceEnvironment(
      outside,
      { name: 'root.d', inside: false },
      environmentFiles(readHooks(hooks.path)),
    );
    await overlay.cut();
    const packageInstalls = preparePackages(elements, hooks, sourced);
    const layers = await openChain({
      store,
      overlay,
      reporter: options.reporter,
      ...builderInputs({
        elements,
        arch,
        environment,
        caller: options.environment,
        bundle: options.network?.digest,
        programs: await rootProgramVersions(),
        digest: store.digest,
      }),
      elements: names,
      arch,
      base: hooks.path,
      hooks: join(sandbox.view, place.hooks),
      root: seenFromHost(root),
      environment: sourced,
      fresh: options.fresh ?? false,
      onMount: () => mountRoot(build),
      onCut: (changes) => takeCaches(root, join(changes, 'mnt')),
    });
    const build: Build = {
      options,
      identity,
      place,
      hooks,
      sandbox,
      root,
      temporary,
      layers,
      store,
      disks,
      entered: false,
      packageInstalls,
      environment,
      logFile,
      breakpoints,
      seconds: {},
      started,
    };
    return build;
  } catch (error) {
    await sandbox?.end();
    await temporary.undo();
    throw error;
  }
}

/** Undoes everything that a build has made, but its result. */
export async function endBuild({ sandbox, temporary }: Build): Promise<void> {
  await sandbox.end();
  await temporary.undo();
}

/** How much of the states of builds stays, unless less is asked for with `image cache prune`. */
const keptLayerBytes = 20e9;

/** What is told of a build at its end. */
export interface FinishedBuild {
  identity: string;
  elements: string[];
  /** Seconds by phase, in their order. */
  phases: Record<string, number>;
  seconds: number;
  logFile: string;
}

export function finishBuild({ options, identity, place, seconds, started, logFile }: Build): FinishedBuild {
  const total = (Date.now() - started) / 1000;
  reportImage(options.reporter, {
    code: 'image.build.finished',
    level: 'info',
    message: `built in ${total.toFixed(1)} s`,
    data: { identity, seconds: total, phases: seconds },
  });
  return { identity, elements: place.elements.map(({ name }) => name), phases: seconds, seconds: total, logFile };
}

/**
 * Decides which packages are installed, and adds the scripts that do it to the hooks tree.
 * @param environment of phases outside
 * @returns what the image finds in /tmp/package-installs.json
 */
function preparePackages(elements: Element[], hooks: HooksTree, environment: Record<string, string>): string {
  const distribution = { name: environment.DISTRO_NAME ?? 'debian', release: environment.DIB_RELEASE ?? '' };
  const names = readPackageNames(elements, distribution);
  for (const [element, table] of names.tables()) {
    mkdirSync(join(hooks.path, 'pkg-map.d'), { recursive: true });
    writeFileSync(join(hooks.path, 'pkg-map.d', element), table);
  }
  mkdirSync(join(hooks.path, 'svc-map.d'), { recursive: true });
  writeFileSync(join(hooks.path, 'svc-map.d', 'services'), serviceTable(elements, distribution));
  // Somebody else's element of this name brings its own scripts.
  const own = elements.some(({ path }) => path === join(firstPartyElements(), 'package-installs'));
  if (!own) return '';
  const installs = squashPackageInstalls(elements, environment);
  for (const [file, script] of packageScripts(installs, names)) {
    const path = join(hooks.path, file);
    if (existsSync(path)) {
      throw new StackwrightError('HookDuplicate', `an element has ${file}, which package-installs makes`, {
        value: hooks.owners.get(file),
        hint: 'rename that script',
      });
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, script, { mode: 0o755 });
  }
  return `${JSON.stringify(installs, null, 2)}\n`;
}

/** The paths of a build. They are the same for every build, as scripts may write them down; each has its own mount there. */
async function makePlace(options: BuildOptions, elements: Element[], arch: string): Promise<BuildPlace> {
  const work = options.state.path('build');
  const place: BuildPlace = {
    arch,
    elements,
    elementsPath: scriptElementsPath(options.elementsPath, join(work, 'elements')),
    work,
    root: join(work, 'mnt'),
    hooks: join(work, 'hooks'),
    cache: options.network?.cache ?? options.environment.DIB_IMAGE_CACHE ?? options.state.path('cache', 'image'),
    imageName: options.imageName ?? 'image',
    withoutBase: options.withoutBase ?? false,
  };
  for (const directory of [work, join(place.cache, 'locks')]) {
    await mkdir(directory, { recursive: true, mode: 0o755 });
  }
  return place;
}

/** The lowest layer of a build: what it works in, before any script has run. */
function makeBase(base: string): void {
  for (const name of ['mnt', 'image', 'lib', 'hooks']) mkdirSync(join(base, name), { recursive: true, mode: 0o755 });
  for (const [name, text] of Object.entries(libraryFiles)) {
    mkdirSync(dirname(join(base, 'lib', name)), { recursive: true });
    writeFileSync(join(base, 'lib', name), text, { mode: 0o755 });
  }
  cpSync(join(firstPartyElements(), 'ramdisk-base', 'lib'), join(base, 'lib'), { recursive: true });
}

function openLog(state: StateDirectory, name: string): string {
  const directory = state.path('logs', 'image');
  mkdirSync(directory, { recursive: true });
  const time = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, 'Z');
  const unique = randomBytes(3).toString('hex');
  const file = join(directory, `${time}-${name}-${unique}.log`);
  appendFileSync(file, '');
  return file;
}
