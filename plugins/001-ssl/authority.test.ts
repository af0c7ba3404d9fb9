import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { type Authority, certify, ensureAuthority, isGood } from './authority.js';

let directory: string;
let authority: Authority;
const names = ['ctl', 'ctl.example.org', '192.0.2.10', '2001:db8::1'];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sw-ca-'));
  authority = { certificate: join(directory, 'ca/ca.crt'), key: join(directory, 'ca/ca.key') };
});

afterEach(() => rmSync(directory, { recursive: true }));

it('makes an authority once, its key for its owner alone', async () => {
  await ensureAuthority(authority, '/O=openstack/CN=Test CA', true);
  const first = readFileSync(authority.key, 'utf8');

  await ensureAuthority(authority, '/CN=Another', true);

  expect(readFileSync(authority.key, 'utf8')).toBe(first);
  expect(statSync(authority.key).mode & 0o777).toBe(0o600);
  const { stdout } = await run('openssl', [
    'x509',
    '-in',
    authority.certificate,
    '-noout',
    '-subject',
    '-ext',
    'basicConstraints',
  ]);
  expect(stdout).toContain('O = openstack, CN = Test CA');
  expect(stdout).toContain('CA:TRUE');
});

it('makes certificates that openssl takes for every name, and only from this authority', async () => {
  await ensureAuthority(authority, '/CN=Test CA', true);
  const other = { certificate: join(directory, 'other/ca.crt'), key: join(directory, 'other/ca.key') };
  await ensureAuthority(other, '/CN=Test CA', true);

  const { certificate, key } = await certify(authority, names);

  const verify = (...words: string[]) =>
    run('openssl', ['verify', '-CAfile', authority.certificate, ...words], { input: certificate });
  await verify('-verify_hostname', 'ctl.example.org');
  await verify('-verify_ip', '2001:db8::1');
  await expect(verify('-verify_hostname', 'other.example.org')).rejects.toMatchObject({ code: 'CommandFailed' });
  const ofKey = await run('openssl', ['pkey', '-pubout'], { input: key });
  const ofCertificate = await run('openssl', ['x509', '-noout', '-pubkey'], { input: certificate });
  expect(ofCertificate.stdout).toBe(ofKey.stdout);
  const now = new Date();
  expect(await isGood(certificate, authority, names, now)).toBe(true);
  expect(await isGood(certificate, other, names, now)).toBe(false);
  expect(await isGood(certificate, authority, [...names, '192.0.2.11'], now)).toBe(false);
  expect(await isGood(certificate, authority, names, new Date(now.getTime() + 800 * 86_400_000))).toBe(false);
  expect(await isGood('', authority, names, now)).toBe(false);
});

it('makes none where that is not wanted', async () => {
  await expect(ensureAuthority(authority, '/CN=Test CA', false)).rejects.toMatchObject({
    code: 'AuthorityMissing',
    details: { value: authority.key },
  });
});
