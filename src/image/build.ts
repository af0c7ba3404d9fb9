import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { run } from '../base/command.js';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import { openTemporary, type TemporaryState } from '../base/temporary.js';
import { parseBreakpoints } from './breakpoints.js';
import { type Element, firstPartyElements, resolveElements, withFirstParty } from './elements.js';
import {
  type BuildPlace,
  buildEnvironment,
  hostArchitecture,
  insideEnvironment,
  kernelVersions,
  libraryFiles,
  outsideEnvironment,
  parseEnvironment,
  proxyEnvironment,
  sourcingProgram,
} from './environment.js';
import { reportImage } from './events.js';
import { environmentFiles, generateHooks, type HooksTree, phaseScripts, scriptOwner } from './hooks.js';
import { imageIdentity } from './identity.js';
import { packageScripts, squashPackageInstalls } from './package-installs.js';
import { readPackageNames, serviceTable } from './package-names.js';
import {
  enterRoot,
  fillArchives,
  hooksInside,
  type ImageRoot,
  leaveArchives,
  restoreResolver,
  seenFromHost,
  tidy,
} from './root.js';
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
  packageIndex?: string;
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
}

/** A phase, and whether its scripts run in the image. */
interface Phase {
  name: string;
  inside: boolean;
}

/** They make a tree. */
export const treePhases: Phase[] = [
  { name: 'root.d', inside: false },
  { name: 'extra-data.d', inside: false },
  { name: 'pre-install.d', inside: true },
  { name: 'install.d', inside: true },
  { name: 'post-install.d', inside: true },
  { name: 'post-root.d', inside: false },
];

/** They see it on the file systems that it is to have. */
export const lastPhases: Phase[] = [
  { name: 'pre-finalise.d', inside: false },
  { name: 'finalise.d', inside: true },
  { name: 'cleanup.d', inside: false },
];

/** Between the two, in a disk image only. */
export const blockDevicePhase: Phase = { name: 'block-device.d', inside: false };

/** What a build needs from begin to end. */
export interface Build {
  options: BuildOptions;
  identity: string;
  place: BuildPlace;
  hooks: HooksTree;
  sandbox: Sandbox;
  root: ImageRoot;
  temporary: TemporaryState;
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
  const { place, sandbox, temporary } = build;
  try {
    await runPhases(build, [...treePhases, ...lastPhases]);
    await restoreResolver(place.root);
    await sandbox.end();
    await tidy(place.root);
    return {
      path: place.root,
      kernelVersion: kernelVersions(place.root).at(-1),
      ...finishBuild(build),
      [Symbol.asyncDispose]: () => temporary.undo(),
    };
  } catch (error) {
    await sandbox.end();
    await temporary.undo();
    throw error;
  }
}

/**
 * Makes all that scripts need: directories, hooks tree, namespaces of their own in which they run
 * as root. The caller ends the sandbox and undoes the temporary state.
 * @param more variables that depend on the resolved elements
 * @throws StackwrightError `NotRoot`, `SandboxFailed`, and those of `resolveElements`, `generateHooks`
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
    const place = await makePlace(options, elements, arch, temporary);
    sandbox = await openSandbox(temporary);
    const archives = temporary.directory('archives');
    const aptCache = join(place.cache, 'apt', options.environment.DISTRO_NAME ?? 'debian');
    return {
      options,
      identity,
      place,
      hooks: generateHooks(elements, place.hooks),
      sandbox,
      root: { path: place.root, hooks: place.hooks, archives, aptCache, sandbox, logFile },
      temporary,
      environment: {
        ...buildEnvironment({ ...proxyEnvironment(), ...options.environment }, place),
        ...added,
        STACKWRIGHT_APT_ARCHIVES: archives,
      },
      logFile,
      breakpoints,
      seconds: {},
      started,
    };
  } catch (error) {
    await sandbox?.end();
    await temporary.undo();
    throw error;
  }
}

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
  const total = secondsSince(started);
  reportImage(options.reporter, {
    code: 'image.build.finished',
    level: 'info',
    message: `built in ${total.toFixed(1)} s`,
    data: { identity, seconds: total, phases: seconds },
  });
  return { identity, elements: place.elements.map(({ name }) => name), phases: seconds, seconds: total, logFile };
}

/**
 * Runs phases, and what belongs between them.
 * @throws StackwrightError `ElementScriptFailed`, `EnvironmentScriptFailed`, `RootEmpty`, and those of
 *   `squashPackageInstalls`
 */
