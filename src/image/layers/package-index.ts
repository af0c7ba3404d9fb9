import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../base/command.js';
import { StackwrightError } from '../../base/errors.js';
import { readTextIfExistsSync } from '../../base/files.js';
import { aptProxies, aptProxyOf } from '../apt-proxies.js';

/**
 * The package indexes from which the lists of a tree were made, by the URL of their InRelease.
 * Empty where the tree has no lists, or none that its sources explain.
 */
export function packageIndexes(root: string, arch: string): Record<string, string> {
  const lists = join(root, 'var', 'lib', 'apt', 'lists');
  if (!existsSync(lists)) return {};
  const files = new Set(readdirSync(lists).filter((name) => name.endsWith('_InRelease')));
  const urls = files.size > 0 ? sourcesOf(root) : [];
  const found = urls.filter((url) => files.has(listName(url)));
  return Object.fromEntries(
    found.map((url) => [url, indexDigest(readFileSync(join(lists, listName(url)), 'utf8'), arch)]),
  );
}

/**
 * What an InRelease says of the packages of an architecture. Its date and signature are left out:
 * archives sign anew when nothing has changed.
 */
export function indexDigest(text: string, arch: string): string {
  const wanted = new RegExp(`^ ([0-9a-f]{64}) +\\d+ +(\\S+/binary-(?:${arch}|all)/Packages)$`);
  const lines = text.split('\n').filter((line) => wanted.test(line));
  return createHash('sha256')
    .update([...new Set(lines)].sort().join('\n'))
    .digest('hex')
    .slice(0, 24);
}

/** The URLs of InRelease files that a tree's sources name, in both of apt's forms (sources.list(5)). */
function sourcesOf(root: string): string[] {
  const directory = join(root, 'etc', 'apt', 'sources.list.d');
  const more = existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
  const files = [join(root, 'etc', 'apt', 'sources.list'), ...more];
  return [
    ...new Set(
      files.flatMap((file) => {
        const text = readTextIfExistsSync(file) ?? '';
        return file.endsWith('.sources') ? stanzas(text) : lines(text);
      }),
    ),
  ];
}

function lines(text: string): string[] {
  return [...text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/gm)].map(([, uri = '', suite = '']) =>
    releaseUrl(uri, suite),
  );
}

function stanzas(text: string): string[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) =>
      (new RegExp(`^${name}:\\s*(.*)$`, 'im').exec(stanza)?.[1] ?? '').split(/\s+/).filter(Boolean);
    return field('URIs').flatMap((uri) => field('Suites').map((suite) => releaseUrl(uri, suite)));
  });
}

function releaseUrl(uri: string, suite: string): string {
  const base = uri.replace(/\/*$/, '');
  return suite.endsWith('/') ? `${base}/${suite}InRelease` : `${base}/dists/${suite}/InRelease`;
}

/** As apt names the file of a URL among its lists. */
function listName(url: string): string {
  return url
    .replace(/^[a-z+]+:\/\/(?:[^/@]*@)?/, '')
    .replaceAll('_', '%5f')
    .replaceAll('/', '_');
}

/** Asks archives for their present indexes, each once. */
export function indexReader(arch: string): (url: string) => Promise<string | undefined> {
  const asked = new Map<string, Promise<string | undefined>>();
  return (url) => {
    const answer = asked.get(url) ?? fetchIndex(url, arch);
    asked.set(url, answer);
    return answer;
  };
}

/** Undefined where the archive does not answer. */
async function fetchIndex(url: string, arch: string): Promise<string | undefined> {
  try {
    // curl knows the proxies of the environment.
    const proxy = aptProxyOf(await aptProxies(), new URL(url));
    const way = proxy === undefined || proxy === 'DIRECT' ? [] : ['--proxy', proxy];
    const options = ['--silent', '--fail', '--location', '--max-time', '20', ...way];
    const { stdout } = await run('curl', [...options, '--', url], { timeout: 30 });
    return indexDigest(stdout, arch);
  } catch (error) {
    if (error instanceof StackwrightError) return undefined;
    throw error;
  }
}
