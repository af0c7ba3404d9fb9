import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Build } from './build.js';
import { insideEnvironment, outsideEnvironment, parseEnvironment, sourcingProgram } from './environment.js';
import { reportImage } from './events.js';
import { failedLine, watchLines } from './failed-line.js';
import { environmentFiles, phaseScripts, scriptOwner } from './hooks-view.js';
import {
  holdProgram,
  hostPigz,
  initramfsWanted,
  letGoProgram,
  makeProgram,
  packForImage,
  quickPaths,
} from './initramfs.js';
import type { Step } from './layers/index.js';
import {
  exchangeInside,
  hooksInside,
  leaveCaches,
  mountSystem,
  prepareRoot,
  renewResolver,
  seenFromHost,
} from './root.js';

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

/** What a phase does, in its order: its scripts, and what the builder itself does among them. */
interface PhaseStep extends Step {
  run(environment: Record<string, string>): Promise<void>;
}

/**
 * Runs phases, and what belongs between them. While states are kept, a step is left out whose
 * state is there already.
 * @throws StackwrightError `ElementScriptFailed`, `EnvironmentScriptFailed`, `RootEmpty`
 */
export async function runPhases(build: Build, phases: Phase[]): Promise<void> {
  for (const phase of phases) {
    const started = Date.now();
    const steps = phaseSteps(build, phase);
    let environment: Record<string, string> | undefined;
    if (build.breakpoints.has(`before-${phase.name}`)) {
      environment = await beginPhase(build, phase, steps.length);
      await stopAt(build, `before-${phase.name}`, phase, environment);
    }
    for (const step of steps) {
      if (await build.layers.next(step)) {
        noteRoot(build, step);
        continue;
      }
      environment ??= await beginPhase(build, phase, steps.length);
      const stepStarted = Date.now();
      await step.run(environment);
      // At once, as the last steps of an image clean them away.
      await leaveCaches(build.root);
      noteRoot(build, step);
      if (step.name === fillsRoot) await mountSystem(build.root);
      await build.layers.keep(secondsSince(stepStarted));
    }
    if (build.breakpoints.has(`after-${phase.name}`)) {
      environment ??= await beginPhase(build, phase, 0);
      await stopAt(build, `after-${phase.name}`, phase, environment);
    }
    build.seconds[phase.name] = secondsSince(started);
    if (!environment) continue;
    reportImage(build.options.reporter, {
      code: 'image.phase.finished',
      level: 'info',
      message: `${phase.name} took ${build.seconds[phase.name]?.toFixed(1)} s`,
      data: { phase: phase.name, seconds: build.seconds[phase.name] ?? 0 },
    });
  }
}

const fillsRoot = 'enter the root';

/** After this step the root has the host's file systems in it, wherever it is mounted. */
function noteRoot(build: Build, step: Step): void {
  if (step.name === fillsRoot) build.entered = true;
}

/** The state so far is mounted, where it is not yet; environment.d is sourced. */
async function beginPhase(build: Build, phase: Phase, steps: number): Promise<Record<string, string>> {
  await build.layers.begin();
  const environment = await sourceEnvironment(build, phase, environmentFiles(build.layers.hooks));
  reportImage(build.options.reporter, {
    code: 'image.phase.started',
    level: 'info',
    message: `${phase.name}: ${steps} steps`,
    data: { phase: phase.name, steps },
  });
  return environment;
}

/** Mounts what the root has had so far; called whenever the directories of a build are mounted anew. */
export async function mountRoot(build: Build): Promise<void> {
  if (!build.entered) return;
  await renewResolver(seenFromHost(build.root));
  await mountSystem(build.root);
}

export function phaseSteps(build: Build, phase: Phase): PhaseStep[] {
  const { layers, hooks, options, root } = build;
  const own = (name: string, kind: 'packages' | 'builder', value: string, run: PhaseStep['run']): PhaseStep => ({
    phase: phase.name,
    inside: phase.inside,
    name,
    inputs: value ? [{ kind, name, digest: build.store.digest(value) }] : [],
    run,
  });
  const shell = (program: string): PhaseStep['run'] => {
    return (environment) => runOwn(build, phase, program, environment);
  };
  const scripts = phaseScripts(layers.hooks, phase.name).map((name): PhaseStep => {
    const element = scriptOwner(hooks, layers.hooks, `${phase.name}/${name}`) ?? 'package-installs';
    const run: PhaseStep['run'] = async (environment) => {
      await runScript(build, phase, name, element, environment);
      await makeInitramfs(build, phase, environment);
    };
    return { phase: phase.name, inside: phase.inside, name, element, run };
  });
  switch (phase.name) {
    case 'root.d':
      return [...scripts, own(fillsRoot, 'builder', '', () => prepareRoot(root))];
    case 'extra-data.d': {
      const text = build.packageInstalls;
      const write = async () => writeFileSync(join(seenFromHost(root), 'tmp', 'package-installs.json'), text);
      return text ? [own('package-installs.json', 'packages', text, write), ...scripts] : scripts;
    }
    case 'pre-install.d': {
      const value = `${holdProgram} ${wantsInitramfs(build)}`;
      return [own('hold back update-initramfs', 'builder', value, shell(holdProgram)), ...scripts];
    }
    case 'post-install.d':
      return [...scripts, own('let update-initramfs go', 'builder', letGoProgram, shell(letGoProgram))];
    case 'install.d': {
      const names = options.packages?.join(' ') ?? '';
      const install: PhaseStep['run'] = async (environment) => {
        await installNamed(build, phase, names, environment);
        await makeInitramfs(build, phase, environment);
      };
      return names ? [...scripts, own(`packages ${names}`, 'packages', names, install)] : scripts;
    }
    default:
      return scripts;
  }
}