export async function runPhases(build: Build, phases: Phase[]): Promise<void> {
  for (const phase of phases) {
    const started = Date.now();
    if (phase.name === 'root.d') await fillArchives(build.root);
    const environment = await sourceEnvironment(build, phase);
    if (phase.name === 'extra-data.d') await preparePackages(build, environment);
    const scripts = phaseScripts(build.hooks, phase.name);
    reportImage(build.options.reporter, {
      code: 'image.phase.started',
      level: 'info',
      message: `${phase.name}: ${scripts.length} scripts`,
      data: { phase: phase.name, scripts: scripts.length },
    });
    await stopAt(build, `before-${phase.name}`, phase, environment);
    for (const script of scripts) await runScript(build, phase, script, environment);
    if (phase.name === 'root.d') await enterRoot(build.root);
    if (phase.name === 'install.d') await installNamed(build, environment);
    await stopAt(build, `after-${phase.name}`, phase, environment);
    if (phase.name === 'post-root.d') await leaveArchives(build.root);
    build.seconds[phase.name] = secondsSince(started);
    reportImage(build.options.reporter, {
      code: 'image.phase.finished',
      level: 'info',
      message: `${phase.name} took ${build.seconds[phase.name]?.toFixed(1)} s`,
      data: { phase: phase.name, seconds: build.seconds[phase.name] ?? 0 },
    });
  }
}

async function runScript(
  build: Build,
  phase: Phase,
  script: string,
  environment: Record<string, string>,
): Promise<void> {
  const { reporter } = build.options;
  const element = scriptOwner(build.hooks, `${phase.name}/${script}`) ?? 'package-installs';
  const about = { phase: phase.name, script, element };
  reportImage(reporter, {
    code: 'image.script.started',
    level: 'debug',
    message: `${phase.name}/${script} of ${element}`,
    data: about,
  });
  const started = Date.now();
  const { status, output } = await runIn(build, phase, [`${phase.name}/${script}`], environment);
  const seconds = secondsSince(started);
  if (status === 0) {
    reportImage(reporter, {
      code: 'image.script.finished',
      level: seconds >= 1 ? 'info' : 'debug',
      message: `${phase.name}/${script} of ${element} took ${seconds.toFixed(1)} s`,
      data: { ...about, seconds },
    });
    if (phase === blockDevicePhase) refuseOwnDevice(script, element, output);
    return;
  }
  reportImage(reporter, {
    code: 'image.script.failed',
    level: 'error',
    message: `${phase.name}/${script} of ${element} failed with status ${status}`,
    data: { ...about, seconds, status },
  });
  const replay = join(phase.inside ? hooksInside : build.place.hooks, phase.name, script);
  await stopAt(build, 'after-error', phase, environment, replay);
  const place = build.place.elements.find(({ name }) => name === element)?.path;
  throw new StackwrightError(
    'ElementScriptFailed',
    `${phase.name}/${script} of ${element} failed with status ${status}`,
    {
      ...(place ? { file: join(place, phase.name, script) } : {}),
      value: output.trim().split('\n').slice(-15).join('\n'),
      hint: [
        `everything that it printed is in ${build.logFile}`,
        `to replay it: ${build.options.commandLine ?? 'the same build'} --shell-on-failure, and in its shell ${
          phase.inside ? replay : `$TMP_HOOKS_PATH/${phase.name}/${script}`
        }`,
      ].join('\n'),
    },
  );
}

/** An element may bring a block device of its own by printing its name. */
function refuseOwnDevice(script: string, element: string, output: string): void {
  const [line] = /^IMAGE_BLOCK_DEVICE=.*$/m.exec(output) ?? [];
  if (line === undefined) return;
  throw new StackwrightError('BlockDeviceOfElement', `block-device.d/${script} of ${element} brings its own device`, {
    value: line,
    hint: 'describe the devices in DIB_BLOCK_DEVICE_CONFIG instead, see docs/reference/block-devices.md',
  });
}

