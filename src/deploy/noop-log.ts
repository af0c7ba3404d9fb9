import { z } from 'zod';
import { mask } from '../base/mask.js';
import { isHarmless } from './puppet-log.js';

/** What `puppet apply --noop` says of a manifest. */
export interface NoopVerdict {
  changes: ResourceChange[];
  /** What needs an earlier step, such as the program of a package that is not installed yet; or does not compile. */
  unknown: UnknownResource[];
}

export interface ResourceChange {
  /** `Service[memcached]` */
  resource: string;
  /** Null where the resource would be refreshed: a service restarted, a command run. */
  property: string | null;
  what: string;
  /** Where it is declared. */
  file: string | null;
  line: number | null;
}

export interface UnknownResource {
  /** Null for all of a type, or the whole manifest. */
  resource: string | null;
  why: string;
}

/** A line of a log that ends in `.jsonl`; see `to_structured_hash` of Puppet::Util::Log. */
const LogLine = z.object({
  level: z.string().max(20),
  message: z.string(),
  source: z.string().max(4000),
  file: z.string().max(4000).nullish(),
  line: z.number().int().nullish(),
});
type LogLine = z.infer<typeof LogLine>;

/** Files are of this many lines at most, messages of this many characters: a host is not to fill our memory. */
const LINES = 20_000;
const MESSAGE = 500;

/**
 * Reads puppet's log.
 * @param home the directory of the manifests on the host, which is left out of file names
 */
export function readNoopLog(text: string, home: string): NoopVerdict {
  const verdict: NoopVerdict = { changes: [], unknown: [] };
  for (const line of text.split('\n', LINES).flatMap(parseLine)) {
    if (isHarmless(`Error: ${line.source}: ${line.message}`)) continue;
    const { resource, property } = splitSource(line.source);
    if (line.level === 'err' || /^Skipping because /.test(line.message)) {
      verdict.unknown.push({ resource, why: whyUnknown(line) });
    } else if (resource !== null && isChange(line, resource)) {
      const file = line.file?.replace(`${home}/`, '') ?? null;
      const what = describe(line.message, resource, property);
      verdict.changes.push({ resource, property, what, file, line: line.line ?? null });
    }
  }
  return verdict;
}

function parseLine(text: string): LogLine[] {
  try {
    const { data } = LogLine.safeParse(JSON.parse(text));
    return data ? [data] : [];
  } catch {
    // The last line of a log that was cut off.
    return [];
  }
}

/** `/Stage[main]/Memcached/Service[memcached]/ensure` → the last resource of the path, and its property. */
function splitSource(source: string): { resource: string | null; property: string | null } {
  const property = /\]\/([a-z][a-z0-9_]*)$/.exec(source)?.[1] ?? null;
  const path = property === null ? source : source.slice(0, -property.length - 1);
  const begins = [...path.matchAll(/(?:^|\/)([A-Z]\w*(?:::[A-Z]\w*)*\[)/g)];
  const last = begins.at(-1);
  if (!last || !path.endsWith(']')) return { resource: null, property };
  return { resource: mask(path.slice(last.index).replace(/^\//, '')), property };
}

/** Classes and stages only gather what their resources do. */
function isChange({ message }: LogLine, resource: string): boolean {
  return (
    (message.endsWith(' (noop)') || message.startsWith('Would have triggered')) && !/^(Class|Stage)\[/.test(resource)
  );
}

/** A secret that is there now is not one of the answers, so it is not masked by its value. */
const discreet = /passw|secret|token|connection|transport_url|auth|_key\b/i;

function describe(message: string, resource: string, property: string | null): string {
  if (property === null) return resource.startsWith('Service[') ? 'would be restarted' : 'would be refreshed';
  if (property === 'returns') return 'would run';
  if (discreet.test(`${resource} ${property}`)) return 'would be changed';
  return shorten(message.replace(/ \(noop\)$/, ''));
}

function whyUnknown({ message, level }: LogLine): string {
  if (level !== 'err') return 'comes after something that cannot be told yet';
  return shorten(message);
}

function shorten(text: string): string {
  const masked = mask(text);
  return masked.length > MESSAGE ? `${masked.slice(0, MESSAGE)}…` : masked;
}
