import { formatCmdb, parseCmdb } from '../../inventory/index.js';
import { type CliContext, command } from '../context.js';
import type { ExpandFlags } from './cmdb.js';
import { readText } from './profile.run.js';

export async function expandCmdb(this: CliContext, flags: ExpandFlags, file: string): Promise<void> {
  await command(this, flags.json, async () => {
    const { entries } = parseCmdb(await readText(file), file);
    if (flags.json) this.printJson(entries);
    else this.print(formatCmdb(entries, file).trimEnd());
  });
}
