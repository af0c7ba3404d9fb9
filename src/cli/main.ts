import { ExitCode, proposeCompletions, run } from '@stricli/core';
import { application } from './application.js';
import { createContext } from './context.js';

const context = createContext();
const words = process.argv.slice(2);
if (words[0] === 'complete' && process.env.COMP_LINE !== undefined) {
  // Called by the shell through `stackwright completion bash`.
  for (const { completion } of await proposeCompletions(application, words.slice(1), context)) {
    process.stdout.write(`${completion}\n`);
  }
} else if (words[0] === 'packstack') {
  // bin/packstack: its options are those of the plugins, which no table of ours can list.
  const { packstack } = await import('./packstack.js');
  await packstack(context, words.slice(1));
} else {
  await run(application, words, context);
  // The parser's own statuses are negative; people of the shell know 2 for wrong usage.
  const wrongUsage: unknown[] = [ExitCode.InvalidArgument, ExitCode.UnknownCommand];
  if (wrongUsage.includes(process.exitCode)) process.exitCode = 2;
}
