import { openLayers, pruneLayers } from '../../image/index.js';
import { type CliContext, command } from '../context.js';
import { megabytes, plainTable } from '../table.js';
import type { ImageCacheFlags, ImageCachePruneFlags } from './image.js';

export async function imageCacheList(this: CliContext, flags: ImageCacheFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const layers = openLayers(await this.openState(this.reporter(flags))).list();
    const sorted = layers.sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime());
    if (flags.json) {
      const listed = sorted.map(({ id, parent, phase, step, elements, bytes, seconds, createdAt, usedAt }) => {
        return { id, parent: parent ?? null, phase, step, elements, bytes, seconds, createdAt, usedAt };
      });
      return this.printJson(listed);
    }
    const rows = plainTable(['state', 'step', 'size', 'made in', 'used', 'elements']);
    for (const { id, phase, step, bytes, seconds, usedAt, elements } of sorted) {
      const used = usedAt.toISOString().replace(/\..*/, 'Z');
      rows.push([id, `${phase}/${step}`, megabytes(bytes), `${seconds.toFixed(1)} s`, used, elements.length]);
    }
    this.print(rows.toString());
    this.print(`${sorted.length} states, ${megabytes(sorted.reduce((sum, { bytes }) => sum + bytes, 0))}`);
  });
}

export async function imageCachePrune(this: CliContext, flags: ImageCachePruneFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const pruned = await pruneLayers(await this.openState(this.reporter(flags)), flags.keep);
    if (flags.json) return this.printJson(pruned);
    const { removed, bytes, keptBytes } = pruned;
    this.print(`removed ${removed} states of ${megabytes(bytes)}; ${megabytes(keptBytes)} stay`);
  });
}
