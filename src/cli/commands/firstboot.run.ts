import { type RenderResult, renderRoot } from '../../firstboot/index.js';
import { type CliContext, command } from '../context.js';
import type { RenderFlags } from './firstboot.js';

export async function renderFirstboot(this: CliContext, flags: RenderFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter({ json: flags.json });
    const { corrected, root, ...options } = flags;
    const result = renderRoot(root, { ...options, dialect: corrected ? 'corrected' : 'glean' });
    for (const warning of result.warnings) {
      reporter.report({ code: 'firstboot.warning', level: 'warn', message: warning, data: { warning } });
    }
    if (flags.json) this.printJson(result);
    else if (result.files.length > 0) this.print(listing(result).replace(/\n$/, ''));
  });
}

/** glean's form: the next header follows directly on a content that has no newline at its end. */
function listing({ files }: RenderResult): string {
  return files.map((file) => `### Write ${file.path}\n${file.content}`).join('');
}
