import { ensureRamdisk } from '../../netboot/index.js';
import { type CliContext, command } from '../context.js';
import type { NetbootBuildFlags } from './netboot.js';

export async function netbootBuild(this: CliContext, flags: NetbootBuildFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const ramdisk = await ensureRamdisk({
      state,
      reporter,
      kernelPackage: flags.kernelPackage,
      rebuild: flags.rebuild,
    });
    if (flags.json) this.printJson(ramdisk);
  });
}
