import { run } from '../../base/command.js';

/**
 * The extended attributes of every file that has some, by its path in the bytes of `walkFiles`:
 * `name=0xHEX` lines, sorted, such as the capabilities of a program.
 */
export async function extendedAttributes(root: string): Promise<Map<string, string>> {
  const everything = ['--recursive', '--physical', '--no-dereference', '--match=-'];
  const { stdout } = await run('getfattr', [...everything, '--dump', '--encoding=hex', '.'], {
    cwd: root,
    // getfattr writes names in the locale's characters; these are bytes.
    env: { LC_ALL: 'C' },
    // Status 1: a file went, or cannot be read.
    okStatuses: [0, 1],
    timeout: 1800,
  });
  const attributes = new Map<string, string>();
  for (const block of stdout.split('\n\n')) {
    const [head = '', ...lines] = block.split('\n').filter(Boolean);
    const name = /^# file: (.*)$/.exec(head)?.[1];
    if (name !== undefined) attributes.set(pathOf(name), lines.sort().join('\n'));
  }
  return attributes;
}

/** getfattr escapes line breaks, `=`, backslashes and what is not ASCII as `\OOO`, and leaves out `./`. */
function pathOf(name: string): string {
  if (name === '.') return '/';
  const plain = name.replace(/\\([0-7]{3})/g, (_match, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return `/${plain.replace(/^\.\//, '')}`;
}
