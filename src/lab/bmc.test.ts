import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { stateDirectory } from '../base/state.js';
import { renderControl, renderLan } from './bmc.js';
import { machineDirectory, newLab, newMachine } from './record.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stackwright-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function controlled() {
  const state = stateDirectory(root);
  const lab = newLab(state, 'lab', '/site');
  const machine = { ...newMachine(lab, 'node1'), bmcPort: 9001, bmcPassword: 'secret' };
  const directory = machineDirectory(state, 'lab', 'node1');
  mkdirSync(join(directory, 'bmc'), { recursive: true });
  // What would switch the machine is noted instead.
  const script = renderControl(state, lab, machine).replace(/^lab\(\) .*$/m, 'lab() { echo "$@" >> bmc/calls; }');
  writeFileSync(join(root, 'control'), script, { mode: 0o755 });
  /** The script goes on beside its answer. */
  const called = (words: string[]) =>
    vi.waitFor(() => expect(readFileSync(join(directory, 'bmc', 'calls'), 'utf8')).toBe(`${words.join('\n')}\n`));
  const control = (...words: string[]) => execFileSync(join(root, 'control'), words, { encoding: 'utf8' });
  return { machine, directory, called, control };
}

it('is a BMC on the rack’s network with a password of its own', async () => {
  const { machine } = controlled();

  await expect(renderLan(machine, '/lab/control')).toMatchFileSnapshot('golden/lan.conf');
});

it('starts from the network once when it is told so, and from the disk after that', async () => {
  const { control, called } = controlled();

  expect(control('get', 'boot')).toBe('boot:none\n');
  control('set', 'boot', 'pxe');
  expect(control('get', 'boot')).toBe('boot:pxe\n');
  control('set', 'power', '1');
  await called(['power-on --boot network']);
  control('set', 'power', '0');
  await called(['power-on --boot network', 'power-off']);
  control('set', 'power', '1');

  await called(['power-on --boot network', 'power-off', 'power-on --boot disk']);
});

it('resets by switching off and on', async () => {
  const { control, called } = controlled();

  control('set', 'reset', '1');

  await called(['power-off', 'power-on --boot disk']);
});

it('knows by the process of the machine whether it is on', () => {
  const { control, directory } = controlled();

  expect(control('get', 'power')).toBe('power:0\n');
  // A number that now belongs to another program.
  writeFileSync(join(directory, 'qemu.pid'), `${process.pid}\n`);
  expect(control('get', 'power')).toBe('power:0\n');
});
