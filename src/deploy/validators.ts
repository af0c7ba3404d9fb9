import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { connect, isIP, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { hasCode } from '../base/errors.js';
import { splitList, type Validator } from './parameter.js';

const SSH_PORT = 22;

export const notEmpty: Validator = (value) => (value === '' ? 'must not be empty' : undefined);

export const integer: Validator = (value) => (/^-?\d+$/.test(value) ? undefined : 'is not a whole number');

export const float: Validator = (value) => (/^-?\d+(\.\d+)?$/.test(value) ? undefined : 'is not a number');

/** The whole value, and not a part of it, must match. */
export function matches(pattern: RegExp, what: string): Validator {
  const whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace('g', ''));
  return (value) => (whole.test(value) ? undefined : `is not ${what}`);
}

/** 0 to 65535. */
export const port: Validator = (value) =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? undefined : 'is not a port: a number from 0 to 65535';

export const address: Validator = (value) => (isIP(value) ? undefined : 'is not an IP address');

export const ipv4: Validator = (value) => (isIPv4(value) ? undefined : 'is not an IPv4 address');

export const ipv6: Validator = (value) => (isIPv6(value) ? undefined : 'is not an IPv6 address');

/** `ADDRESS/BITS` */
export const cidr: Validator = (value) => (ipaddr.isValidCIDR(value) ? undefined : 'is not a network, ADDRESS/BITS');

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

/** `HOST:/path`, as an NFS server exports it; an IPv6 address stands in brackets. */
export const exportPath = matches(/(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):\/\S*/, 'an NFS export, HOST:/path');

/** A file of this machine, from which the deployment is made. */
export const fileExists: Validator = async (value) =>
  (await isReadableFile(value)) ? undefined : 'is not a file of this machine';

/** A directory of this machine that may be written to. */
export const writableDirectory: Validator = async (value) => {
  try {
    await access(value, constants.W_OK);
    return (await stat(value)).isDirectory() ? undefined : 'is not a directory';
  } catch {
    return 'is not a directory of this machine that can be written to';
  }
};

/** There is a machine: it takes a TCP connection, or refuses it itself. */
export const reachable: Validator = async (value, known) => {
  const problem = await hostName(value, known);
  if (problem) return problem;
  const outcome = await tryConnection(value, SSH_PORT);
  return outcome === 'silent' ? 'does not answer' : undefined;
};

/** Something listens on a TCP port: that of ssh unless told. */
export function listens(tcpPort = SSH_PORT): Validator {
  return async (value, known) => {
    const problem = await hostName(value, known);
    if (problem) return problem;
    const outcome = await tryConnection(value, tcpPort);
    return outcome === 'taken' ? undefined : `does not listen on port ${tcpPort}`;
  };
}

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

/** A file with OpenPGP keys as apt reads them from a file `.asc`. */
export const publicKeys: Validator = async (value) => {
  const text = await readFile(value, 'utf8').catch(() => undefined);
  if (text === undefined) return 'is not a file of this machine';
  return text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----') ? undefined : 'has no OpenPGP public keys as text';
};

const CONNECT_SECONDS = 5;

async function isReadableFile(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** `refused` comes from the machine itself; `silent` also stands for a name without an address. */
async function tryConnection(host: string, tcpPort: number): Promise<'taken' | 'refused' | 'silent'> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port: tcpPort, timeout: CONNECT_SECONDS * 1000 });
    const end = (outcome: 'taken' | 'refused' | 'silent') => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('connect', () => end('taken'));
    socket.once('timeout', () => end('silent'));
    socket.once('error', (error) => end(hasCode(error, 'ECONNREFUSED') ? 'refused' : 'silent'));
  });
}
