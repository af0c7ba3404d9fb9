// The same unmodified elements of diskimage-builder, debian-minimal and vm, to a qcow2:
//   disk-image-create   with its best flags: cached packages, cached root, zstd
//   stackwright         cold (nothing kept but packages, as the peer has them), then after a change
// and both once more with everything on disk, as where memory is small,
// and beside them mmdebstrap, which makes only a tree, of the packages that the image has.
// A peer has no layers: whatever has changed, it builds everything.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const upstream = '/usr/lib/python3/dist-packages/diskimage_builder/elements';
const mirror = 'http://deb.debian.org/debian';

export async function bench(rounds) {
  const work = mkdtempSync('/var/tmp/stackwright-bench-');
  try {
    const elements = join(work, 'elements');
    writeElement(elements, 'early/pre-install.d/50-early', 0);
    writeElement(elements, 'late/install.d/80-late', 0);
    const setting = {
      work,
      env: {
        DIB_RELEASE: 'bookworm',
        DIB_APT_SOURCES_CONF: `default:deb ${mirror} bookworm main`,
        DIB_DEBOOTSTRAP_CACHE: '1',
        DIB_DEBIAN_USE_DEBOOTSTRAP_CACHE: '1',
        ELEMENTS_PATH: elements,
        STACKWRIGHT_STATE: join(work, 'state'),
      },
    };
    const peer = makePeer(setting);
    say('filling the peer’s caches');
    await peer();
    const ways = ['upstream', 'upstreamOnDisk', 'mmdebstrap', 'cold', 'coldOnDisk', 'early', 'late', 'format'];
    const taken = Object.fromEntries(ways.map((way) => [way, []]));
    const note = (way, measured) => {
      taken[way].push(measured);
      say(
        `${way}: ${measured.seconds.toFixed(1)} s, most memory ${megabytes(measured.memory)}, disk ${megabytes(measured.disk)}, both at once ${megabytes(measured.both)}; ${megabytes(measured.stays)} stay`,
      );
    };
    // What is downloaded is no part of the comparison. Each has a cache of its own, as the peer removes what is in its.
    await ours(setting, 'qcow2');
    const packages = await packagesOf(setting);
    for (let round = 1; round <= rounds; round++) {
      note('upstream', await measured(setting, peer));
      note('upstreamOnDisk', await measured(setting, () => peer('--no-tmpfs')));
      note('mmdebstrap', await measured(setting, () => mmdebstrap(setting, packages)));
      const onDisk = { ...setting, env: { ...setting.env, DIB_NO_TMPFS: '1' } };
      forgetLayers(setting);
      note('coldOnDisk', await measured(setting, () => ours(onDisk, 'qcow2')));
      forgetLayers(setting);
      note('cold', await measured(setting, () => ours(setting, 'qcow2')));
      writeElement(elements, 'early/pre-install.d/50-early', round);
      note('early', await measured(setting, () => ours(setting, 'qcow2')));
      writeElement(elements, 'late/install.d/80-late', round);
      note('late', await measured(setting, () => ours(setting, 'qcow2')));
      note('format', await measured(setting, () => ours(setting, 'raw')));
    }
    print(taken, packages.length);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function forgetLayers({ work }) {
  rmSync(join(work, 'state', 'cache', 'layers'), { recursive: true, force: true });
}

function writeElement(elements, name, round) {
  const file = join(elements, name);
  mkdirSync(dirname(file), { recursive: true });
  const text = `#!/bin/bash\nset -eu -o pipefail\n\necho ${round} > /etc/${name.split('/')[0]}\n`;
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

/**
 * The peer makes partitions with kpartx, which needs device-mapper, and calls sudo. Where the host has
 * neither, stand-ins give it what it expects.
 */
function makePeer({ work, env }) {
  const program = [
    'set -eu',
    'if ! grep -q device-mapper /proc/misc; then',
    '    mkdir -p /dev/mapper',
    '    mount -t tmpfs tmpfs /dev/mapper',
    '    PATH=$0:$PATH',
    'fi',
    'exec disk-image-create "$@"',
  ].join('\n');
  const standIns = join(root, 'test', 'conformance', 'host-programs');
  const words = ['-o', join(work, 'peer'), '-t', 'qcow2', '--qemu-img-options', 'compression_type=zstd'];
  const elements = ['debian-minimal', 'vm', 'early', 'late'];
  return (...more) => {
    const command = ['--mount', '--', 'bash', '-c', program, standIns, ...words, ...more, ...elements];
    return quietly('unshare', command, { ...env, DIB_IMAGE_CACHE: join(work, 'peer-cache'), OVERWRITE_OLD_IMAGE: '1' });
  };
}

function ours({ work, env }, format) {
  const words = ['image', 'build', '-t', format, '-o', join(work, 'ours'), '--force'];
  const elements = ['debian-minimal', 'vm', 'early', 'late'];
  const cache = join(work, 'cache');
  const more = { ...env, DIB_IMAGE_CACHE: cache, ELEMENTS_PATH: `${env.ELEMENTS_PATH}:${upstream}` };
  return quietly(join(root, 'bin', 'stackwright'), [...words, ...elements], more);
}

/** Shows what a program has said only where it fails. */
async function quietly(program, words, env) {
  const { exitCode, all } = await execa(program, words, { env, all: true, reject: false });
  if (exitCode !== 0) throw new Error(`${program} failed with status ${exitCode}:\n${all.slice(-2000)}`);
}

async function packagesOf({ work, env }) {
  const words = ['image', 'show', '--json', join(work, 'ours.qcow2')];
  const { stdout } = await execa(join(root, 'bin', 'stackwright'), words, { env });
  return JSON.parse(stdout).packages.map(({ name }) => name);
}

async function mmdebstrap({ work }, packages) {
  const tree = join(work, 'tree');
  const words = ['--mode=root', '--variant=minbase', `--include=${packages.join(',')}`, 'bookworm', tree];
  try {
    await execa('mmdebstrap', [...words, `deb ${mirror} bookworm main`]);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/**
 * Wall seconds; the most memory, disk, and both at one moment, that were in use more than at the beginning; the disk that
 * stays in use.
 */
async function measured({ work }, action) {
  const before = inUse(work);
  const most = { ...before };
  const timer = setInterval(() => {
    const now = inUse(work);
    for (const name of Object.keys(most)) most[name] = Math.max(most[name], now[name]);
  }, 250);
  const started = performance.now();
  try {
    await action();
    const seconds = (performance.now() - started) / 1000;
    const stays = inUse(work).disk - before.disk;
    const more = Object.fromEntries(Object.keys(most).map((name) => [name, most[name] - before[name]]));
    return { seconds, ...more, stays };
  } finally {
    clearInterval(timer);
  }
}

/**
 * Memory of processes, of tmpfs and of the kernel itself: what is available besides is no measure, as the kernel keeps
 * hundreds of megabytes of free pages aside for each processor. Bytes used of the file system of the work directory.
 */
function inUse(work) {
  const meminfo = readFileSync('/proc/meminfo', 'utf8');
  const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)[1]) * 1024;
  const names = ['AnonPages', 'Shmem', 'SUnreclaim', 'KernelStack', 'PageTables'];
  const { blocks, bfree, bsize } = statfsSync(work);
  const memory = names.reduce((sum, name) => sum + bytes(name), 0);
  const disk = (blocks - bfree) * bsize;
  return { memory, disk, both: memory + disk };
}

function print(taken, packages) {
  const best = (way) => Math.min(...taken[way].map(({ seconds }) => seconds));
  const most = (way, what) => Math.max(...taken[way].map((one) => one[what]));
  const peer = best('upstream');
  const names = {
    upstream: 'disk-image-create, cached root, zstd',
    upstreamOnDisk: 'disk-image-create --no-tmpfs',
    mmdebstrap: 'mmdebstrap, tree only',
    cold: 'stackwright, nothing kept',
    coldOnDisk: 'stackwright, nothing kept, DIB_NO_TMPFS=1',
    early: 'stackwright, a script of pre-install.d changed',
    late: 'stackwright, a script of install.d changed',
    format: 'stackwright, only the format changed',
  };
  console.log(`debian-minimal vm, bookworm, ${packages} packages, best of ${taken.upstream.length}`);
  for (const [way, name] of Object.entries(names)) {
    const ratio = (best(way) / peer).toFixed(2);
    const [memory, disk, both, stays] = ['memory', 'disk', 'both', 'stays'].map((what) => megabytes(most(way, what)));
    const peaks = `${memory} memory, ${disk} disk at most, ${both} at once, ${stays} stay`;
    console.log(`${name.padEnd(48)} ${best(way).toFixed(1).padStart(6)} s  ${ratio}  ${peaks}`);
  }
}

function megabytes(bytes) {
  return `${Math.round(bytes / 1e6)} MB`;
}

function say(text) {
  console.error(text);
}
