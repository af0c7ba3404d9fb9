import { run } from '../base/command.js';

/** Ends when it is disposed of. */
export type Background = AsyncDisposable;

/**
 * Starts a shell program of the host beside the build. Nobody hears whether it fails: it is a help that can be missed.
 * @param words its `$1` and so on
 */
export function startShell(program: string, words: string[]): Background {
  const ending = new AbortController();
  // timeout(1) has a process group of its own and ends all of it, also when we are killed.
  const command = ['--pdeathsig', 'TERM', 'timeout', '3600', 'sh', '-c', program, 'sh', ...words];
  const running = run('setpriv', command, { signal: ending.signal, timeout: 3700 }).catch(() => {});
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}
