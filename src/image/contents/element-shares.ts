import { StackwrightError } from '../../base/errors.js';
import { type Element, resolveElements } from '../elements.js';
import { readPackageNames } from '../package-names.js';
import { wantedPackages } from '../wanted-packages.js';
import { dependencyFinder, type InstalledPackage, packagesByName } from './dpkg.js';

/** What an element has brought into an image: the packages that it names, with what these need. */
export interface ElementShare {
  /** Undefined for the rest: the operating system, and what scripts of elements install. */
  element?: string;
  packages: number;
  installedBytes: number;
}

/**
 * Gives each package to the first element that wants it: by name in package-installs, or because
 * one that it names depends on it. What every system needs comes first and belongs to no element.
 * @param elements in the order in which they count
 * @param wants names of packages by element
 */
export function shareOut(
  packages: InstalledPackage[],
  elements: string[],
  wants: Map<string, string[]>,
): ElementShare[] {
  const dependencies = dependencyFinder(packages);
  const byName = packagesByName(packages);
  const taken = new Set<InstalledPackage>();
  const take = (first: InstalledPackage[]): InstalledPackage[] => {
    const got: InstalledPackage[] = [];
    const left = [...first];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      if (taken.has(next)) continue;
      taken.add(next);
      got.push(next);
      left.push(...dependencies(next));
    }
    return got;
  };
  const system = take(packages.filter(({ required }) => required));
  const shares = elements.map((element) => {
    const named = (wants.get(element) ?? []).flatMap((name) => byName.get(name) ?? []);
    return share(take(named), element);
  });
  const rest = packages.filter((found) => !taken.has(found));
  return [...shares.filter((found) => found.packages > 0), share([...system, ...rest])];
}

/** Where the elements of an image are found, and in what environment they are read. */
export interface ElementContext {
  elementsPath: string[];
  environment: Record<string, string>;
  arch: string;
  distribution: { name: string; release: string };
}

/**
 * As `shareOut`, with what the elements want as they are now on the elements path.
 * @returns a text that says why it is not known, where the elements cannot be read
 */
export async function elementShares(
  packages: InstalledPackage[],
  elements: string[],
  context: ElementContext,
): Promise<ElementShare[] | string> {
  try {
    const found = resolveElements(elements, context.elementsPath, { withoutBase: true });
    const installs = await wantedPackages(found, context);
    const names = readPackageNames(found, context.distribution);
    const wants = new Map<string, string[]>(found.map(({ name }) => [name, []]));
    for (const { install } of Object.values(installs)) {
      for (const [name, element] of install) wants.get(element)?.push(...names.map(element, name));
    }
    return shareOut(packages, dependenciesFirst(found), wants);
  } catch (error) {
    if (!(error instanceof StackwrightError)) throw error;
    return error.message;
  }
}

/** Names of elements, each after those that it depends on. */
function dependenciesFirst(elements: Element[]): string[] {
  const byName = new Map(elements.map((element) => [element.name, element]));
  const ordered = new Set<string>();
  const entered = new Set<string>();
  const visit = (element: Element) => {
    // Elements may depend on each other in a circle.
    if (entered.has(element.name)) return;
    entered.add(element.name);
    for (const name of element.dependencies) {
      const dependency = byName.get(name);
      if (dependency) visit(dependency);
    }
    ordered.add(element.name);
  };
  for (const element of elements) visit(element);
  return [...ordered];
}

function share(packages: InstalledPackage[], element?: string): ElementShare {
  const installedBytes = packages.reduce((sum, found) => sum + found.installedBytes, 0);
  return { ...(element === undefined ? {} : { element }), packages: packages.length, installedBytes };
}
