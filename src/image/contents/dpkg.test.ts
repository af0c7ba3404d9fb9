import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dependencyFinder, installedPackages, listedPath, packagePaths, parseStatus } from './dpkg.js';
import { makeSmallTree } from './small-image.fixture.js';

const word = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,20}$/);
const line = fc.stringMatching(/^[!-~][ -~]{0,60}$/).map((text) => text.trim());
const installed = fc.record({
  name: word,
  version: fc.stringMatching(/^[0-9][0-9a-z.+~-]{0,20}$/),
  architecture: fc.constantFrom('amd64', 'all', 'arm64'),
  kibibytes: fc.nat(1_000_000),
  required: fc.boolean(),
  summary: line,
  more: fc.array(line, { maxLength: 3 }),
  depends: fc.array(fc.array(word, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
});

it('reads back every status that dpkg could have written', () => {
  const packages = fc.uniqueArray(installed, { selector: ({ name, architecture }) => `${name} ${architecture}` });
  fc.assert(
    fc.property(packages, (wanted) => {
      const text = wanted.map((found) =>
        [
          `Package: ${found.name}`,
          ...(found.required ? ['Essential: yes'] : []),
          'Status: install ok installed',
          `Installed-Size: ${found.kibibytes}`,
          `Architecture: ${found.architecture}`,
          `Version: ${found.version}`,
          ...(found.depends.length > 0
            ? [
                `Depends: ${found.depends.map((names) => names.map((name) => `${name} (>= 1:2)`).join(' | ')).join(', ')}`,
              ]
            : []),
          `Description: ${found.summary}`,
          // A field of another name must not be found in a description.
          ...[...found.more, 'Package: other'].map((text) => ` ${text}`),
          '',
        ].join('\n'),
      );

      const parsed = parseStatus(text.join('\n'));

      expect(parsed).toHaveLength(wanted.length);
      for (const { name, version, architecture, kibibytes, required, summary, depends } of wanted) {
        expect(parsed).toContainEqual(
          expect.objectContaining({
            name,
            version,
            architecture,
            installedBytes: kibibytes * 1024,
            required,
            summary,
            depends,
          }),
        );
      }
    }),
  );
});

it('reads packages with their sources, and leaves out those of which only configuration is left', () => {
  const root = makeSmallTree(mkdtempSync(join(tmpdir(), 'stackwright-dpkg-')));

  const packages = installedPackages(root) ?? [];
  const [base, libweb, web] = packages;

  expect(packages.map(({ name }) => name)).toEqual(['base', 'libweb', 'web']);
  expect(web).toMatchObject({
    source: { name: 'web-source', version: '1.0-1' },
    summary: 'serves pages',
    depends: [['libweb', 'libother'], ['base']],
  });
  expect(libweb?.source).toEqual({ name: 'libweb', version: '1.0~rc1' });
  expect(base?.required).toBe(true);
  expect(libweb && packagePaths(root, libweb)).toContain('/usr/lib/libweb.so.1');
  expect(listedPath(root)('/bin/web')).toBe('/usr/bin/web');
  expect(listedPath(root)('/usr/bin/web')).toBe('/usr/bin/web');
  rmSync(root, { recursive: true });
});

it('takes for a dependency the first alternative that is installed, or what provides it', () => {
  const packages = parseStatus(
    [
      'Package: a\nVersion: 1\nDepends: missing | b:any (>= 2), mail-agent',
      'Package: b\nVersion: 2',
      'Package: exim\nVersion: 4\nProvides: mail-agent (= 4)',
    ].join('\n\n'),
  );

  const [a] = packages;

  expect(a && dependencyFinder(packages)(a).map(({ name }) => name)).toEqual(['b', 'exim']);
});
