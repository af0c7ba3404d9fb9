import packageFile from '../../../package.json' with { type: 'json' };
import { uuidFrom } from '../reproducible.js';
import type { BillOfMaterials, ListedPackage, ListedSource } from './bill-of-materials.js';
import { order } from './dpkg.js';

const image = 'SPDXRef-Image';
const unknown = 'NOASSERTION';

/** A bill of materials as SPDX 2.3 in JSON (https://spdx.github.io/spdx-spec/v2.3/). */
export function spdx(bill: BillOfMaterials): string {
  const { name, packages, gitSources, created } = bill;
  const content = {
    name,
    creationInfo: { created, creators: [`Tool: stackwright-${packageFile.version}`] },
    packages: [imagePackage(bill), ...packages.map(debianPackage), ...gitSources.map(sourcePackage)],
    hasExtractedLicensingInfos: extractedLicences(packages),
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', image),
      ...packages.map((found) => relationship(image, 'CONTAINS', packageId(found))),
      ...gitSources.map((source) => relationship(image, 'CONTAINS', sourceId(source))),
      ...packages.flatMap((found) =>
        found.needs.map((needed) => relationship(packageId(found), 'DEPENDS_ON', packageId(needed))),
      ),
    ],
  };
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    // A namespace must be unique and need not lead anywhere; this is the form that SPDX recommends.
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(name)}-${uuidFrom(JSON.stringify(content))}`,
    ...content,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function imagePackage({ name, identity, distribution }: BillOfMaterials) {
  return {
    ...described(image, name),
    ...(identity ? { versionInfo: identity } : {}),
    ...(distribution ? { summary: distribution.name } : {}),
    primaryPackagePurpose: 'OPERATING_SYSTEM',
    licenseDeclared: unknown,
  };
}

function debianPackage(found: ListedPackage) {
  const { name, version, maintainer, homepage, summary, source, licences, purl } = found;
  return {
    ...described(packageId(found), name),
    versionInfo: version,
    ...(maintainer ? { supplier: agent(maintainer) } : {}),
    ...(homepage ? { homepage } : {}),
    ...(summary ? { summary } : {}),
    sourceInfo: `built from the Debian source package ${source.name} ${source.version}`,
    licenseDeclared: licences?.expression ?? unknown,
    externalRefs: [packageUrl(purl)],
  };
}

function sourcePackage(source: ListedSource) {
  const { name, path, location, commit, purl } = source;
  return {
    ...described(sourceId(source), name),
    versionInfo: commit,
    downloadLocation: /^(https?|ssh|git):\/\//.test(location) ? `git+${location}@${commit}` : unknown,
    primaryPackagePurpose: 'SOURCE',
    sourceInfo: `a git checkout in ${path}`,
    licenseDeclared: unknown,
    externalRefs: [packageUrl(purl)],
  };
}

/** What every package has. Nobody has looked at the files' licences, so none is concluded. */
function described(id: string, name: string) {
  return {
    SPDXID: id,
    name,
    downloadLocation: unknown,
    filesAnalyzed: false,
    licenseConcluded: unknown,
    copyrightText: unknown,
  };
}

function packageUrl(locator: string) {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator };
}

/** `NAME <ADDRESS>`; a list or a team is an organization, and SPDX knows no third kind. */
function agent(maintainer: string): string {
  const [, name = maintainer, address] = /^(.*?)\s*<(.*)>$/.exec(maintainer) ?? [];
  const team = /\b(team|maintainers?|developers|group|project|list)\b|lists\.|@(packages|tracker)\./i.test(maintainer);
  return `${team ? 'Organization' : 'Person'}: ${name.replaceAll('"', '')}${address ? ` (${address})` : ''}`;
}

function extractedLicences(packages: ListedPackage[]) {
  const references = new Map(
    packages.flatMap(({ licences }) => (licences?.references ?? []).map((reference) => [reference.id, reference])),
  );
  return [...references.values()]
    .sort((a, b) => order(a.id, b.id))
    .map(({ id, name, text }) => ({ licenseId: id, name, extractedText: text }));
}

function packageId({ name, architecture }: ListedPackage): string {
  return identifier('Package', name, architecture);
}

function sourceId({ name, path }: ListedSource): string {
  return identifier('Git', name, path);
}

/** Only letters, digits, `.` and `-` are allowed; another character is its number, so that names stay different. */
function identifier(...words: string[]): string {
  const escaped = words.map((word) =>
    word.replaceAll(/[^A-Za-z0-9.-]/g, (character) => `.${character.codePointAt(0)?.toString(16)}.`),
  );
  return `SPDXRef-${escaped.join('-')}`;
}

function relationship(from: string, kind: string, to: string) {
  return { spdxElementId: from, relationshipType: kind, relatedSpdxElement: to };
}
