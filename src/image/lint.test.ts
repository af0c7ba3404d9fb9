import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { firstPartyElements } from './elements.js';
import { lintElements } from './lint.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-lint-'));
  file('web/README.rst', 'web');
});

afterEach(() => rmSync(work, { recursive: true }));

function file(name: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(work, name)), { recursive: true });
  writeFileSync(join(work, name), text);
  chmodSync(join(work, name), mode);
}

/** What is found, as `FILE:LINE RULE`. */
function found(): string[] {
  return lintElements(work).map(({ file, line, rule }) => `${file}${line ? `:${line}` : ''} ${rule}`);
}

it('finds nothing in the shipped elements', () => {
  expect(lintElements(firstPartyElements())).toEqual([]);
});

it('wants a README, and sorted element-deps', () => {
  file('app/element-deps', 'b\na\n');

  expect(found()).toEqual(['app readme', 'app/element-deps:1 depsorder']);
});

it('wants scripts of bash that can be executed and stop at failures', () => {
  file('web/install.d/10-ok', '#!/bin/bash\nset -eu\nset -o pipefail\n', 0o755);
  file('web/install.d/20-mode', '#!/bin/bash\nset -eu -o pipefail\n');
  file('web/install.d/30-none', 'echo\n', 0o755);
  file('web/install.d/40-sh', '#!/bin/sh\n', 0o755);
  file('web/install.d/50-bare', '#!/bin/bash\n', 0o755);
  file('web/install.d/60-python', '#!/usr/bin/env python3\n', 0o755);
  file('web/install.d/data.txt', '#!/bin/sh\n');

  expect(found()).toEqual([
    'web/install.d/20-mode:1 executable',
    'web/install.d/30-none:1 executable',
    'web/install.d/40-sh:1 bash',
    'web/install.d/50-bare sete',
    'web/install.d/50-bare setu',
    'web/install.d/50-bare setpipefail',
  ]);
});

it('wants no tabs and no exports of a command’s output, also in environment.d', () => {
  file('web/environment.d/10-web', 'export A=$(date)\n\texport B=1\nexport C="$A"\n');

  expect(found()).toEqual(['web/environment.d/10-web:1 exportsub', 'web/environment.d/10-web:2 indent']);
});

it('leaves out what a file switches off', () => {
  file('web/install.d/10-a', '#!/bin/bash\n# dib-lint: disable=setu sete setpipefail dibdebugtrace\n\tx\n', 0o755);

  expect(found()).toEqual(['web/install.d/10-a:3 indent']);
});
