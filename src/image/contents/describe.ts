import { hostArchitecture } from '../environment.js';
import { listInside } from '../inside.js';
import { type DirectorySize, sumDirectories } from './directory-sizes.js';
import { type InstalledPackage, installedPackages, listedPath, packagePaths } from './dpkg.js';
import { type ElementShare, elementShares } from './element-shares.js';
import type { ImageContents, ImageFormat } from './open.js';
import { type Distribution, readDistribution } from './os-release.js';
import { imageVariables, type Provenance, readProvenance } from './provenance.js';
import type { ImageRecord } from './record.js';
import { type FileEntry, readableName, walkFiles } from './walk.js';

/** What is in an image. A value that cannot be known is null. */
export interface ImageDescription {
  image: string;
  format: ImageFormat;
  /** Of the image's file; null for a tree. */
  fileBytes: number | null;
  distribution: Distribution | null;
  architecture: string | null;
  kernels: string[];
  /** Null for an image without dpkg. */
  packages: InstalledPackage[] | null;
  /** What their maintainers say that they take. */
  installedBytes: number;
  files: number;
  allocatedBytes: number;
  /** What no package has brought. */
  unpackaged: { files: number; allocatedBytes: number };
  /** The root and two levels below it, largest first. */
  directories: DirectorySize[];
  /** Null where it is not known, with the reason. */
  elements: ElementShare[] | null;
  elementsUnknown?: string;
  provenance: Provenance;
  record: ImageRecord | null;
  skipped: string[];
}

export interface DescribeOptions {
  /** What the builder has kept of this image. */
  record?: ImageRecord;
  /** Where elements are looked for. */
  elementsPath: string[];
  /** Called with every file, in order, and the package that has brought it. */
  onFile?: (file: FileEntry, owner: string | undefined) => void;
}

/** Reads what is in an image. Each file is looked at once, and none but those of dpkg and of /etc is read. */
export async function describeImage(contents: ImageContents, options: DescribeOptions): Promise<ImageDescription> {
  const { root, image, format, fileBytes, skipped } = contents;
  const packages = installedPackages(root);
  const owners = fileOwners(root, packages ?? []);
  const directories = sumDirectories(2);
  const unpackaged = { files: 0, allocatedBytes: 0 };
  const counted = new Set<string>();
  for (const file of walkFiles(contents)) {
    // A directory belongs to many.
    const owner = file.type === 'directory' ? undefined : owners.get(file.path);
    options.onFile?.(file, owner);
    directories.add(file);
    if (owner !== undefined || file.type === 'directory' || counted.has(file.sharedInode ?? '')) continue;
    if (file.sharedInode !== undefined) counted.add(file.sharedInode);
    unpackaged.files++;
    unpackaged.allocatedBytes += file.allocated;
  }
  const sizes = directories.largestFirst();
  const whole = sizes.find(({ path }) => path === '/');
  const distribution = readDistribution(root);
  const architecture = architectureOf(packages);
  const provenance = readProvenance(root);
  const names = options.record?.elements ?? provenance.elements;
  const shares = await sharesOf({ packages, names, distribution, architecture, root }, options.elementsPath);
  return {
    image,
    format,
    fileBytes: fileBytes ?? null,
    distribution: distribution ?? null,
    architecture: architecture ?? null,
    kernels: listInside(root, '/lib/modules'),
    packages: packages ?? null,
    installedBytes: (packages ?? []).reduce((sum, found) => sum + found.installedBytes, 0),
    files: whole?.files ?? 0,
    allocatedBytes: whole?.allocatedBytes ?? 0,
    unpackaged,
    directories: sizes.map((size) => ({ ...size, path: readableName(size.path) })),
    ...(typeof shares === 'string' ? { elements: null, elementsUnknown: shares } : { elements: shares }),
    provenance,
    record: options.record ?? null,
    skipped,
  };
}

/** Debian's name of the architecture, which is that of dpkg itself. */
export function architectureOf(packages: InstalledPackage[] | undefined): string | undefined {
  return packages?.find(({ name }) => name === 'dpkg')?.architecture;
}

function fileOwners(root: string, packages: InstalledPackage[]): Map<string, string> {
  const listed = listedPath(root);
  const owners = new Map<string, string>();
  for (const found of packages) {
    for (const path of packagePaths(root, found)) owners.set(listed(path), found.name);
  }
  return owners;
}

interface ShareInputs {
  packages: InstalledPackage[] | undefined;
  names: string[] | undefined;
  distribution: Distribution | undefined;
  architecture: string | undefined;
  root: string;
}

async function sharesOf(inputs: ShareInputs, elementsPath: string[]): Promise<ElementShare[] | string> {
  const { packages, names, distribution, architecture, root } = inputs;
  if (!packages) return 'the image has no dpkg';
  if (!names) return 'neither the image nor a record beside it names its elements';
  return elementShares(packages, names, {
    elementsPath,
    environment: imageVariables(root),
    arch: architecture ?? hostArchitecture(),
    distribution: { name: distribution?.id ?? '', release: distribution?.codename ?? '' },
  });
}
