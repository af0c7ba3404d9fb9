import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import packageFile from '../../../package.json' with { type: 'json' };
import { uuidFrom } from '../reproducible.js';
import type { BillOfMaterials, ListedPackage, ListedSource } from './bill-of-materials.js';

/** A bill of materials as CycloneDX 1.5 in JSON (https://cyclonedx.org/docs/1.5/json/). */
export function cycloneDx(bill: BillOfMaterials): string {
  const document = new Models.Bom();
  const components = new Map(bill.packages.map((found) => [found, debianComponent(found)]));
  const image = new Models.Component(Enums.ComponentType.OperatingSystem, bill.name, {
    bomRef: 'image',
    version: bill.identity,
    description: bill.distribution?.name,
  });
  for (const [found, component] of components) {
    document.components.add(component);
    image.dependencies.add(component.bomRef);
    for (const needed of found.needs) {
      const dependency = components.get(needed);
      if (dependency) component.dependencies.add(dependency.bomRef);
    }
  }
  for (const source of bill.gitSources) {
    const component = sourceComponent(source);
    document.components.add(component);
    image.dependencies.add(component.bomRef);
  }
  document.metadata.component = image;
  document.metadata.timestamp = new Date(bill.created);
  const tool = new Models.Component(Enums.ComponentType.Application, packageFile.name, {
    version: packageFile.version,
  });
  document.metadata.tools.components.add(tool);
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot5));
  const serialize = () => serializer.serialize(document, { sortLists: true, space: 2 });
  document.serialNumber = `urn:uuid:${uuidFrom(JSON.stringify(serialize()))}`;
  return `${serialize()}\n`;
}

function debianComponent(found: ListedPackage): Models.Component {
  const { name, version, summary, homepage, maintainer, purl, source } = found;
  const [, supplier = maintainer, email] = /^(.*?)\s*<(.*)>$/.exec(maintainer ?? '') ?? [];
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: purl,
    version,
    description: summary,
    purl,
    supplier: supplier === undefined ? undefined : new Models.OrganizationalEntity({ name: supplier }),
  });
  if (supplier !== undefined && email !== undefined) {
    component.supplier?.contact.add(new Models.OrganizationalContact({ name: supplier, email }));
  }
  for (const licence of licencesOf(found)) component.licenses.add(licence);
  if (homepage !== undefined) {
    const website = new Models.ExternalReference(homepage, Enums.ExternalReferenceType.Website);
    component.externalReferences.add(website);
  }
  const origin = new Models.Property('stackwright:source', `${source.name} ${source.version}`);
  component.properties.add(origin);
  return component;
}

/**
 * An expression where SPDX's list has every licence, else each by itself: an expression of CycloneDX
 * cannot bring the text of one that the list does not have.
 */
function licencesOf({ licences }: ListedPackage): Models.License[] {
  if (!licences) return [];
  const { expression, references } = licences;
  if (references.length === 0) {
    const single = /^[^ +]+$/.test(expression);
    return [single ? new Models.SpdxLicense(expression) : new Models.LicenseExpression(expression)];
  }
  const ids = new Set(expression.split(/[\s()]+/).filter((word) => word !== '' && word !== 'AND' && word !== 'OR'));
  const text = new Map(references.map((reference) => [reference.id, reference]));
  return [...ids].map((id) => {
    const reference = text.get(id);
    if (!reference) return id.endsWith('+') ? new Models.NamedLicense(id) : new Models.SpdxLicense(id);
    return new Models.NamedLicense(reference.name, { text: new Models.Attachment(reference.text) });
  });
}

function sourceComponent({ name, path, location, commit, purl }: ListedSource): Models.Component {
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: `${purl}#${path}`,
    version: commit,
    purl,
  });
  component.externalReferences.add(new Models.ExternalReference(location, Enums.ExternalReferenceType.VCS));
  component.properties.add(new Models.Property('stackwright:path', path));
  return component;
}
