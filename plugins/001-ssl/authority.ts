import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { run } from '../../src/base/command.js';
import { StackwrightError } from '../../src/base/errors.js';
import { writeFileAtomic } from '../../src/base/files.js';

/** Files of this machine. */
export interface Authority {
  certificate: string;
  key: string;
}

/** Both are PEM. */
export interface HostCertificate {
  certificate: string;
  key: string;
}

const AUTHORITY_DAYS = 3650;
const HOST_DAYS = 825;
/** One that has less time left is made anew. */
const SPARE_DAYS = 90;

/**
 * Makes a certificate authority where there is none. It needs `openssl` on this machine; no key touches a disk but its
 * own file, which is 0600.
 * @param subject in openssl's form, `/O=…/CN=…`
 * @throws StackwrightError `AuthorityMissing` where none may be made, or half of it is there
 */
export async function ensureAuthority(authority: Authority, subject: string, mayMake: boolean): Promise<void> {
  const there = [authority.certificate, authority.key].filter((path) => existsSync(path));
  if (there.length === 2) return;
  if (there.length === 1 || !mayMake) {
    const missing = there.includes(authority.key) ? authority.certificate : authority.key;
    throw new StackwrightError('AuthorityMissing', `the certificate authority has no ${missing}`, {
      value: missing,
      hint: 'put certificate and key of the authority there, or remove both and set CONFIG_SSL_CACERT_SELFSIGN=y',
    });
  }
  const use = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  const self = ['-x509', '-days', String(AUTHORITY_DAYS)];
  const { key, other: certificate } = await request([...self, '-subj', subject, ...use]);
  await mkdir(dirname(authority.key), { recursive: true, mode: 0o700 });
  await writeFileAtomic(authority.certificate, certificate, 0o644);
  await writeFileAtomic(authority.key, key, 0o600);
}

/** Why there can be no certificates of an authority, as far as this machine tells. */
export function authorityProblem({ certificate, key }: Authority, mayMake: boolean): string | undefined {
  const directories = (process.env.PATH ?? '').split(':');
  if (!directories.some((directory) => existsSync(join(directory, 'openssl')))) {
    return 'certificates are made by openssl, which this machine does not have: apt-get install openssl';
  }
  const missing = [certificate, key].filter((path) => !existsSync(path));
  if (missing.length === 2 && mayMake) return undefined;
  if (missing.length > 0) {
    const how = missing.length === 2 ? 'CONFIG_SSL_CACERT_SELFSIGN=n' : 'an authority of which one file is there';
    return `${how} needs ${missing.join(' and ')}`;
  }
  try {
    const found = new X509Certificate(readFileSync(certificate));
    if (!found.ca) return `the certificate in ${certificate} is not that of an authority`;
    if (Date.parse(found.validTo) < Date.now())
      return `the certificate in ${certificate} has expired on ${found.validTo}`;
    return undefined;
  } catch {
    return `${certificate} has no certificate in PEM`;
  }
}

/** A key and a certificate for these names and addresses. */
export async function certify(authority: Authority, names: string[]): Promise<HostCertificate> {
  const alternatives = names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join(',');
  const use = ['-addext', 'basicConstraints=CA:FALSE', '-addext', `subjectAltName=${alternatives}`];
  const subject = ['-subj', `/CN=${(names[0] ?? '').slice(0, 64)}`];
  const { key, other } = await request([...subject, ...use]);
  const by = [
    '-CA',
    authority.certificate,
    '-CAkey',
    authority.key,
    '-set_serial',
    `0x${randomBytes(16).toString('hex')}`,
  ];
  const words = ['x509', '-req', ...by, '-days', String(HOST_DAYS), '-copy_extensions', 'copy'];
  const { stdout } = await run('openssl', words, { input: other });
  return { certificate: stdout, key };
}

/** True where a host's certificate is the authority's, of these names, and good for a while. */
export async function isGood(certificate: string, authority: Authority, names: string[], now: Date): Promise<boolean> {
  try {
    const found = new X509Certificate(certificate);
    const issuer = new X509Certificate(await readFile(authority.certificate));
    const left = Date.parse(found.validTo) - now.getTime();
    const has = (name: string) => (isIP(name) ? found.checkIP(name) : found.checkHost(name)) !== undefined;
    return found.verify(issuer.publicKey) && left > SPARE_DAYS * 86_400_000 && names.every(has);
  } catch {
    // Not a certificate.
    return false;
  }
}

/** Makes a key, and by it a request, or with `-x509` a certificate. openssl prints one after the other. */
async function request(words: string[]): Promise<{ key: string; other: string }> {
  const { stdout } = await run('openssl', ['req', '-new', '-newkey', 'rsa:3072', '-noenc', '-keyout', '-', ...words]);
  const [key, other] = stdout.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----\n/g) ?? [];
  if (!key || !other) throw new Error('openssl has made no key');
  return { key, other };
}