/** Opens a shell in the state of the build, as its scripts see it, where the user asked for one. */
async function stopAt(
  build: Build,
  breakpoint: string,
  phase: Phase,
  environment: Record<string, string>,
  replay?: string,
): Promise<void> {
  if (!build.breakpoints.has(breakpoint)) return;
  const { reporter, terminal } = build.options;
  const data = { breakpoint, phase: phase.name, ...(replay ? { replay } : {}) };
  if (!terminal) {
    const message = `no shell ${breakpoint}: standard input is no terminal; run the build on one`;
    reportImage(reporter, { code: 'image.shell.refused', level: 'warn', message, data });
    return;
  }
  const where = phase.inside ? `in the image` : `on the build host, the image is in $TMP_MOUNT_PATH`;
  const next = replay ? `${replay} runs the script again` : 'the build goes on after exit';
  const message = `a shell ${breakpoint}, ${where}; ${next}`;
  reportImage(reporter, { code: 'image.shell.opened', level: 'info', message, data });
  const shell = ['/bin/bash', '--norc', '-i'];
  const [program = '', ...args] = phase.inside ? ['/usr/sbin/chroot', build.place.root, ...shell] : shell;
  const prompt = { PS1: `${breakpoint}:\\w# ` };
  await build.sandbox.openShell(program, args, {
    cwd: phase.inside ? '/' : process.cwd(),
    env: { ...environment, ...prompt },
  });
}

const everyStatus = [-1, ...Array(256).keys()];

/** Runs a program of the hooks tree, or a shell program, outside or in the image. */
async function runIn(
  build: Build,
  phase: Phase,
  command: string[] | { shell: string },
  environment: Record<string, string>,
): Promise<{ status: number; output: string }> {
  const { root, hooks } = build.place;
  const directory = phase.inside ? hooksInside : hooks;
  const words = Array.isArray(command)
    ? [`${directory}/${command[0]}`, ...command.slice(1)]
    : ['/bin/bash', '-c', command.shell];
  const [program, ...args] = phase.inside ? ['/usr/sbin/chroot', root, ...words] : words;
  try {
    return await build.sandbox.run(program ?? '', args, {
      cwd: phase.inside ? '/' : process.cwd(),
      env: environment,
      replaceEnvironment: true,
      okStatuses: everyStatus,
      timeout: build.options.scriptTimeout ?? 3600,
      logFile: build.logFile,
      signal: build.options.signal,
    });
  } catch (error) {
    // The status is that of timeout(1).
    if (!(error instanceof StackwrightError) || error.code !== 'CommandTimedOut') throw error;
    return { status: 124, output: messageOf(error) };
  }
}

