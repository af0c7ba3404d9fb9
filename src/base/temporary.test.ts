import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { identifyProcess, isAlive } from './process.js';
import { type StateDirectory, stateDirectory } from './state.js';
import { openTemporary, sweepTemporary } from './temporary.js';

let state: StateDirectory;

beforeEach(() => {
  state = stateDirectory(mkdtempSync(join(tmpdir(), 'stackwright-')));
});

afterEach(() => rmSync(state.root, { recursive: true }));

it('undoes what it owns when its block ends, also by an error', async () => {
  let path = '';

  const work = async () => {
    await using temporary = openTemporary(state, 'test');
    path = temporary.directory('work');
    throw new Error('broken');
  };

  await expect(work()).rejects.toThrow('broken');
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(state.path('tmp'))).toEqual([]);
});

it('leaves alone at a sweep what a living process owns', async () => {
  await using temporary = openTemporary(state, 'test');
  const path = temporary.directory('work');

  const swept = await sweepTemporary(state);

  expect(swept).toEqual([]);
  expect(existsSync(path)).toBe(true);
});

it('sweeps directories and processes that a killed process left behind, half a journal line included', async () => {
  const child = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
  const orphan = identifyProcess(child.pid ?? 0);
  if (!orphan) throw new Error('no child');
  const left = state.path('tmp', 'left');
  mkdirSync(left, { recursive: true });
  const owner = { pid: process.pid, startTime: '1', bootId: 'another boot' };
  const lines = [
    { what: 'image build', owner },
    { kind: 'directory', path: left },
    { kind: 'process', process: orphan, what: 'sleep' },
  ].map((entry) => JSON.stringify(entry));
  writeFileSync(state.path('tmp', 'dead.journal'), `${lines.join('\n')}\n{"kind":"mou`);

  const swept = await sweepTemporary(state);

  expect(swept).toEqual([{ what: 'image build', things: 2 }]);
  expect(existsSync(left)).toBe(false);
  expect(isAlive(orphan)).toBe(false);
  expect(readdirSync(state.path('tmp'))).toEqual([]);
});
