import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type IdentityInputs, imageIdentity } from './identity.js';

let work: string;
let script: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-identity-'));
  mkdirSync(join(work, 'web', 'install.d'), { recursive: true });
  script = join(work, 'web', 'install.d', '10-web');
  writeFileSync(script, '#!/bin/bash\n');
});

afterEach(() => rmSync(work, { recursive: true }));

function identity(more: Partial<IdentityInputs> = {}, path = join(work, 'web')): string {
  const elements = [{ name: 'web', path, dependencies: [], provides: [] }];
  return imageIdentity({ elements, environment: {}, arch: 'amd64', ...more });
}

it('changes with a script, and with its being executable', () => {
  const before = identity();
  chmodSync(script, 0o755);
  const executable = identity();
  writeFileSync(script, '#!/bin/sh\n');

  expect(new Set([before, executable, identity()]).size).toBe(3);
});

it('changes with a variable that scripts see, and not with those of a session', () => {
  const session = { PWD: '/x', TERM: 'xterm', SSH_AUTH_SOCK: '/x', http_proxy: 'http://x', STACKWRIGHT_STATE: '/x' };

  expect(identity({ environment: session })).toBe(identity());
  expect(identity({ environment: { DIB_RELEASE: 'trixie' } })).not.toBe(identity());
});

it('does not change with the place of the elements', () => {
  const before = identity();
  renameSync(join(work, 'web'), join(work, 'moved'));

  expect(identity({}, join(work, 'moved'))).toBe(before);
});

it('changes with a file that an element takes from elsewhere', () => {
  writeFileSync(join(work, 'web', 'element-inputs'), '../program.js\n');
  const missing = identity();
  writeFileSync(join(work, 'program.js'), '1');
  const first = identity();
  writeFileSync(join(work, 'program.js'), '2');

  expect(new Set([missing, first, identity()]).size).toBe(3);
});

it('changes with the architecture and packages of the command line, and with the bundle', () => {
  const ofBundle = identity({ network: { digest: 'a' } });
  const identities = [identity(), identity({ arch: 'arm64' }), identity({ packages: ['vim'] }), ofBundle];

  expect(new Set(identities).size).toBe(4);
  expect(identity({ network: {} })).toBe(identity());
});
