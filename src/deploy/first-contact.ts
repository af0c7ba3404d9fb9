import { existsSync } from 'node:fs';
import { StackwrightError } from '../base/errors.js';
import { acceptHostKeys, fingerprint, type StrangeHost, strangeHosts } from '../base/host-keys.js';
import type { SshHost } from '../base/ssh.js';
import type { StateDirectory } from '../base/state.js';

/** How keys of hosts that were never met become known. */
export interface FirstContact {
  /** A file in the form of `known_hosts`: what it says of hosts is believed. */
  hostKeys?: string;
  /** Asks a person whether these hosts are who they should be; without it nobody is believed. */
  confirm?: (question: string) => Promise<boolean>;
}

/**
 * Before anything is deployed: keys of hosts that are not known yet are taken from a file, or shown to a person, and are
 * pinned in the state directory then. A host that does not answer is passed over: the run waits for it and tells.
 * @throws StackwrightError `HostKeysUnknown`, `HostKeysMissing`
 */
export async function meetHosts(
  state: StateDirectory,
  hosts: SshHost[],
  { hostKeys, confirm }: FirstContact,
): Promise<void> {
  if (hostKeys !== undefined && !existsSync(hostKeys)) {
    throw new StackwrightError('HostKeysMissing', `there is no file of host keys ${hostKeys}`, {
      file: hostKeys,
      value: hostKeys,
      hint: 'name a file in the form of known_hosts, such as ssh-keyscan writes on the network of the hosts',
    });
  }
  const strange = await strangeHosts(state, hosts, hostKeys);
  const asked = strange.filter(({ isTold, keys }) => !isTold && keys.length > 0);
  if (asked.length > 0 && !(await confirm?.(question(asked)))) {
    const names = asked.map(({ name }) => name).join(' ');
    throw new StackwrightError('HostKeysUnknown', `the host keys of ${names} are not known`, {
      value: names,
      hint: `${asked.map(line).join('\n')}\ngive those that are right with --host-keys FILE, in the form of known_hosts`,
    });
  }
  await acceptHostKeys(state, strange);
}

function question(hosts: StrangeHost[]): string {
  return `The host keys of these are not known:\n${hosts.map(line).join('\n')}\nAre they right?`;
}

function line({ name, entry, keys }: StrangeHost): string {
  return `${name}${entry === name ? '' : ` (${entry})`}: ${keys.map(fingerprint).join(', ')}`;
}
