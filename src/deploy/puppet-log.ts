/** What puppet's output says about an application of a manifest. */
export interface PuppetVerdict {
  ok: boolean;
  /** Something on the host was changed. */
  changed: boolean;
  /** Error lines that count, with what they mean where we know it; each once. */
  errors: string[];
}

/** Errors in the log that say nothing about the manifest's resources. */
const harmless: RegExp[] = [
  // Facts of hardware that a container or a small VM lacks.
  /^Error: Facter: /,
  // The query runs before the manifest has installed the program that it needs; puppet asks again afterwards.
  /^Error: Could not prefetch /,
  /^Error: \/File\[.*\/facts\.d\]: Could not evaluate: Could not retrieve information from environment/,
];

/** Puppet's words → what a person needs to know. `$1` is the first group. */
const meanings: [RegExp, string][] = [
  [/Unable to locate package (\S+)/, 'the package sources of the host lack $1: see /etc/apt/sources.list.d'],
  [/Temporary failure resolving '([^']+)'/, 'the host cannot resolve $1: see /etc/resolv.conf'],
  [/Could not get lock (\/var\/lib\/\S+)/, 'another package manager runs on the host and holds $1'],
  [/No space left on device/, 'a file system of the host is full: see df'],
  [/Command exceeded timeout/, 'a command took too long: give more time with --timeout'],
  [
    /(?:Could not find declared class|Unknown class|Could not find class) '?:{0,2}([\w:]+)/,
    'no puppet module has the class $1',
  ],
  [/did not find a value for the name '([^']+)'/, 'the manifest wants $1, which the deployment does not give it'],
  [/Systemd (?:re)?start for (\S+) failed/, 'the service $1 does not start: journalctl -u $1 on the host says why'],
  [/Address already in use/, 'a port is in use by another program: see ss -ltnp'],
  [/Duplicate declaration: (\S+)/, 'two parts of the manifest declare $1'],
];

/** Exit statuses of `puppet apply --detailed-exitcodes`. */
const APPLIED = 0;
const CHANGED = 2;

/** Judges by the exit status and by the error lines: some failures leave the status at 0 or 2. */
export function judgePuppet(output: string, status: number): PuppetVerdict {
  const lines = output.split('\n').map((line) => line.trimEnd());
  const counting = lines.filter((line) => /^(Error|Critical|Alert|Emergency): /.test(line) && !isHarmless(line));
  const errors = [
    ...new Set([...new Set(counting)].map((line) => [explain(line), ...journalAfter(line, lines)].join('\n  '))),
  ];
  const statusOk = status === APPLIED || status === CHANGED;
  if (!statusOk && errors.length === 0) errors.push(`puppet ended with status ${status}`);
  return { ok: statusOk && errors.length === 0, changed: status === CHANGED || status === 6, errors };
}

/** The end of the journal of a service that does not start, which stands below the line that says so. */
function journalAfter(error: string, lines: string[]): string[] {
  if (!/^Error: Systemd (re)?start for \S+ failed/.test(error)) return [];
  const rest = lines.slice(lines.indexOf(error) + 1);
  const end = rest.findIndex((line) => /^(Error|Warning|Notice|Info|Debug): /.test(line));
  const journal = rest.slice(0, end < 0 ? undefined : end).filter((line) => line !== '');
  return journal.slice(-JOURNAL_LINES);
}

const JOURNAL_LINES = 6;

/** An error line that says nothing about the manifest's resources. */
export function isHarmless(line: string): boolean {
  return harmless.some((pattern) => pattern.test(line));
}

function explain(line: string): string {
  const text = line.replace(/^\w+: /, '').replace(/\s*\(file: .*\)$/, '');
  for (const [pattern, meaning] of meanings) {
    const match = pattern.exec(line);
    if (match) return `${meaning.replaceAll('$1', match[1] ?? '')} (${text})`;
  }
  return text;
}
