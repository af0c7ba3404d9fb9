import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FirstbootCase, firstbootCases } from './cases.js';
import { runProgram } from './renderer/program.js';

/** The words of the program's state for each. */
const targets: Record<string, string[]> = {
  ifupdown: ['target ifupdown'],
  networkd: ['target networkd'],
  redhat: ['target redhat'],
  networkmanager: ['target redhat', 'network-manager'],
  suse: ['target suse'],
  gentoo: ['target gentoo'],
};
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
  test.each(Object.keys(targets))('%s is rendered as its golden files say, by Node and by mujs', async (target) => {
    // glean reads no NoCloud drive.
    for (const dialect of isNoCloud(each) ? ['corrected'] : ['glean', 'corrected']) {
      const state = writeState(each, target, dialect);

      const node = `${runProgram(readFileSync(state, 'utf8'), (path) => readFileSync(path, 'utf8')).join('\n')}\n`;
      const mujs = spawnSync('mujs', [script, state]);

      await expect(node).toMatchFileSnapshot(`goldens/${each.name}.${target}.${dialect}.txt`);
      expect(mujs.stderr.toString()).toBe('');
      expect(mujs.stdout.equals(Buffer.from(node))).toBe(true);
    }
  });
});

function isNoCloud({ drive }: FirstbootCase): boolean {
  return Object.keys(drive).includes('meta-data');
}

function writeState(each: FirstbootCase, target: string, dialect: string): string {
  const base = join(directory, `${each.name}.${target}.${dialect}`);
  const drive = join(base, 'drive');
  mkdirSync(drive, { recursive: true });
  for (const [file, content] of Object.entries(each.drive)) {
    writeFileSync(join(drive, file), typeof content === 'string' ? content : JSON.stringify(content));
  }
  const lines = [
    ...(targets[target] ?? []),
    `dialect ${dialect}`,
    `root ${base}/root`,
    `${isNoCloud(each) ? 'nocloud' : 'drive'} ${drive}`,
    ...(each.state ?? []),
  ];
  for (const { name, mac, addressType, carrier } of each.interfaces) {
    lines.push(`interface ${name} ${mac} ${addressType} ${carrier ? 1 : 0}`);
  }
  const state = join(base, 'state');
  writeFileSync(state, `${lines.join('\n')}\n`);
  return state;
}
