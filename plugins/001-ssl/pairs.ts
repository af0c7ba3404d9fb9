import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Configuration } from '../../src/deploy/parameter.js';
import type { Page } from './parameters.js';

/** What is wrong with the certificate and key that a user gives for a page; with none of them, nothing. */
export function pairProblem(page: Page, known: Configuration): string | undefined {
  const { certificate, key, chain } = page;
  const has = (name: string | undefined) => name !== undefined && known.get(name) !== '';
  if (!has(certificate) && !has(key)) return has(chain) ? `${chain} needs ${certificate} and ${key}` : undefined;
  if (!has(key)) return `${certificate} needs ${key}`;
  if (!has(certificate)) return `${key} needs ${certificate}`;
  let found: X509Certificate;
  try {
    found = new X509Certificate(readFileSync(known.get(certificate)));
  } catch {
    return `${certificate}: ${known.get(certificate)} has no certificate in PEM`;
  }
  if (Date.parse(found.validTo) < Date.now()) return `${certificate}: the certificate has expired on ${found.validTo}`;
  try {
    if (found.checkPrivateKey(createPrivateKey(readFileSync(known.get(key))))) return undefined;
  } catch {
    return `${key}: ${known.get(key)} has no key in PEM that needs no password`;
  }
  return `${key}: the key is not that of ${certificate}`;
}
