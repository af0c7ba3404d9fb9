import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { StackwrightError } from '../../src/base/errors.js';
import { resolveElements } from '../../src/image/index.js';
import { askPython, elementNames, openUpstream } from './diskimage-builder.js';

const upstream = openUpstream();
const { elements, missing } = upstream;

afterAll(() => upstream.dispose());

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
  const names = elementNames(upstream);
  const sets = names.flatMap((first, index) => names.slice(index).map((second) => [...new Set([first, second])]));

  expect(sets.length).toBeGreaterThan(1000);
  compare(sets);
});

it.skipIf(missing)('resolves larger sets of upstream’s elements as upstream does', () => {
  const names = elementNames(upstream);
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
  return askPython(upstream, peerProgram, [elements], sets);
}
