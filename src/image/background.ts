import { run } from '../base/command.js';

/**
 * Starts a shell program of the host beside the build; it ends when it is disposed of. Nobody hears whether it fails.
 * @param words its `$1` and so on
 */
export function startShell(program: string, words: string[]): AsyncDisposable {
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
