import { createHash } from 'node:crypto';
import { SPDX } from '@cyclonedx/cyclonedx-library';
import { order, parseParagraphs } from './dpkg.js';

/** The licences of a package, as its `copyright` file says in a form that programs can read. */
export interface DeclaredLicences {
  /** An SPDX expression; all licences of all its files. */
  expression: string;
  /** What is named by `LicenseRef-…` in it, since SPDX's list does not have it. */
  references: LicenceReference[];
}

export interface LicenceReference {
  id: string;
  /** The name in Debian's file. */
  name: string;
  text: string;
}

/**
 * Reads a Debian `copyright` file of the machine-readable form (copyright-format 1.0, DEP-5). Names
 * become SPDX's; one that SPDX's list does not have becomes a reference with its text.
 * @returns undefined for a file of another form, or without licences
 */
export function readLicences(text: string): DeclaredLicences | undefined {
  const [head, ...paragraphs] = parseParagraphs(text);
  if (!/copyright-format|\bdep-?5\b/i.test(head?.get('format') ?? '')) return undefined;
  const texts = new Map<string, string>();
  const declared = new Set<string>();
  for (const fields of paragraphs) {
    const [name = '', ...lines] = (fields.get('license') ?? '').split('\n');
    if (name === '') continue;
    if (lines.length > 0 && !texts.has(name)) texts.set(name, plainText(lines));
    if (fields.has('files')) declared.add(name);
  }
  if (declared.size === 0) return undefined;
  const references = new Map<string, LicenceReference>();
  const refer = (name: string) => {
    const reference = licenceReference(name, texts.get(name) ?? 'see the copyright file of the package');
    references.set(reference.id, reference);
    return reference.id;
  };
  const expressions = [...new Set([...declared].map((name) => readNames(name, refer)))].sort(order);
  return {
    expression: joinParts(expressions, 'AND'),
    references: [...references.values()].sort((a, b) => order(a.id, b.id)),
  };
}

/** `and` binds closer than `or`, except that a comma before either ends what is before it. */
const separators: [separator: RegExp, operator: 'AND' | 'OR'][] = [
  [/,\s*or\s+/i, 'OR'],
  [/,\s*and\s+/i, 'AND'],
  [/\s+or\s+/i, 'OR'],
  [/\s+and\s+/i, 'AND'],
];

function readNames(names: string, refer: (name: string) => string, depth = 0): string {
  const [separator, operator] = separators[depth] ?? [];
  if (!separator || !operator) return spdxIdentifier(names.trim()) ?? refer(names.trim());
  const parts = names.split(separator).map((part) => readNames(part, refer, depth + 1));
  return joinParts([...new Set(parts)], operator);
}

function joinParts(parts: string[], operator: 'AND' | 'OR'): string {
  if (parts.length === 1) return parts[0] ?? '';
  return parts.map((part) => (part.includes(' ') ? `(${part})` : part)).join(` ${operator} `);
}

/** Names of licences that copyright-format 1.0 calls otherwise than SPDX. */
const otherNames: Record<string, string> = {
  // /usr/share/common-licenses/Artistic is the one that comes with Perl.
  artistic: 'Artistic-1.0-Perl',
  cc0: 'CC0-1.0',
  expat: 'MIT',
};

/**
 * SPDX's name for a licence as Debian names it: `GPL-2+` is `GPL-2.0-or-later`.
 * @returns undefined where the list of SPDX, or this, does not have it
 */
function spdxIdentifier(name: string): string | undefined {
  const [, family = '', invariants, major, minor = '0', later] =
    /^(A?GPL|LGPL|GFDL)-(NIV-)?(\d)(?:\.(\d))?(?:\.0)?(\+)?$/i.exec(name) ?? [];
  if (major !== undefined) {
    const without = invariants ? '-no-invariants' : '';
    return SPDX.fixupSpdxId(`${family}-${major}.${minor}${without}-${later ? 'or-later' : 'only'}`);
  }
  const plain = name.replace(/\+$/, '');
  const found = otherNames[plain.toLowerCase()] ?? SPDX.fixupSpdxId(plain) ?? SPDX.fixupSpdxId(`${plain}.0`);
  return found === undefined ? undefined : `${found}${name.endsWith('+') ? '+' : ''}`;
}

/** Several packages may name different texts alike, such as `public-domain`: so the text is in the name. */
function licenceReference(name: string, text: string): LicenceReference {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 8);
  const readable = name.replaceAll(/[^A-Za-z0-9.-]+/g, '-').replaceAll(/^-|-$/g, '');
  return { id: `LicenseRef-${readable}-${digest}`, name, text };
}

/** A line with a dot only is empty. */
function plainText(lines: string[]): string {
  return lines
    .map((line) => (line.trim() === '.' ? '' : line))
    .join('\n')
    .trim();
}
