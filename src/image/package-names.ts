import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { StackwrightError } from '../base/errors.js';
import type { Element } from './elements.js';

/** Names by what they are valid for; an empty name says that there is nothing to install. */
const nameMap = z.record(z.string(), z.string());
const packageMap = z.object({
  release: z.record(z.string(), z.record(z.string(), nameMap)).optional(),
  distro: z.record(z.string(), nameMap).optional(),
  family: z.record(z.string(), nameMap).optional(),
  default: nameMap.optional(),
});
const serviceMap = z.record(z.string(), z.record(z.string(), z.string()));
type PackageMap = z.infer<typeof packageMap>;

/** The names of packages and services in the distribution that is built. */
export interface PackageNames {
  /** The packages that stand for an element's name: usually one, none where the map says so. */
  map(element: string, name: string): string[];
  /** Tables for the shell program `pkg-map` in the image, by element: `name<TAB>packages` lines. */
  tables(): Map<string, string>;
}

export interface Distribution {
  name: string;
  release: string;
}

/**
 * Reads the elements' `pkg-map` files: release wins over distribution, family and default. A name
 * that no level has is taken as it is.
 * @throws StackwrightError `PackageMapInvalid`
 */
export function readPackageNames(elements: Element[], distribution: Distribution): PackageNames {
  const flat = new Map<string, Map<string, string>>();
  for (const element of elements) {
    const file = join(element.path, 'pkg-map');
    if (existsSync(file)) flat.set(element.name, flatten(readMap(file), distribution));
  }
  return {
    map(element, name) {
      const mapped = flat.get(element)?.get(name) ?? name;
      return mapped.split(/\s+/).filter(Boolean);
    },
    tables() {
      return new Map([...flat].map(([element, names]) => [element, table(names)]));
    },
  };
}

/**
 * The table for the shell program `svc-map` in the image, `name<TAB>service` lines, from the
 * elements' `svc-map` files: distribution wins over family and default.
 * @throws StackwrightError `ServiceMapInvalid`, also where two elements map one name
 */
export function serviceTable(elements: Element[], { name }: Distribution): string {
  const services = new Map<string, { service: string; file: string }>();
  for (const element of elements) {
    const file = join(element.path, 'svc-map');
    if (!existsSync(file)) continue;
    const parsed = serviceMap.safeParse(parseDocument(readFileSync(file, 'utf8')).toJS() ?? {});
    if (!parsed.success) {
      throw new StackwrightError('ServiceMapInvalid', `a svc-map file is wrong: ${parsed.error.issues[0]?.message}`, {
        file,
        value: parsed.error.issues[0]?.path.join('.'),
        hint: 'each name has a map of distribution, family or default to a service',
      });
    }
    for (const [service, levels] of Object.entries(parsed.data)) {
      const other = services.get(service);
      if (other) {
        throw new StackwrightError('ServiceMapInvalid', `two elements map the service ${service}`, {
          file,
          value: service,
          hint: `the other is ${other.file}`,
        });
      }
      services.set(service, { service: levels[name] ?? levels[familyOf(name)] ?? levels.default ?? service, file });
    }
  }
  return table(new Map([...services].map(([key, { service }]) => [key, service])));
}

function flatten(map: PackageMap, { name, release }: Distribution): Map<string, string> {
  const levels = [map.default, map.family?.[familyOf(name)], map.distro?.[name], map.release?.[name]?.[release]];
  return new Map(levels.flatMap((level) => Object.entries(level ?? {})));
}

/** The family as pkg-map knows it, by the name of a distribution. */
function familyOf(distribution: string): string {
  switch (distribution) {
    case 'debian':
    case 'ubuntu':
      return 'debian';
    case 'centos':
    case 'centos7':
    case 'fedora':
    case 'openeuler':
    case 'rhel':
    case 'rhel7':
    case 'rocky':
      return 'redhat';
    case 'opensuse':
    case 'sles':
      return 'suse';
    default:
      return distribution;
  }
}

function table(names: Map<string, string>): string {
  return [...names.keys()]
    .sort()
    .map((name) => `${name}\t${names.get(name)}\n`)
    .join('');
}

function readMap(file: string): PackageMap {
  // The files are JSON, which is YAML too; so errors have a line.
  const document = parseDocument(readFileSync(file, 'utf8'));
  const problem = document.errors[0];
  if (problem) {
    throw new StackwrightError('PackageMapInvalid', `a pkg-map file is not JSON: ${problem.message.split('\n')[0]}`, {
      file,
      line: problem.linePos?.[0].line,
    });
  }
  const parsed = packageMap.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new StackwrightError('PackageMapInvalid', `a pkg-map file is wrong: ${issue?.message}`, {
    file,
    value: issue?.path.join('.'),
    hint: 'levels are release, distro, family and default; each maps names to names',
  });
}
