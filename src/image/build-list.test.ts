import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentReporter } from '../base/events.js';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { openTemporary } from '../base/temporary.js';
import { buildList } from './build-list.js';
import { type ElementWriter, elementsIn } from './elements.fixture.js';
import type { ListedImage } from './image-list.js';

describe.skipIf(process.getuid?.() !== 0)('buildList', () => {
  let work: string;
  let state: StateDirectory;
  let elements: ElementWriter;

  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'stackwright-list-'));
    state = stateDirectory(join(work, 'state'));
    elements = elementsIn(join(work, 'elements'));
    elements.system('system');
    elements.script('slow/cleanup.d/10-slow', [`touch ${join(work, 'begun')}`, 'sleep 600']);
  });

  afterEach(() => rmSync(work, { recursive: true }));

  it('builds every image, also after one that failed', async () => {
    const results = await build(['missing', 'system'], { stopOnFailure: false });

    expect(results.map(({ name, state }) => `${name} ${state}`)).toEqual(['missing failed', 'system built']);
    expect(readdirSync(work)).toContain('system.tar');
  });

  it('begins no other one after a failure where that is wanted', async () => {
    const results = await build(['missing', 'system'], { stopOnFailure: true });

    expect(results.map(({ name, state }) => `${name} ${state}`)).toEqual(['missing failed', 'system skipped']);
  });

  it('ends the image that is built when it is interrupted, and begins no other one', async () => {
    const interrupted = new AbortController();
    const building = build(['slow', 'system'], { stopOnFailure: false, signal: interrupted.signal });
    await expect.poll(() => existsSync(join(work, 'begun')), { timeout: 30_000 }).toBe(true);
    interrupted.abort();

    const results = await building;

    expect(results.map(({ name, state }) => `${name} ${state}`)).toEqual(['slow failed', 'system skipped']);
    expect(readdirSync(state.path('tmp'))).toEqual([]);
  });

  async function build(names: string[], more: { stopOnFailure: boolean; signal?: AbortSignal }) {
    await using temporary = openTemporary(state, 'test');
    return await buildList(names.map(image), {
      environment: process.env,
      temporary,
      reporter: silentReporter,
      json: true,
      signal: new AbortController().signal,
      ...more,
    });
  }

  function image(name: string): ListedImage {
    return {
      name,
      program: 'disk-image-create',
      args: ['-n', '-t', 'tar', '-o', join(work, name), ...new Set([name, 'system'])],
      environment: { ELEMENTS_PATH: join(work, 'elements'), STACKWRIGHT_STATE: state.root, DIB_NO_TMPFS: '1' },
      clear: true,
    };
  }
});
