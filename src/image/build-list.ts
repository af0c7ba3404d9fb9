import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Reporter } from '../base/events.js';
import { packageRoot } from '../base/package-root.js';
import { identifyProcess } from '../base/process.js';
import type { TemporaryState } from '../base/temporary.js';
import { reportImage } from './events.js';
import type { ListedImage } from './image-list.js';

export interface BuildListOptions {
  /** Begin no other image after one that failed. */
  stopOnFailure: boolean;
  /** Of the caller. */
  environment: NodeJS.ProcessEnv;
  /** Owns the process of the image that is built. */
  temporary: TemporaryState;
  reporter: Reporter;
  /** Ends the image that is built in order, and begins no other one. */
  signal: AbortSignal;
  /** Have the builds report in JSON. */
  json: boolean;
}

/** What has become of an image of a list. */
export interface ListedResult {
  name: string;
  state: 'built' | 'failed' | 'skipped';
  seconds: number;
}

/** Builds images one after the other, each by its own command, whose progress and errors go to our standard error. */
export async function buildList(images: ListedImage[], options: BuildListOptions): Promise<ListedResult[]> {
  const { reporter, signal, stopOnFailure } = options;
  const results: ListedResult[] = [];
  let failures = 0;
  for (const [index, image] of images.entries()) {
    const { name } = image;
    if (signal.aborted || (stopOnFailure && failures > 0)) {
      results.push({ name, state: 'skipped', seconds: 0 });
      continue;
    }
    const number = index + 1;
    reportImage(reporter, {
      code: 'image.list.started',
      level: 'info',
      message: `image ${number} of ${images.length}: ${name}`,
      data: { name, number, images: images.length },
    });
    const started = Date.now();
    const status = await build(image, options);
    const seconds = (Date.now() - started) / 1000;
    if (status !== 0) failures++;
    results.push({ name, state: status === 0 ? 'built' : 'failed', seconds });
    reportImage(reporter, {
      code: 'image.list.finished',
      level: status === 0 ? 'info' : 'error',
      message: status === 0 ? `${name} took ${seconds.toFixed(1)} s` : `${name} failed with status ${status}`,
      data: { name, seconds, status },
    });
  }
  return results;
}

async function build(image: ListedImage, { environment, temporary, signal, json }: BuildListOptions): Promise<number> {
  const { PATH, HOME, TERM, STACKWRIGHT_STATE } = environment;
  const caller = image.clear ? { PATH, HOME, TERM, STACKWRIGHT_STATE } : environment;
  const child = spawn(join(packageRoot(), 'bin', image.program), [...image.args, ...(json ? ['--json'] : [])], {
    stdio: ['inherit', 'ignore', 'inherit'],
    env: { ...caller, ...image.environment },
  });
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity) temporary.add({ kind: 'process', process: identity, what: 'image of a list' });
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end);
  try {
    const [status] = await once(child, 'exit');
    return status ?? -1;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
