import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { stateDirectory } from '../../base/state.js';
import { type BillOptions, billOfMaterials } from './bill-of-materials.js';
import { readLicences } from './licences.js';
import { openImage } from './open.js';
import { makeSmallTree } from './small-image.fixture.js';

let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-bill-'));
  makeSmallTree(join(work, 'image'));
});

afterEach(() => rmSync(work, { recursive: true }));

async function bill(format: string, options: BillOptions = {}): Promise<string> {
  await using contents = await openImage(join(work, 'image'), stateDirectory(join(work, 'state')));
  return billOfMaterials(contents, format, options);
}

/** What SPDX 2.3's JSON schema demands of what we write, and nothing besides. */
const id = z.string().regex(/^SPDXRef-[A-Za-z0-9.-]+$/);
const externalReference = z.strictObject({
  referenceCategory: z.literal('PACKAGE-MANAGER'),
  referenceType: z.literal('purl'),
  referenceLocator: z.string().regex(/^pkg:\S+$/),
});
const spdxPackage = z.strictObject({
  SPDXID: id,
  name: z.string(),
  downloadLocation: z.string(),
  filesAnalyzed: z.literal(false),
  licenseConcluded: z.literal('NOASSERTION'),
  licenseDeclared: z.string(),
  copyrightText: z.literal('NOASSERTION'),
  versionInfo: z.string().optional(),
  summary: z.string().optional(),
  homepage: z.string().optional(),
  sourceInfo: z.string().optional(),
  supplier: z
    .string()
    .regex(/^(Person|Organization): /)
    .optional(),
  primaryPackagePurpose: z.enum(['OPERATING_SYSTEM', 'SOURCE']).optional(),
  externalRefs: z.array(externalReference).optional(),
});
const spdxDocument = z.strictObject({
  spdxVersion: z.literal('SPDX-2.3'),
  dataLicense: z.literal('CC0-1.0'),
  SPDXID: z.literal('SPDXRef-DOCUMENT'),
  documentNamespace: z.url(),
  name: z.string(),
  creationInfo: z.strictObject({
    created: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    creators: z.array(z.string().regex(/^Tool: /)).min(1),
  }),
  packages: z.array(spdxPackage),
  hasExtractedLicensingInfos: z.array(
    z.strictObject({
      licenseId: z.string().regex(/^LicenseRef-[A-Za-z0-9.-]+$/),
      name: z.string(),
      extractedText: z.string(),
    }),
  ),
  relationships: z.array(
    z.strictObject({
      spdxElementId: id,
      relationshipType: z.enum(['DESCRIBES', 'CONTAINS', 'DEPENDS_ON']),
      relatedSpdxElement: id,
    }),
  ),
});

it.each(['spdx', 'cyclonedx'])('writes %s as expected, twice the same', async (format) => {
  const options = { record: { identity: 'abc', elements: ['web'] }, sourceDateEpoch: 1_800_000_000 };

  const text = await bill(format, options);

  expect(await bill(format, options)).toBe(text);
  const version = /"version": "(.*)"/.exec(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  )?.[1];
  await expect(
    text.replaceAll(`${version}"`, 'VERSION"').replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID'),
  ).toMatchFileSnapshot(`golden/small.${format}.golden`);
});

it('writes SPDX that its schema allows, in which everything that is named is there', async () => {
  const document = spdxDocument.parse(JSON.parse(await bill('spdx')));

  const ids = [document.SPDXID, ...document.packages.map(({ SPDXID }) => SPDXID)];
  const named = document.relationships.flatMap(({ spdxElementId, relatedSpdxElement }) => [
    spdxElementId,
    relatedSpdxElement,
  ]);
  expect(new Set(ids).size).toBe(ids.length);
  expect(named.filter((name) => !ids.includes(name as (typeof ids)[number]))).toEqual([]);
  const references = document.packages.flatMap(
    ({ licenseDeclared }) => licenseDeclared.match(/LicenseRef-[\w.-]+/g) ?? [],
  );
  expect([...new Set(references)].sort()).toEqual(
    document.hasExtractedLicensingInfos.map(({ licenseId }) => licenseId),
  );
  // Without SOURCE_DATE_EPOCH the time is that of dpkg's status.
  expect(document.creationInfo.created).toBe('2023-11-14T22:13:20Z');
});

it('writes CycloneDX that its schema allows', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Spec1dot5.version);

  expect(await validator.validate(await bill('cyclonedx'))).toBeNull();
});

it('refuses another format, and an image without packages', async () => {
  await expect(bill('xml')).rejects.toMatchObject({ code: 'BillFormatUnknown', details: { exitStatus: 2 } });
  rmSync(join(work, 'image/var/lib/dpkg'), { recursive: true });
  await expect(bill('spdx')).rejects.toMatchObject({ code: 'ImageWithoutPackages' });
});

it.each([
  ['GPL-2+', 'GPL-2.0-or-later'],
  ['LGPL-2.1', 'LGPL-2.1-only'],
  ['GFDL-NIV-1.3+', 'GFDL-1.3-no-invariants-or-later'],
  ['Expat', 'MIT'],
  ['BSD-3-clause', 'BSD-3-Clause'],
  ['Apache-2', 'Apache-2.0'],
  ['MPL-1.1+', 'MPL-1.1+'],
  ['GPL-1+ or Artistic', 'GPL-1.0-or-later OR Artistic-1.0-Perl'],
  ['GPL-2 or MIT and Zlib', 'GPL-2.0-only OR (MIT AND Zlib)'],
  ['GPL-2 or MIT, and Zlib', '(GPL-2.0-only OR MIT) AND Zlib'],
])('reads the licence %s as %s', (name, expression) => {
  const format = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/';

  const licences = readLicences(`${format}\n\nFiles: *\nLicense: ${name}\n`);

  expect(licences).toEqual({ expression, references: [] });
});

it('takes no licence from a copyright file of another form', () => {
  expect(readLicences('It may be copied under the GPL.\n\nLicense: GPL-2\n')).toBeUndefined();
});
