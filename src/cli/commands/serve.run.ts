import { resolve } from 'node:path';
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
      site: resolve(flags.site),
      listen: flags.listen,
      namespace: flags.namespace,
      readyFile: flags.readyFile,
      targetKernelLine: flags.kernelLine,
      signal: end.signal,
    });
  });
}
