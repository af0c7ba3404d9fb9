import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { StackwrightError } from '../../src/base/errors.js';
import { resolveElements } from '../../src/image/index.js';

/** Debian's diskimage-builder, unpacked and not installed: only its resolution and its elements are used. */
const directory = mkdtempSync(join(tmpdir(), 'stackwright-dib-'));
const modules = join(directory, 'usr/lib/python3/dist-packages');
const elements = join(modules, 'diskimage_builder/elements');
const missing = unpack();

afterAll(() => rmSync(directory, { recursive: true }));

/** What both sides say of one set of elements: their names sorted, or the kind of error. */
type Outcome = string[] | 'not found' | 'already provided' | 'no operating system';

const peerProgram = `
import json, sys
from diskimage_builder import element_dependencies as peer
kinds = {
    peer.MissingElementException: 'not found',
    peer.AlreadyProvidedException: 'already provided',
    peer.MissingOSException: 'no operating system',
}
for line in sys.stdin:
    try:
        found = peer.get_elements(json.loads(line), sys.argv[1])
        print(json.dumps(sorted(name for name, path in found)))
    except tuple(kinds) as error:
        print(json.dumps(kinds[type(error)]))
`;

it.skipIf(missing)('resolves every pair of upstream’s elements as upstream does', () => {
  const names = readdirSync(elements).filter((name) => !name.startsWith('__'));
  const sets = names.flatMap((first, index) => names.slice(index).map((second) => [...new Set([first, second])]));

  expect(sets.length).toBeGreaterThan(1000);
  compare(sets);
});

it.skipIf(missing)('resolves larger sets of upstream’s elements as upstream does', () => {
  const names = readdirSync(elements).filter((name) => !name.startsWith('__'));
  const withSystem = fc
    .tuple(fc.constantFrom('debian-minimal', 'ubuntu-minimal', 'fedora'), fc.subarray(names, { maxLength: 8 }))
    .map(([system, others]) => [...new Set([system, ...others])]);

  compare(fc.sample(withSystem, { numRuns: 1500, seed: 1 }));
});

it.skipIf(!missing)(`is skipped: ${missing}`, () => {});

function compare(sets: string[][]): void {
  const theirs = peerOutcomes(sets);
  const different = sets.flatMap((set, index) => {
    const ours = ourOutcome(set);
    const peers = theirs[index];
    return JSON.stringify(ours) === JSON.stringify(peers) ? [] : [{ set, ours, peers }];
  });
  expect(different).toEqual([]);
}

function ourOutcome(names: string[]): Outcome {
  try {
    return resolveElements(names, [elements], { withoutBase: true }).map((element) => element.name);
  } catch (error) {
    if (!(error instanceof StackwrightError)) throw error;
    if (error.code === 'ElementNotFound') return 'not found';
    if (error.code === 'ElementAlreadyProvided') return 'already provided';
    if (error.code === 'NoOperatingSystem') return 'no operating system';
    throw error;
  }
}

function peerOutcomes(sets: string[][]): Outcome[] {
  const input = sets.map((set) => `${JSON.stringify(set)}\n`).join('');
  const { stdout, stderr, status } = spawnSync('/usr/bin/python3', ['-c', peerProgram, elements], {
    input,
    encoding: 'utf8',
    env: { PYTHONPATH: modules, PYTHONHASHSEED: '0' },
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Fetches the package; returns why it cannot be there. */
function unpack(): string {
  try {
    execFileSync('apt-get', ['download', 'python3-diskimage-builder'], { cwd: directory, stdio: 'ignore' });
    const file = readdirSync(directory).find((name) => name.endsWith('.deb'));
    if (!file) return 'apt-get download python3-diskimage-builder brought nothing';
    execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: directory });
    execFileSync('/usr/bin/python3', ['-c', 'import yaml']);
    return existsSync(elements) ? '' : `${elements} is not in the package`;
  } catch (error) {
    return `python3-diskimage-builder and python3-yaml are needed: ${error instanceof Error ? error.message : error}`;
  }
}
