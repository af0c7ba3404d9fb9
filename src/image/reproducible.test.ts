import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StackwrightEvent } from '../base/events.js';
import { stateDirectory } from '../base/state.js';
import { elementsIn } from './elements.fixture.js';
import { buildImage } from './image.js';
import { sourceDateEpoch } from './reproducible.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-reproducible-'));
});

afterEach(() => rmSync(work, { recursive: true }));

it('refuses a time that is none', () => {
  expect(() => sourceDateEpoch({ SOURCE_DATE_EPOCH: 'yesterday' })).toThrow(
    expect.objectContaining({ code: 'SourceDateInvalid' }),
  );
});

/** Builds all that one build makes, from nothing, in a state directory of its own. */
async function build(name: string, environment: Record<string, string>) {
  const events: StackwrightEvent[] = [];
  const { outputs } = await buildImage({
    elements: ['tiny', 'probe'],
    elementsPath: [join(work, 'elements')],
    environment,
    state: stateDirectory(join(work, name)),
    reporter: { report: (event) => events.push(event) },
    withoutBase: true,
    output: join(work, name, 'image'),
    size: { extraMebibytes: 40, journalMebibytes: 4 },
    formats: ['raw', 'qcow2', 'squashfs', 'tar', 'tgz', 'docker', 'aci'],
  });
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  const varying = events.flatMap(({ code, data }) => (code === 'image.output.varies' ? [data.what] : []));
  return { digests: outputs.map(({ format, path }) => [format, digest(path)]).sort(), varying };
}

describe.skipIf(process.getuid?.() !== 0)('as root', () => {
  beforeEach(() => {
    const elements = elementsIn(join(work, 'elements'));
    elements.system('tiny', { programs: ['/bin/cat', '/bin/date', '/bin/ln', '/bin/mkdir'] });
    elements.script('probe/install.d/10-probe', [
      'mkdir -p /var/cache/ldconfig /etc/ssh /deep/er',
      'date +%s.%N > /var/cache/ldconfig/aux-cache',
      'for name in b a c; do echo $name > /deep/er/$name; done',
      'ln /deep/er/a /deep/linked',
    ]);
  });

  it('makes the same bytes in every format, wherever and whenever it is built', async () => {
    const environment = { SOURCE_DATE_EPOCH: '1700000000' };

    const first = await build('first', environment);
    const second = await build('second', environment);

    expect(second.digests).toEqual(first.digests);
    expect(first.digests).toHaveLength(7);
    expect(first.varying).toEqual([]);
  });

  it('names what is made of random numbers', async () => {
    elementsIn(join(work, 'elements')).script('probe/install.d/20-random', [
      'echo "$RANDOM" > /etc/ssh/ssh_host_rsa_key',
      'echo "$RANDOM" > /etc/machine-id',
    ]);

    const { varying } = await build('first', { SOURCE_DATE_EPOCH: '1700000000' });

    expect(varying).toEqual(['/etc/machine-id', '/etc/ssh/ssh_host_rsa_key']);
  });
});
