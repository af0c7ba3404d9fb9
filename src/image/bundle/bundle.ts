import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { StackwrightError } from '../../base/errors.js';
import { listenInNamespace } from '../../base/listen.js';
import { openTemporary } from '../../base/temporary.js';
import { type BuildOptions, buildTree } from '../build.js';
import { hostArchitecture, proxyEnvironment } from '../environment.js';
import { reportImage } from '../events.js';
import { buildImage } from '../image.js';
import { type BuildNetwork, proxyVariables } from '../network.js';
import { isDiskFormat, type OutputFormat } from '../output.js';
import { buildRamdisk, type RamdiskOptions } from '../ramdisk.js';
import { bundleDirectories, packBundle, unpackBundle } from './format.js';
import { openRecorder } from './recorder.js';
import { openReplayer } from './replayer.js';
import { upstreamProxies } from './upstream.js';

export interface BundleOptions extends Omit<BuildOptions, 'fresh' | 'network'> {
  /** The bundle's file. */
  output: string;
  /** Those that are to be built from it: for a disk other scripts run than for a tree. */
  formats?: OutputFormat[];
  /** A ramdisk is to be built from it, with these options of its own. */
  ramdisk?: Pick<RamdiskOptions, 'ramdiskElement'>;
}

export interface WrittenBundle {
  path: string;
  bytes: number;
  /** Answers of servers. */
  responses: number;
  /** Files of the image cache, such as those of git repositories. */
  files: number;
  /** Servers of whose answers nothing was kept, unless an element has put it into the image cache. */
  unkept: string[];
}

/**
 * Builds once from nothing, and writes everything that was fetched for it into one file; what was built
 * is thrown away.
 * @throws StackwrightError `ProxyUnsupported`, and those of `buildTree`, `buildImage` and `buildRamdisk`
 */
export async function bundleImage(options: BundleOptions): Promise<WrittenBundle> {
  const { environment, state, reporter, signal } = options;
  const output = resolve(options.output);
  await mkdir(dirname(output), { recursive: true });
  const upstream = await upstreamProxies({ ...proxyEnvironment(), ...environment });
  await using temporary = openTemporary(state, 'image bundle');
  const directory = temporary.directory('bundle');
  const cache = join(directory, bundleDirectories.cache);
  await mkdir(cache);
  await using recorder = await openRecorder(join(directory, bundleDirectories.http), upstream);
  const network: BuildNetwork = { cache, unplugged: false, connect: async () => proxyVariables(recorder.url) };
  const { elements } = await buildOnce({ ...options, fresh: true, network }, temporary.directory('image'));
  // Packages are among the responses already, and nobody holds a lock any more.
  for (const name of ['apt', 'locks']) await rm(join(cache, name), { recursive: true, force: true });
  const responses = recorder.responses();
  const fetched = await gitServers(join(cache, 'source-repositories'));
  const unkept = recorder.unkept().filter((server) => !fetched.has(server));
  const description = {
    created: new Date().toISOString(),
    arch: options.arch ?? hostArchitecture(),
    elements,
    packages: options.packages ?? [],
    environment: Object.keys(environment)
      .filter((name) => /^DIB_(?!ARGS$)/.test(name))
      .sort(),
    responses,
    unkept,
  };
  const { bytes, files } = await packBundle(directory, description, output, { temporary, signal });
  if (unkept.length > 0) {
    reportImage(reporter, {
      code: 'image.bundle.lacks',
      level: 'warn',
      message: `answers of ${unkept.join(', ')} could not be recorded (https, or not to a GET): the bundle has only what elements keep of them in the image cache`,
      data: { names: unkept },
    });
  }
  const written = { path: output, bytes, responses: responses.length, files };
  reportImage(reporter, {
    code: 'image.bundle.written',
    level: 'info',
    message: `${output}: ${responses.length} answers of servers, ${files} files of the image cache, ${(bytes / 1e6).toFixed(0)} MB`,
    data: written,
  });
  return { ...written, unkept };
}

/** @param directory for the image */
async function buildOnce(
  { formats = [], ramdisk, ...options }: Omit<BundleOptions, 'output'> & BuildOptions,
  directory: string,
): Promise<{ elements: string[] }> {
  const output = join(directory, 'image');
  if (ramdisk) return await buildRamdisk({ ...options, ...ramdisk, output });
  if (formats.some(isDiskFormat)) {
    // The other formats are made of the same, and fetch nothing.
    return await buildImage({ ...options, formats: ['raw'], output });
  }
  await using tree = await buildTree(options);
  return tree;
}

/** The servers from which git repositories of the element source-repositories were fetched: the cache has them whole. */
async function gitServers(directory: string): Promise<Set<string>> {
  const servers = new Set<string>();
  for (const name of await readdir(directory).catch(() => [])) {
    for (const file of ['FETCH_HEAD', 'config', '.git/config']) {
      const text = await readFile(join(directory, name, file), 'utf8').catch(() => '');
      for (const [url] of text.matchAll(/https?:\/\/[^\s/]+/g)) if (URL.canParse(url)) servers.add(new URL(url).origin);
    }
  }
  return servers;
}

/**
 * Builds from a bundle: what its scripts ask for is answered from it, and they reach no network.
 * @param build is to be given the network
 * @throws StackwrightError `BundleInvalid`, `BundleLacks`, and those of `build`
 */
export async function buildFromBundle<Result>(
  file: string,
  { state, reporter, signal }: Pick<BuildOptions, 'state' | 'reporter' | 'signal'>,
  build: (network: BuildNetwork) => Promise<Result>,
): Promise<Result> {
  await using temporary = openTemporary(state, 'image from a bundle');
  const directory = temporary.directory('bundle');
  const { description, digest } = await unpackBundle(resolve(file), directory, signal);
  const missing = new Set<string>();
  await using replayer = openReplayer(description.responses, join(directory, bundleDirectories.http), (name) => {
    if (missing.has(name)) return;
    missing.add(name);
    const message = `the bundle lacks ${name}`;
    reportImage(reporter, { code: 'image.bundle.lacks', level: 'warn', message, data: { names: [name] } });
  });
  const network: BuildNetwork = {
    cache: join(directory, bundleDirectories.cache),
    unplugged: true,
    digest,
    async connect({ networkNamespace }) {
      // In a namespace of its own every port is free; this one is squid's.
      const [host, port] = ['127.0.0.1', 3128];
      const listener = await listenInNamespace(networkNamespace, host, port);
      replayer.serve(listener);
      return { ...proxyVariables(`http://${host}:${port}`), DIB_OFFLINE: '1' };
    },
  };
  try {
    return await build(network);
  } catch (error) {
    if (missing.size === 0 || !(error instanceof StackwrightError) || error.code === 'Interrupted') throw error;
    const made = [...description.elements, ...description.packages.map((name) => `package ${name}`)].join(' ');
    throw new StackwrightError('BundleLacks', `${error.message}, and the bundle lacks what was asked for`, {
      value: [...missing].slice(0, 10).join('\n'),
      hint: [
        'make the bundle with the same elements, packages, variables and --type as the build',
        [...missing].some((name) => name.startsWith('https:')) &&
          'what is fetched by https is in a bundle only where an element keeps it in DIB_IMAGE_CACHE, as with cache-url',
        `it was made from ${made}`,
        error.details.hint,
      ]
        .filter(Boolean)
        .join('\n'),
      cause: error,
    });
  }
}
