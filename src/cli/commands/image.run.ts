import { join } from 'node:path';
import { commandLine } from '../../base/command.js';
import { StackwrightError } from '../../base/errors.js';
import { silentReporter } from '../../base/events.js';
import { openTemporary } from '../../base/temporary.js';
import {
  type BuildOptions,
  blockDeviceGraph,
  buildFromBundle,
  buildImage,
  buildList,
  buildRamdisk,
  bundleImage,
  describeGraph,
  type Element,
  elementExports,
  elementsPath,
  ensureTree,
  explainBuild,
  hostArchitecture,
  type ImageOptions,
  inputReasons,
  lintElements,
  listedCommand,
  parseFormats,
  readAciManifest,
  readBlockDeviceConfig,
  readConfigFile,
  readImageLists,
  resolveElements,
  wantedPackages,
} from '../../image/index.js';
import { ensureRole } from '../../role/index.js';
import { type CliContext, command } from '../context.js';
import { dibArguments } from '../dib-arguments.js';
import type {
  ImageBlockDeviceFlags,
  ImageBuildAllFlags,
  ImageBuildFlags,
  ImageBundleFlags,
  ImageElementsFlags,
  ImageLintFlags,
  ImagePackagesFlags,
  ImageRamdiskFlags,
} from './image.js';

export async function imageBuild(this: CliContext, flags: ImageBuildFlags, ...names: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const { output, role, version } = flags;
    if ((output === undefined) === (role === undefined) || (role === undefined) !== (version === undefined)) {
      throw new StackwrightError('ImageTargetMissing', 'say where the image goes: -o, or --role with --version', {
        hint: 'stackwright image build ELEMENT… -o DIRECTORY, or --role NAME --version VERSION',
        exitStatus: 2,
      });
    }
    if (flags.type !== undefined && role !== undefined) {
      throw new StackwrightError('ImageTargetMissing', 'a role has no --type: machines get it as squashfs', {
        hint: 'build once with --role, and once with -t FORMATS -o IMAGE',
        exitStatus: 2,
      });
    }
    const interrupted = abortOnSignals(this.process);
    const options = { ...(await buildOptions(this, flags, names)), signal: interrupted.signal };
    try {
      await withBundle(flags.bundle, options, (whole) => buildAndPrint(this, flags, whole));
    } finally {
      interrupted.release();
    }
  });
}

async function buildAndPrint(context: CliContext, flags: ImageBuildFlags, options: WantedBuild): Promise<void> {
  const { output, role, version } = flags;
  if (flags.type !== undefined && output !== undefined) {
    const disk = diskOptions(flags, context.process.env);
    const { outputs, ...image } = await buildImage({ ...options, ...disk, output });
    if (flags.json) context.printJson({ ...image, outputs });
    else for (const { path } of outputs) context.print(path);
    return;
  }
  const result =
    role !== undefined && version !== undefined
      ? await ensureRole({ ...options, name: role, version })
      : await ensureTree({ ...options, imageName: flags.name, output: output ?? '' });
  if (flags.json) context.printJson(result);
  else context.print('file' in result ? result.file : result.path);
}

type WantedBuild = BuildOptions & { force?: boolean };

/** Where a bundle is named, it is what the build fetches from. */
function withBundle<Options extends BuildOptions, Result>(
  bundle: string | undefined,
  options: Options,
  build: (options: Options) => Promise<Result>,
): Promise<Result> {
  if (bundle === undefined) return build(options);
  return buildFromBundle(bundle, options, (network) => build({ ...options, network }));
}

export async function imageBundle(this: CliContext, flags: ImageBundleFlags, ...names: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const interrupted = abortOnSignals(this.process);
    try {
      const options = { ...(await buildOptions(this, flags, names)), signal: interrupted.signal };
      const { output, type, name, ramdiskElement } = flags;
      const ramdisk = flags.ramdisk || ramdiskElement !== undefined ? { ramdiskElement } : undefined;
      const formats = parseFormats(type ?? '');
      const bundle = await bundleImage({ ...options, imageName: name, output, formats, ramdisk });
      if (flags.json) this.printJson(bundle);
      else this.print(bundle.path);
    } finally {
      interrupted.release();
    }
  });
}

