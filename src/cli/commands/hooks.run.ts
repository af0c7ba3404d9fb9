import { listSiteHooks } from '../../deploy/index.js';
import { runHooks } from '../../hooks/index.js';
import { type CliContext, command } from '../context.js';
import { plainTable } from '../table.js';
import type { ListHooksFlags, RunHooksFlags } from './hooks.js';

export async function runHooksCommand(this: CliContext, flags: RunHooksFlags, ...phases: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const interruption = new AbortController();
    const interrupt = () => interruption.abort();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) this.process.once(signal, interrupt);
    await runHooks({
      state,
      reporter,
      extrasDirectory: flags.extrasDir,
      phases,
      limit: flags.timeout,
      signal: interruption.signal,
      onOutput: (text, stream) => this.process[stream].write(text),
      ...(flags.settings === undefined ? {} : { settingsFile: flags.settings }),
    });
  });
}

export async function listHooksCommand(this: CliContext, flags: ListHooksFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const list = await listSiteHooks(flags.site, flags.answerFile);
    if (flags.json) {
      this.printJson(list);
      return;
    }
    const table = plainTable(['phase', 'order', 'hook', 'kind', 'runs', 'why']);
    for (const { phase, order, script, kind, enabled, why } of list.hooks) {
      table.push([phase, String(order), script, kind, enabled ? 'yes' : 'no', why]);
    }
    this.print(list.hooks.length === 0 ? 'no hooks' : table.toString());
    for (const note of list.notes) this.print(note);
    this.print(`enabled services: ${list.services.join(', ') || 'none'}`);
  });
}
