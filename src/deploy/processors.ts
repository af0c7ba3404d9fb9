import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { run } from '../base/command.js';
import type { Processor } from './parameter.js';

/** What packstack's generated files have where a password is still to be made. */
export const PASSWORD_PLACEHOLDER = 'PW_PLACEHOLDER';

/** The placeholder becomes CONFIG_DEFAULT_PASSWORD, else 16 random hexadecimal characters. */
export const password: Processor = (value, { known }) => {
  if (value !== PASSWORD_PLACEHOLDER) return { value };
  const chosen = known.get('CONFIG_DEFAULT_PASSWORD');
  return { value: chosen === '' ? randomBytes(8).toString('hex') : chosen };
};

/** `10.1.2.3/24` becomes `10.1.2.0/24`. */
export const network: Processor = (value) => {
  if (!ipaddr.isValidCIDR(value)) return { value };
  const [, bits] = ipaddr.parseCIDR(value);
  const isFour = ipaddr.IPv4.isValidCIDR(value);
  const first = isFour ? ipaddr.IPv4.networkAddressFromCIDR(value) : ipaddr.IPv6.networkAddressFromCIDR(value);
  const normal = `${first}/${bits}`;
  return normal === value ? { value } : { value: normal, message: `${value} is the network ${normal}` };
};

/** `Y`, `yes` and `true` become `y`, and so for `n`. */
export const yesOrNo: Processor = (value) => {
  if (/^(y|yes|true|1)$/i.test(value)) return { value: 'y' };
  if (/^(n|no|false|0)$/i.test(value)) return { value: 'n' };
  return { value };
};

/** Empty becomes the user's default public key, made where there is none. `~/` is the user's home. */
export const sshKey: Processor = async (value, { mayCreate }) => {
  if (value.startsWith('~/')) return { value: join(homedir(), value.slice(2)) };
  if (value !== '') return { value };
  const directory = join(homedir(), '.ssh');
  for (const name of ['id_ed25519.pub', 'id_ecdsa.pub', 'id_rsa.pub']) {
    if (existsSync(join(directory, name))) return { value: join(directory, name) };
  }
  const path = join(directory, 'id_ed25519');
  if (!mayCreate) return { value: '', message: `there is no key in ${directory}; a deployment makes ${path}` };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  return { value: `${path}.pub`, message: `there was no key in ${directory}: made ${path}` };
};
