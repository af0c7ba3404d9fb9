import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../base/command.js';
import { gzipProgram } from '../base/host.js';
import { hostPigz, packForImage, quickPaths } from './initramfs.js';
import { exchangeInside } from './root.js';

/** Each path to all three ways of asking, by functions and by programs; a line for each way, with its status. */
const ask = (define: string) => `${define}
for path; do
    for way in 'readlink -f' 'realpath -s' 'realpath -ms'; do
        answer=$($way "$path" 2> /dev/null)
        printf '%s %s %s\\n' "$way" "$?" "$answer"
    done
    mkdir -p "$path" 2> /dev/null
    printf 'mkdir %s\\n' "$?"
done
readlink -f /bin
`;

describe('the functions that mkinitramfs has instead of programs', () => {
  let root: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'stackwright-initramfs-'));
    mkdirSync(join(root, 'a/b b/c'), { recursive: true });
    writeFileSync(join(root, 'a/file'), '');
    writeFileSync(join(root, 'a/b b/c/file'), '');
    symlinkSync('a', join(root, 'link'));
    symlinkSync('../a/file', join(root, 'a/link'));
    symlinkSync('nowhere', join(root, 'a/dangling'));
  });

  afterAll(() => rmSync(root, { recursive: true }));

  it('answer as these do, whatever the path', () => {
    const name = fc.constantFrom('a', 'b b', 'c', 'file', 'link', 'dangling', '.', '..', '', '.hidden', '*', '-f');
    const path = fc.tuple(fc.constantFrom('', '/'), fc.array(name, { maxLength: 5 })).map(([prefix, names]) => {
      return `${prefix}${root}${names.map((one) => `/${one}`).join('')}`;
    });
    const others = fc.constantFrom('', 'a', '/', '//', '/usr/bin/env', '/bin/sh', '-f', '/proc/self/exe/..');
    const answers = (define: string, paths: string[]) =>
      execFileSync('sh', ['-c', ask(define), 'sh', ...paths], { cwd: root, encoding: 'utf8' });
    fc.assert(
      fc.property(fc.array(fc.oneof(path, others), { minLength: 1, maxLength: 20 }), (paths) => {
        // What is made by mkdir is there for both.
        answers('', paths);
        expect(answers(quickPaths, paths)).toBe(answers('', paths));
      }),
      { numRuns: 30 },
    );
  });
});

const pigz = gzipProgram() === 'pigz';

it.skipIf(!pigz)('packs with the pigz of the build host what mkinitramfs hands over, as often as it does', async () => {
  const exchange = mkdtempSync(join(tmpdir(), 'stackwright-pigz-'));
  const file = join(exchange, 'initramfs');
  writeFileSync(file, 'files in a cpio\n'.repeat(100_000));
  try {
    await using packing = await packForImage(exchange);
    expect(packing).toBeDefined();
    const functions = hostPigz.replaceAll(exchangeInside, exchange);
    const program = `set -e\n${functions}\npigz -c "$0" | gzip -d | cmp - "$0"\npigz -c "$0" | gzip -d | cmp - "$0"\necho as it was | pigz | gzip -d`;

    const { stdout } = await run('sh', ['-c', program, file]);

    expect(stdout).toBe('as it was\n');
  } finally {
    expect(readdirSync(exchange)).toEqual(['initramfs']);
    rmSync(exchange, { recursive: true });
  }
});
