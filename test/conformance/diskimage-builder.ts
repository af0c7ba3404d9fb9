import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';

/** Debian's diskimage-builder as it is installed, or else unpacked from its package and not installed. */
export interface Upstream {
  /** The directory that holds the Python package `diskimage_builder`. */
  modules: string;
  elements: string;
  lib: string;
  /** Why it cannot be used; empty where it can. */
  missing: string;
  dispose(): void;
}

const installed = '/usr/lib/python3/dist-packages';

export function openUpstream(): Upstream {
  if (existsSync(join(installed, 'diskimage_builder/elements'))) return upstream(installed, yamlMissing(), () => {});
  const directory = mkdtempSync(join(tmpdir(), 'stackwright-dib-'));
  const modules = join(directory, installed);
  const dispose = () => rmSync(directory, { recursive: true });
  try {
    execFileSync('apt-get', ['download', 'python3-diskimage-builder'], { cwd: directory, stdio: 'ignore' });
    const file = readdirSync(directory).find((name) => name.endsWith('.deb'));
    if (!file) return upstream(modules, 'apt-get download python3-diskimage-builder brought nothing', dispose);
    execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: directory });
    return upstream(modules, yamlMissing(), dispose);
  } catch (error) {
    return upstream(modules, `python3-diskimage-builder is needed: ${error}`, dispose);
  }
}

function upstream(modules: string, missing: string, dispose: () => void): Upstream {
  const home = join(modules, 'diskimage_builder');
  return { modules, elements: join(home, 'elements'), lib: join(home, 'lib'), missing, dispose };
}

function yamlMissing(): string {
  return spawnSync('/usr/bin/python3', ['-c', 'import yaml']).status === 0 ? '' : 'python3-yaml is needed';
}

/** A Python program of ours beside upstream's: JSON lines in, JSON lines out. */
export function askPython<Answer>(
  { modules }: Upstream,
  program: string,
  args: string[],
  questions: unknown[],
): Answer[] {
  const { stdout, stderr, status } = spawnSync('/usr/bin/python3', ['-c', program, ...args], {
    input: questions.map((question) => `${JSON.stringify(question)}\n`).join(''),
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', PYTHONPATH: modules, PYTHONHASHSEED: '0', PYTHONDONTWRITEBYTECODE: '1' },
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(stderr);
  const lines = stdout.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

/**
 * Programs for the front of PATH: `sudo`, which upstream's scripts call and root does not need, and
 * `kpartx` and `dmsetup`, so that partitions are loop devices also where the kernel has no device mapper.
 */
export const hostPrograms = join(packageRoot(), 'test', 'conformance', 'host-programs');

/** The names of upstream's elements. */
export function elementNames({ elements }: Upstream): string[] {
  return readdirSync(elements).filter((name) => !name.startsWith('__'));
}