export async function imageRamdisk(this: CliContext, flags: ImageRamdiskFlags, ...names: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const interrupted = abortOnSignals(this.process);
    const { output, ramdiskElement, compress, checksum } = flags;
    const write = { compress, checksum, overwrite: overwrites(flags, this.process.env) };
    const { signal } = interrupted;
    try {
      const options = { ...(await buildOptions(this, flags, names)), signal };
      const built = await withBundle(flags.bundle, options, (whole) =>
        buildRamdisk({ ...whole, output, ramdiskElement, write }),
      );
      if (flags.json) this.printJson(built);
      else for (const { path } of built.outputs) this.print(path);
    } finally {
      interrupted.release();
    }
  });
}

export async function imageBuildAll(this: CliContext, flags: ImageBuildAllFlags, ...files: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const images = readImageLists(files);
    if (flags.dryRun) {
      if (flags.json) this.printJson(images);
      else for (const image of images) this.print(listedCommand(image));
      return;
    }
    const reporter = this.reporter(flags);
    await using temporary = openTemporary(await this.openState(reporter), 'list of images');
    const interrupted = abortOnSignals(this.process);
    const { env: environment } = this.process;
    const { signal } = interrupted;
    const building = buildList(images, { ...flags, environment, temporary, reporter, signal });
    const results = await building.finally(interrupted.release);
    if (flags.json) this.printJson(results);
    for (const { name, state, seconds } of flags.json ? [] : results) {
      this.print(`${state}\t${name}\t${seconds.toFixed(1)} s`);
    }
    const failed = results.filter(({ state }) => state !== 'built');
    if (failed.length === 0) return;
    throw new StackwrightError('ImagesFailed', `${failed.length} of ${results.length} images were not built`, {
      value: failed.map(({ name }) => name).join(' '),
      hint: 'each error is above; --dry-run prints the command of each image',
    });
  });
}

/** What an image is built from, as the command line and the environment say it. */
async function buildOptions(
  context: CliContext,
  flags: ImageBuildFlags | ImageRamdiskFlags | ImageBundleFlags,
  names: string[],
) {
  const { argv, env, stdin } = context.process;
  const reporter = context.reporter(flags);
  return {
    elements: names,
    elementsPath: elementsPath(flags.elementsPath),
    environment: {
      DIB_ARGS: dibArguments(argv.slice(2)),
      ...callerEnvironment(env),
      ...('offline' in flags && flags.offline ? { DIB_OFFLINE: '1' } : {}),
    },
    state: await context.openState(reporter),
    reporter,
    arch: flags.arch,
    packages: flags.packages?.split(/[\s,]+/).filter(Boolean),
    withoutBase: !flags.base,
    ...('force' in flags ? { force: flags.force, fresh: flags.fresh } : {}),
    shellOnFailure: flags.shellOnFailure,
    terminal: stdin.isTTY,
    commandLine: commandLine('stackwright', argv.slice(2)),
  };
}

export async function imageWhy(this: CliContext, flags: ImageBuildFlags, ...names: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const { type, output = 'image', role, name } = flags;
    const options = { ...(await buildOptions(this, flags, names)), reporter: silentReporter };
    const { held, steps, next, disk } = await withBundle(flags.bundle, options, (whole) =>
      explainBuild(
        type === undefined
          ? { ...whole, imageName: role ?? name }
          : { ...whole, ...diskOptions(flags, this.process.env), output },
      ),
    );
    const changes = next?.changes.map((change) => ({ ...change, reason: inputReasons[change.kind] }));
    if (flags.json) return this.printJson({ held, steps, disk, next: next ? { ...next, changes } : null });
    this.print(`${held} of ${steps} steps are kept`);
    if (!next) return this.print(disk ? 'the disk is kept too: only formats are made' : 'no step has to run');
    this.print(`the build would start at ${next.phase}/${next.step}`);
    for (const { kind, name: what, change, reason } of changes ?? []) {
      this.print(`  ${kind} ${what} ${change === 'changed' ? '' : 'is '}${change}\t(${reason})`);
    }
    if (changes?.length === 0) this.print('  no build has come here yet, or its state was removed');
  });
}

