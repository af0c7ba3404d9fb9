import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes elements below a directory. */
export interface ElementWriter {
  /** A script, without its first lines, which are the same for all. `name` is `ELEMENT/PHASE/SCRIPT`. */
  script(name: string, lines: string[]): void;
  /** Another file, such as `ELEMENT/element-deps`. */
  file(name: string, text: string): void;
  /** An operating system of a shell and some programs: building it takes no second. */
  system(name: string, more?: { programs?: string[]; lines?: string[] }): void;
}

export function elementsIn(directory: string): ElementWriter {
  const file = (name: string, text: string) => {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  };
  const script = (name: string, lines: string[]) => {
    file(name, ['#!/bin/bash', 'set -eu -o pipefail', ...lines, ''].join('\n'));
    chmodSync(join(directory, name), 0o755);
  };
  return {
    file,
    script,
    system(name, { programs = [], lines = [] } = {}) {
      file(`${name}/element-provides`, 'operating-system\n');
      script(`${name}/root.d/10-${name}`, [
        'cd "$TARGET_ROOT"',
        'mkdir -p bin usr/sbin usr/bin etc proc dev sys tmp var/log',
        `for program in ${['/bin/bash', '/usr/bin/env', ...programs].join(' ')}; do`,
        '    cp "$program" ".$program"',
        '    for library in $(ldd "$program" | grep -o "/[^ ]*"); do install -D "$library" ".$library"; done',
        'done',
        ...lines,
      ]);
    },
  };
}
