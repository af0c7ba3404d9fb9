import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTextIfExistsSync } from '../base/files.js';
import { exchangeInside } from './root.js';

/**
 * For `BASH_ENV`, which every bash reads before its script: where a command fails, the status and the
 * lines that led there are written down, innermost first. What of it ends the script is the last.
 */
const program = (file: string) => `
__stackwright_failed() {
    local status=$? frame=0
    { echo "$status"; while caller "$frame"; do frame=$((frame + 1)); done; } > ${file}
}
set -E
trap '{ __stackwright_failed; } 2> /dev/null' ERR
`;

/** Prepares a directory that a script sees at `exchangeInside`, or as it is. */
export function watchLines(exchange: string, inside: boolean): { BASH_ENV: string } {
  const seen = inside ? exchangeInside : exchange;
  rmSync(join(exchange, 'failed'), { force: true });
  writeFileSync(join(exchange, 'watch-lines'), program(join(seen, 'failed')));
  return { BASH_ENV: join(seen, 'watch-lines') };
}

/** The line of a script of bash at which it ended; undefined where it ended itself, by `exit`. */
export function failedLine(exchange: string, script: string, status: number): number | undefined {
  const [ended, ...frames] = (readTextIfExistsSync(join(exchange, 'failed')) ?? '').split('\n');
  if (ended !== String(status)) return undefined;
  const own = frames.find((frame) => frame.endsWith(` ${script}`));
  return own === undefined ? undefined : Number.parseInt(own, 10);
}
