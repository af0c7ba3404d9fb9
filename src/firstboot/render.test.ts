import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FirstbootCase, firstbootCases } from './cases.js';
import type { Target } from './renderer/input.js';
import { runProgram } from './renderer/program.js';

const targets: Target[] = ['ifupdown', 'networkd', 'redhat', 'suse', 'gentoo'];
let directory: string;
let script: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'firstboot-'));
  script = join(directory, 'stackwright-firstboot.js');
  const built = spawnSync(process.execPath, ['scripts/build-firstboot.mjs', script], { encoding: 'utf8' });
  expect(built.stderr).toBe('');
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each(firstbootCases)('$name', (each) => {
  test.each(targets)('%s is rendered as its golden files say, by Node and by mujs', async (target) => {
    for (const dialect of ['glean', 'corrected']) {
      const state = writeState(each, target, dialect);

      const node = `${runProgram(readFileSync(state, 'utf8'), (path) => readFileSync(path, 'utf8')).join('\n')}\n`;
      const mujs = spawnSync('mujs', [script, state]);

      await expect(node).toMatchFileSnapshot(`goldens/${each.name}.${target}.${dialect}.txt`);
      expect(mujs.stderr.toString()).toBe('');
      expect(mujs.stdout.equals(Buffer.from(node))).toBe(true);
    }
  });
});

function writeState(each: FirstbootCase, target: Target, dialect: string): string {
  const base = join(directory, `${each.name}.${target}.${dialect}`);
  const drive = join(base, 'drive');
  mkdirSync(drive, { recursive: true });
  for (const [file, content] of Object.entries(each.drive)) writeFileSync(join(drive, file), JSON.stringify(content));
  const lines = [
    `target ${target}`,
    `dialect ${dialect}`,
    `root ${base}/root`,
    `drive ${drive}`,
    ...(each.state ?? []),
  ];
  for (const { name, mac, addressType, carrier } of each.interfaces) {
    lines.push(`interface ${name} ${mac} ${addressType} ${carrier ? 1 : 0}`);
  }
  const state = join(base, 'state');
  writeFileSync(state, `${lines.join('\n')}\n`);
  return state;
}