/** Sources environment.d, in one subshell for a phase, as every phase has it anew. */
async function sourceEnvironment(build: Build, phase: Phase): Promise<Record<string, string>> {
  const base = phase.inside
    ? { ...build.environment, PWD: '/', ...insideEnvironment() }
    : { ...build.environment, ...outsideEnvironment(build.place) };
  const environment = Object.fromEntries(
    Object.entries(base).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const directory = join(phase.inside ? hooksInside : build.place.hooks, 'environment.d');
  const dump = phase.inside ? '/tmp/.environment' : join(build.place.work, 'environment');
  const shell = sourcingProgram(directory, environmentFiles(build.hooks), dump);
  const { status, output } = await runIn(build, phase, { shell }, environment);
  if (status === 0) {
    const file = phase.inside ? join(seenFromHost(build.root), dump) : dump;
    const sourced = parseEnvironment(readFileSync(file, 'utf8'));
    rmSync(file);
    return sourced;
  }
  throw new StackwrightError('EnvironmentScriptFailed', `environment.d failed before ${phase.name}`, {
    value: output.trim().split('\n').slice(-5).join('\n'),
    hint: `everything that it printed is in ${build.logFile}`,
  });
}

/** Decides which packages are installed, and adds the scripts that do it to the hooks tree. */
async function preparePackages(build: Build, environment: Record<string, string>): Promise<void> {
  const { elements, hooks, root } = build.place;
  const distribution = { name: environment.DISTRO_NAME ?? 'debian', release: environment.DIB_RELEASE ?? '' };
  const names = readPackageNames(elements, distribution);
  for (const [element, table] of names.tables()) {
    mkdirSync(join(hooks, 'pkg-map.d'), { recursive: true });
    writeFileSync(join(hooks, 'pkg-map.d', element), table);
  }
  mkdirSync(join(hooks, 'svc-map.d'), { recursive: true });
  writeFileSync(join(hooks, 'svc-map.d', 'services'), serviceTable(elements, distribution));
  // Somebody else's element of this name brings its own scripts.
  const own = elements.some(({ path }) => path === join(firstPartyElements(), 'package-installs'));
  if (!own) return;
  const installs = squashPackageInstalls(elements, environment);
  writeFileSync(join(root, 'tmp', 'package-installs.json'), `${JSON.stringify(installs, null, 2)}\n`);
  for (const [file, script] of packageScripts(installs, names)) {
    if (existsSync(join(hooks, file))) {
      throw new StackwrightError('HookDuplicate', `an element has ${file}, which package-installs makes`, {
        value: build.hooks.owners.get(file),
        hint: 'rename that script',
      });
    }
    mkdirSync(join(hooks, file, '..'), { recursive: true });
    writeFileSync(join(hooks, file), script, { mode: 0o755 });
  }
}

async function installNamed(build: Build, environment: Record<string, string>): Promise<void> {
  const packages = build.options.packages ?? [];
  if (packages.length === 0) return;
  const shell = `install-packages ${packages.join(' ')}`;
  const { status, output } = await runIn(build, { name: 'install.d', inside: true }, { shell }, environment);
  if (status === 0) return;
  throw new StackwrightError('PackagesNotInstalled', 'packages of the command line could not be installed', {
    value: packages.join(' '),
    hint: `${output.trim().split('\n').slice(-5).join('\n')}\nlog: ${build.logFile}`,
  });
}

async function makePlace(
  options: BuildOptions,
  elements: Element[],
  arch: string,
  temporary: TemporaryState,
): Promise<BuildPlace> {
  const work = temporary.directory('image');
  if (wantsTmpfs(options.environment)) {
    temporary.add({ kind: 'mount', path: work });
    await run('mount', ['-t', 'tmpfs', '-o', 'mode=0755,size=75%', 'stackwright-image', work]);
  }
  const place: BuildPlace = {
    arch,
    elements,
    elementsPath: withFirstParty(options.elementsPath),
    work,
    root: join(work, 'mnt'),
    hooks: join(work, 'hooks'),
    cache: options.environment.DIB_IMAGE_CACHE ?? options.state.path('cache', 'image'),
    imageName: options.imageName ?? 'image',
    withoutBase: options.withoutBase ?? false,
  };
  for (const directory of [place.root, join(work, 'image'), join(work, 'lib'), join(place.cache, 'locks')]) {
    await mkdir(directory, { recursive: true, mode: 0o755 });
  }
  for (const [name, text] of Object.entries(libraryFiles)) {
    await mkdir(dirname(join(work, 'lib', name)), { recursive: true });
    writeFileSync(join(work, 'lib', name), text, { mode: 0o755 });
  }
  return place;
}

/** As diskimage-builder: where RAM is at least twice `DIB_MIN_TMPFS` GiB; and where it is free. */
function wantsTmpfs(environment: Record<string, string>): boolean {
  if (environment.DIB_NO_TMPFS === '1') return false;
  const needed = 2 * Number(environment.DIB_MIN_TMPFS ?? 4) * 2 ** 30;
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return totalmem() >= needed && Number(available ?? 0) * 1024 >= needed / 2;
}

function openLog(state: StateDirectory, name: string): string {
  const directory = state.path('logs', 'image');
  mkdirSync(directory, { recursive: true });
  const time = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, 'Z');
  const unique = createHash('sha256').update(`${process.pid} ${process.hrtime.bigint()}`).digest('hex').slice(0, 6);
  const file = join(directory, `${time}-${name}-${unique}.log`);
  appendFileSync(file, '');
  return file;
}

function secondsSince(started: number): number {
  return (Date.now() - started) / 1000;
}
