import { resolve } from 'node:path';
import { StackwrightError } from '../../base/errors.js';
import type { StateDirectory } from '../../base/state.js';
import { type EdeploySection, readEdeployConf } from '../../inventory/index.js';
import { serve } from '../../server/index.js';
import { type CliContext, command } from '../context.js';
import type { ServeFlags } from './serve.js';

export async function serveRun(this: CliContext, flags: ServeFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const end = new AbortController();
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => end.abort());
    await serve({
      state,
      reporter,
      sites: await sitesOf(flags, state),
      listen: flags.listen,
      namespace: flags.namespace,
      readyFile: flags.readyFile,
      targetKernelLine: flags.kernelLine,
      ramdiskOptions: flags.option ?? [],
      silence: flags.silence,
      signal: end.signal,
    });
  });
}

/** @throws StackwrightError `SiteMissing` */
async function sitesOf(
  { site, edeployConf }: ServeFlags,
  state: StateDirectory,
): Promise<[EdeploySection, ...EdeploySection[]]> {
  if (site !== undefined && edeployConf === undefined) {
    const name = 'SERVER';
    return [{ name, configDir: resolve(site), hwDir: state.path('facts'), logDir: state.path('logs', 'install') }];
  }
  const [first, ...others] = edeployConf === undefined || site !== undefined ? [] : await readEdeployConf(edeployConf);
  if (first) return [first, ...others];
  throw new StackwrightError('SiteMissing', 'it is not said what to serve', {
    hint: 'give either --site DIRECTORY or --edeploy-conf FILE with at least one [SECTION]',
    exitStatus: 2,
  });
}
