import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import type { StackwrightEvent } from '../base/events.js';
import { stateDirectory } from '../base/state.js';
import { runHooks } from './index.js';

/** A directory with hooks and what is beside them, for tests. */
export interface HookSite extends Disposable {
  root: string;
  path(...parts: string[]): string;
  write(name: string, ...lines: string[]): void;
  run(phases: string[], options?: { settings?: string; limit?: number }): Promise<HookRun>;
}

export interface HookRun {
  output: string;
  events: StackwrightEvent[];
  error?: StackwrightError;
}

export function hookSite(): HookSite {
  const root = mkdtempSync(join(tmpdir(), 'stackwright-hooks-'));
  const path = (...parts: string[]) => join(root, ...parts);
  mkdirSync(path('extras.d'));

  async function run(phases: string[], options: { settings?: string; limit?: number } = {}): Promise<HookRun> {
    writeFileSync(path('settings'), `DEST=${path('dest')}\n${options.settings ?? ''}\n`);
    const result: HookRun = { output: '', events: [] };
    try {
      await runHooks({
        state: stateDirectory(path('state')),
        extrasDirectory: path('extras.d'),
        settingsFile: path(options.settings?.includes('[[') ? 'local.conf' : 'settings'),
        phases,
        limit: options.limit ?? 60,
        reporter: { report: (event) => result.events.push(event) },
        onOutput: (text) => {
          result.output += text;
        },
      });
    } catch (error) {
      if (!(error instanceof StackwrightError)) throw error;
      result.error = error;
    }
    return result;
  }

  return {
    root,
    path,
    write(name, ...lines) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), `${lines.join('\n')}\n`);
    },
    run: (phases, options = {}) => {
      if (options.settings?.includes('[[')) writeFileSync(path('local.conf'), options.settings);
      return run(phases, options);
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