function diskOptions(
  flags: ImageBuildFlags,
  environment: NodeJS.ProcessEnv,
): Omit<ImageOptions, keyof BuildOptions | 'output'> {
  return {
    formats: parseFormats(flags.type ?? ''),
    size: {
      gibibytes: flags.imageSize ?? numberOf(environment.DIB_IMAGE_SIZE),
      extraMebibytes: flags.imageExtraSize ?? numberOf(environment.DIB_IMAGE_EXTRA_SIZE),
      journalMebibytes: flags.mkfsJournalSize ?? numberOf(environment.DIB_JOURNAL_SIZE),
    },
    rootLabel: flags.rootLabel,
    mkfsOptions: flags.mkfsOptions,
    maxOnlineResize: flags.maxOnlineResize,
    write: {
      compress: flags.compress,
      qemuOptions: flags.qemuImgOptions,
      checksum: flags.checksum,
      overwrite: overwrites(flags, environment),
      dockerTarget: flags.dockerTarget,
      aciManifest: environment.ACI_MANIFEST ? readAciManifest(environment.ACI_MANIFEST) : undefined,
    },
  };
}

function overwrites({ force }: { force: boolean }, environment: NodeJS.ProcessEnv): boolean {
  return force || environment.OVERWRITE_OLD_IMAGE !== undefined;
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' || Number.isNaN(Number(text)) ? undefined : Number(text);
}

export async function imageElements(this: CliContext, flags: ImageElementsFlags, ...names: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const found = resolved(flags, names);
    if (flags.json) this.printJson(found.map(({ name, path }) => ({ name, path })));
    else if (flags.env) this.print(elementExports(found));
    else if (flags.oneLine) this.print(found.map(({ name }) => name).join(' '));
    else for (const { name } of found) this.print(name);
  });
}

export async function imagePackages(this: CliContext, flags: ImagePackagesFlags, ...names: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const installs = await wantedPackages(resolved(flags, names), {
      elementsPath: elementsPath(flags.elementsPath),
      environment: callerEnvironment(this.process.env),
      arch: flags.arch ?? hostArchitecture(),
    });
    if (flags.json) return this.printJson(installs);
    for (const [phase, { install, uninstall }] of Object.entries(installs)) {
      for (const [name, element] of install) this.print(`${phase}\t+\t${name}\t${element}`);
      for (const [name, element] of uninstall) this.print(`${phase}\t-\t${name}\t${element}`);
    }
  });
}

export async function imageBlockDevice(this: CliContext, flags: ImageBlockDeviceFlags, path: string): Promise<void> {
  await command(this, flags.json, async () => {
    const { text, file } = readConfigFile(path);
    const graph = blockDeviceGraph(readBlockDeviceConfig(text, file, { type: this.process.env.FS_TYPE }));
    if (flags.json) return this.printJson(describeGraph(graph));
    for (const node of graph.order) {
      const base = 'base' in node ? [node.base].flat().join(' ') : '';
      this.print(`${node.name}\t${node.kind}\t${base}`);
    }
  });
}

export async function imageLint(this: CliContext, flags: ImageLintFlags, ...directories: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const wanted = directories.length > 0 ? directories : ['elements'];
    const findings = wanted.flatMap((directory) =>
      lintElements(directory).map((finding) => ({ ...finding, file: join(directory, finding.file) })),
    );
    if (flags.json) this.printJson(findings);
    for (const { file, line, rule, message } of flags.json ? [] : findings) {
      this.print(`${file}${line ? `:${line}` : ''}: ${message} [${rule}]`);
    }
    if (findings.length === 0) return;
    throw new StackwrightError('ElementsUntidy', `elements break ${findings.length} rules`, {
      value: wanted.join(' '),
      hint: 'correct the files, or switch a rule off in one of them with "# dib-lint: disable=RULE"',
    });
  });
}

function resolved(flags: ImageElementsFlags | ImagePackagesFlags, names: string[]): Element[] {
  const arch = ('arch' in flags ? flags.arch : undefined) ?? hostArchitecture();
  return resolveElements(names, elementsPath(flags.elementsPath), { withoutBase: !flags.base, arch });
}

function callerEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(environment);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The first Ctrl-C or SIGTERM ends the build in order; a second one ends the program at once. */
function abortOnSignals(process: NodeJS.Process): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const seen = new Set<NodeJS.Signals>();
  // The listener stays: execa ends the program where it finds none but its own.
  const abort = (name: NodeJS.Signals) => {
    if (seen.has(name)) {
      release();
      process.kill(process.pid, name);
    }
    seen.add(name);
    controller.abort();
  };
  const release = () => {
    for (const name of signals) process.off(name, abort);
  };
  for (const name of signals) process.on(name, abort);
  return { signal: controller.signal, release };
}
