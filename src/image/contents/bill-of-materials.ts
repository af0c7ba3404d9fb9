import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { PackageURL } from 'packageurl-js';
import { StackwrightError } from '../../base/errors.js';
import { readInside, seenInside } from '../inside.js';
import { cycloneDx } from './cyclonedx.js';
import { dependencyFinder, type InstalledPackage, installedPackages } from './dpkg.js';
import { type DeclaredLicences, readLicences } from './licences.js';
import type { ImageContents } from './open.js';
import { type Distribution, readDistribution } from './os-release.js';
import { type GitSource, readProvenance } from './provenance.js';
import type { ImageRecord } from './record.js';
import { spdx } from './spdx.js';

/** What an image is made of, before it is written in a format. */
export interface BillOfMaterials {
  /** What the image is called. */
  name: string;
  /** The hash of what the image was built from, where it is known. */
  identity?: string;
  distribution?: Distribution;
  /** ISO 8601, to the second. */
  created: string;
  packages: ListedPackage[];
  gitSources: ListedSource[];
}

export interface ListedPackage extends InstalledPackage {
  /** Package URL, unique in the image. */
  purl: string;
  licences?: DeclaredLicences;
  /** The packages that it needs. */
  needs: ListedPackage[];
}

export interface ListedSource extends GitSource {
  purl: string;
}

export interface BillOptions {
  /** What to call the image; the name of its file or directory unless told. */
  name?: string;
  record?: ImageRecord;
  /** Seconds since 1970, see `sourceDateEpoch`. */
  sourceDateEpoch?: number;
}

const formats = { spdx, cyclonedx: cycloneDx };

/**
 * The bill of materials of an image as JSON: of SPDX 2.3 or CycloneDX 1.5. The same image gives the
 * same text: its time is `SOURCE_DATE_EPOCH`, else when dpkg last changed the image.
 * @throws StackwrightError `BillFormatUnknown`, `ImageWithoutPackages`
 */
export function billOfMaterials(contents: ImageContents, format: string, options: BillOptions = {}): string {
  const known = Object.entries(formats).find(([name]) => name === format);
  if (known) return known[1](readBill(contents, options));
  throw new StackwrightError('BillFormatUnknown', `a bill of materials cannot have the format ${format}`, {
    value: format,
    hint: `known are ${Object.keys(formats).join(', ')}`,
    exitStatus: 2,
  });
}

function readBill({ root, image }: ImageContents, options: BillOptions): BillOfMaterials {
  const packages = installedPackages(root);
  if (!packages) {
    throw new StackwrightError('ImageWithoutPackages', 'the image has no dpkg, so its packages are not known', {
      value: image,
      hint: 'a bill of materials is made for Debian and its derivatives',
    });
  }
  const distribution = readDistribution(root);
  return {
    name: options.name ?? basename(image),
    identity: options.record?.identity,
    distribution,
    created: creationTime(root, options.sourceDateEpoch),
    packages: listPackages(root, packages, distribution),
    gitSources: readProvenance(root).gitSources.map((source) => ({ ...source, purl: sourceUrl(source) })),
  };
}

function listPackages(root: string, packages: InstalledPackage[], distribution?: Distribution): ListedPackage[] {
  const dependencies = dependencyFinder(packages);
  const listed = new Map<InstalledPackage, ListedPackage>();
  for (const found of packages) {
    const copyright = readInside(root, `/usr/share/doc/${found.name}/copyright`);
    const licences = copyright === undefined ? undefined : readLicences(copyright);
    listed.set(found, { ...found, purl: packageUrl(found, distribution), licences, needs: [] });
  }
  for (const [found, entry] of listed) {
    entry.needs = [...new Set(dependencies(found))].flatMap((needed) => listed.get(needed) ?? []);
  }
  return [...listed.values()];
}

/** The type `deb` of the package URL specification. */
function packageUrl({ name, version, architecture }: InstalledPackage, distribution?: Distribution): string {
  const { id = 'debian', version: release, codename } = distribution ?? {};
  const distro = [id, release ?? codename].filter(Boolean).join('-');
  return new PackageURL('deb', id, name, version, { arch: architecture, distro }, undefined).toString();
}

function sourceUrl({ name, location, commit }: GitSource): string {
  const qualifiers = { vcs_url: `git+${location}@${commit}` };
  return new PackageURL('generic', undefined, name, commit, qualifiers, undefined).toString();
}

function creationTime(root: string, sourceDateEpoch: number | undefined): string {
  const status = seenInside(root, '/var/lib/dpkg/status') ?? root;
  const milliseconds = sourceDateEpoch === undefined ? statSync(status).mtimeMs : sourceDateEpoch * 1000;
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}