async function runScript(
  build: Build,
  phase: Phase,
  script: string,
  element: string,
  environment: Record<string, string>,
): Promise<void> {
  const { reporter } = build.options;
  const about = { phase: phase.name, script, element };
  reportImage(reporter, {
    code: 'image.script.started',
    level: 'debug',
    message: `${phase.name}/${script} of ${element}`,
    data: about,
  });
  const started = Date.now();
  const watched = { ...environment, ...watchLines(build.root.exchange, phase.inside) };
  const { status, output } = await runIn(build, phase, [`${phase.name}/${script}`], watched);
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
      line: failedLine(build.root.exchange, replay, status),
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
  build: Pick<Build, 'place' | 'options' | 'sandbox' | 'logFile'>,
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
export async function sourceEnvironment(
  build: Pick<Build, 'environment' | 'place' | 'options' | 'root' | 'sandbox' | 'logFile'>,
  phase: Phase,
  files: string[],
): Promise<Record<string, string>> {
  const base = phase.inside
    ? { ...build.environment, PWD: '/', ...insideEnvironment() }
    : { ...build.environment, ...outsideEnvironment(build.place) };
  const environment = Object.fromEntries(
    Object.entries(base).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { exchange } = build.root;
  const directory = join(phase.inside ? hooksInside : build.place.hooks, 'environment.d');
  const shell = sourcingProgram(directory, files, join(phase.inside ? exchangeInside : exchange, 'environment'));
  const { status, output } = await runIn(build, phase, { shell }, environment);
  if (status === 0) {
    const sourced = parseEnvironment(readFileSync(join(exchange, 'environment'), 'utf8'));
    rmSync(join(exchange, 'environment'));
    return sourced;
  }
  throw new StackwrightError('EnvironmentScriptFailed', `environment.d failed before ${phase.name}`, {
    value: output.trim().split('\n').slice(-5).join('\n'),
    hint: `everything that it printed is in ${build.logFile}`,
  });
}

/** Runs a shell program of the builder in the image. */
async function runOwn(build: Build, phase: Phase, program: string, environment: Record<string, string>): Promise<void> {
  const { status, output } = await runIn(build, phase, { shell: `set -eu\n${program}` }, environment);
  if (status === 0) return;
  throw new StackwrightError('BuilderStepFailed', `the builder's own work in ${phase.name} failed`, {
    value: output.trim().split('\n').slice(-15).join('\n'),
    hint: `everything that it printed is in ${build.logFile}`,
  });
}

/** A ramdisk is made of other files, and the tree is thrown away. */
function wantsInitramfs({ environment }: Build): boolean {
  return environment.IMAGE_TYPE !== 'ramdisk';
}

/** What the packages of a script have asked for. */
async function makeInitramfs(build: Build, phase: Phase, environment: Record<string, string>): Promise<void> {
  if (!phase.inside || !wantsInitramfs(build) || !initramfsWanted(seenFromHost(build.root))) return;
  const started = Date.now();
  await using packing = await packForImage(build.root.exchange);
  await runOwn(build, phase, makeProgram(packing ? quickPaths + hostPigz : quickPaths), environment);
  const seconds = secondsSince(started);
  reportImage(build.options.reporter, {
    code: 'image.initramfs.made',
    level: 'info',
    message: `the initramfs took ${seconds.toFixed(1)} s`,
    data: { phase: phase.name, seconds },
  });
}

async function installNamed(
  build: Build,
  phase: Phase,
  names: string,
  environment: Record<string, string>,
): Promise<void> {
  const { status, output } = await runIn(build, phase, { shell: `install-packages ${names}` }, environment);
  if (status === 0) return;
  throw new StackwrightError('PackagesNotInstalled', 'packages of the command line could not be installed', {
    value: names,
    hint: `${output.trim().split('\n').slice(-5).join('\n')}\nlog: ${build.logFile}`,
  });
}

function secondsSince(started: number): number {
  return (Date.now() - started) / 1000;
}
