import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { run } from '../../base/command.js';
import { StackwrightError } from '../../base/errors.js';
import type { HooksView } from '../hooks-view.js';
import type { LayerInput } from './inputs.js';

/** A line of a file `source-repository-NAME`, with the overrides of the environment applied. */
interface Source {
  name: string;
  type: string;
  location: string;
  reference: string;
}

/**
 * Where the sources of elements are now: the commit that a branch has, the time and size of a file
 * on its server. What cannot be asked is different every time, so that it is fetched and not guessed.
 * @param environment of the phase, after environment.d
 */
export async function sourceInputs(view: HooksView, environment: Record<string, string>): Promise<LayerInput[]> {
  const files = [...view].filter(([path]) => /^source-repository-[^/]+$/.test(path)).map(([, { file }]) => file);
  if (files.length === 0 || environment.NO_SOURCE_REPOSITORIES === '1') return [];
  const sources = await expandSources(files, environment);
  const offline = Boolean(environment.DIB_OFFLINE);
  return await Promise.all(
    sources.map(async ({ name, type, location, reference }) => ({
      kind: 'source' as const,
      name,
      digest: createHash('sha256')
        .update([type, location, reference, offline ? '' : await present(type, location, reference)].join('\n'))
        .digest('hex')
        .slice(0, 24),
    })),
  );
}

/** The shell expands a line, as the element source-repositories has it. */
const expandProgram = `
set -f
for file; do
    while IFS= read -r line || [ -n "$line" ]; do
        [[ $line =~ ^[[:space:]]*(#|$) ]] && continue
        eval "words=($line)"
        id=\${words[0]//[^A-Za-z0-9_]/_}
        type=DIB_REPOTYPE_$id location=DIB_REPOLOCATION_$id reference=DIB_REPOREF_$id
        printf '%s\\0' "$id" "\${!type:-\${words[1]:-}}" "\${!location:-\${words[3]:-}}" "\${!reference:-\${words[4]:-}}"
    done < "$file"
done
`;

async function expandSources(files: string[], environment: Record<string, string>): Promise<Source[]> {
  const options = { env: environment, replaceEnvironment: true };
  const { stdout } = await run('/bin/bash', ['-c', expandProgram, 'bash', ...files], options);
  const words = stdout.split('\0').slice(0, -1);
  return Array.from({ length: words.length / 4 }, (_, index) => {
    const [name = '', type = '', location = '', reference = ''] = words.slice(index * 4, index * 4 + 4);
    return { name, type, location, reference: reference || (type === 'git' ? 'master' : '') };
  });
}

async function present(type: string, location: string, reference: string): Promise<string> {
  if (type === 'package') return '';
  if (type === 'git' && /^[0-9a-f]{40}$/.test(reference)) return reference;
  try {
    if (type === 'git') return await commitOf(location, reference);
    const url = location.startsWith('/') ? `file://${location}` : location;
    if (url.startsWith('file://'))
      return createHash('sha256')
        .update(readFileSync(new URL(url)))
        .digest('hex');
    const { stdout } = await run('curl', ['--silent', '--fail', '--location', '--head', '--max-time', '20', '--', url]);
    const headers = stdout.match(/^(etag|last-modified|content-length):.*$/gim) ?? [];
    if (headers.length > 0) return headers.join('\n');
  } catch (error) {
    if (!(error instanceof StackwrightError) && !(error instanceof Error && 'code' in error)) throw error;
  }
  return `unknown ${process.hrtime.bigint()}`;
}

async function commitOf(location: string, reference: string): Promise<string> {
  const wanted = reference === '*' ? [] : [reference];
  const env = { GIT_TERMINAL_PROMPT: '0' };
  const { stdout } = await run('git', ['ls-remote', '--', location, ...wanted], { env, timeout: 60 });
  if (stdout.trim() !== '') return stdout;
  // A commit that no branch names, or nothing at all: the fetch decides.
  return `unknown ${process.hrtime.bigint()}`;
}
