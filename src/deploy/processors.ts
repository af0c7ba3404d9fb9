import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { run } from '../base/command.js';
import { type Processor, type ProcessorContext, splitList } from './parameter.js';

/** What packstack's generated files have where a password is still to be made. */
export const PASSWORD_PLACEHOLDER = 'PW_PLACEHOLDER';

/** 16 random hexadecimal characters: 64 bits that no configuration file needs to quote. */
export function randomPassword(): string {
  return randomBytes(8).toString('hex');
}

/** The placeholder becomes CONFIG_DEFAULT_PASSWORD, else 16 random hexadecimal characters. */
export const password: Processor = (value, { known }) => {
  if (value !== PASSWORD_PLACEHOLDER) return { value };
  const chosen = known.get('CONFIG_DEFAULT_PASSWORD');
  return { value: chosen === '' ? randomPassword() : chosen, generated: true };
};

/** The placeholder becomes 32 random hexadecimal characters, never the default password: for keys that sign or encrypt. */
export const randomKey: Processor = (value) =>
  value === PASSWORD_PLACEHOLDER ? { value: randomBytes(16).toString('hex'), generated: true } : { value };

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

/** Packstack's files have a fact of puppet where a host is to decide for itself: it becomes `auto`. */
export const factIsAuto: Processor = (value) => (/^%\{::\w+\}$/.test(value) ? { value: 'auto' } : { value });

/** `y` becomes `True` and `n` becomes `False`, for programs in Python. */
export const pythonBoolean: Processor = (value, context) => {
  const { value: answer } = yesOrNo(value, context) as { value: string };
  if (answer === 'y') return { value: 'True' };
  return { value: answer === 'n' ? 'False' : value };
};

/** A host name becomes the address that this machine resolves it to; an address stays. */
export const hostAddress: Processor = async (value) => {
  if (value === '' || isIP(value)) return { value };
  try {
    const { address } = await lookup(value);
    return { value: address, message: `${value} has the address ${address}` };
  } catch {
    return { value, problem: 'has no address that this machine knows' };
  }
};

/**
 * Hosts by address, by name, or by a query on the inventory: `role=compute` becomes the names of the machines that
 * were installed with that role. Other properties are `profile`, `state` and `name`.
 */
export const hosts: Processor = async (value, context) => {
  const names: string[] = [];
  const found: string[] = [];
  for (const entry of splitList(value)) {
    const query = /^([a-z]+)=(.+)$/.exec(entry);
    if (!query) {
      names.push(entry);
      continue;
    }
    const machines = await findMachines(context, query[1] ?? '', query[2] ?? '');
    if (typeof machines === 'string') return { value, problem: machines };
    names.push(...machines);
    found.push(`${entry} is ${machines.join(',')}`);
  }
  const all = [...new Set(names)].join(',');
  // What was no query stays as it was written.
  return found.length === 0 ? { value } : { value: all, message: found.join('; ') };
};

/** As `hosts`, for one host: a query must name exactly one. */
export const host: Processor = async (value, context) => {
  const processed = await hosts(value, context);
  const names = splitList(processed.value);
  if (processed.message === undefined || names.length < 2) return processed;
  return { value, problem: `names ${names.length} machines (${names.join(', ')}), and one is needed` };
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

/** The names of the machines, or why there are none. */
async function findMachines(context: ProcessorContext, property: string, wanted: string): Promise<string[] | string> {
  if (!context.findMachines) return 'is a query, and there is no inventory to ask';
  const names = await context.findMachines(property, wanted);
  return names.length > 0 ? names : `names no installed machine: no ${property} is ${wanted}`;
}
