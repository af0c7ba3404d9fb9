import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { splitList, type Validator } from './parameter.js';

export const notEmpty: Validator = (value) => (value === '' ? 'must not be empty' : undefined);

export const integer: Validator = (value) => (/^-?\d+$/.test(value) ? undefined : 'is not a whole number');

/** A name by RFC 1123, an address, or an alias of ssh_config. */
export const hostName: Validator = (value) =>
  isIP(value) || /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(value)
    ? undefined
    : 'is not a host name or address';

/** As memcached takes it: megabytes, or a share of the host's memory. */
export const memorySize: Validator = (value) =>
  /^[1-9]\d*$/.test(value) || /^([1-9]\d?|100)%$/.test(value)
    ? undefined
    : 'is neither a number of megabytes nor a percentage';

/** Applies a validator to every entry of a comma-separated list; an empty list is right. */
export function each(validator: Validator): Validator {
  return async (value, known) => {
    for (const entry of splitList(value)) {
      const problem = await validator(entry, known);
      if (problem) return `has the entry ${entry}, which ${problem}`;
    }
    return undefined;
  };
}

/** The path of a public key; a private key in its place would be sent to every host. */
export const sshPublicKey: Validator = async (value) => {
  const text = await readFile(value, 'utf8').catch(() => undefined);
  if (text === undefined) return 'is not a file of this machine';
  if (text.includes('PRIVATE KEY')) return 'is a private key; give the .pub file beside it';
  return /^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+/.test(text) ? undefined : 'is not an SSH public key';
};
