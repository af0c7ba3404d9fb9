import { isIP } from 'node:net';
import { StackwrightError } from '../../src/base/errors.js';
import type { HostFacts } from '../../src/deploy/plugin.js';

/** Runs on the host, with what Debian's smallest installation has. */
export const discoverScript = `sed -n 's/^\\(ID\\|PRETTY_NAME\\|VERSION_CODENAME\\)=/os.\\1=/p' /etc/os-release
echo "uid=$(id -u)"
echo "architecture=$(dpkg --print-architecture 2>/dev/null || uname -m)"
echo "hostname=$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"
echo "kernel=$(uname -r)"
echo "processors=$(nproc)"
echo "memory=$(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)"
echo "kvm=$([ ! -e /dev/kvm ] || echo y)"
echo "ssh=\${SSH_CONNECTION:-}"
echo "addresses=$(hostname -I 2>/dev/null)"
`;

export interface Discovery {
  distribution: string;
  uid: number;
  facts: HostFacts;
}

/** @throws StackwrightError `HostUnknown` where the host does not say what it is */
export function parseDiscovery(output: string, host: string): Discovery {
  const values = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [, name, value] = /^([\w.]+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, value.trim().replace(/^"(.*)"$/, '$1'));
  }
  const get = (name: string) => values.get(name) ?? '';
  if (get('os.ID') === '') {
    throw new StackwrightError('HostUnknown', `${host} has no /etc/os-release, so its system is not known`, {
      value: host,
      hint: 'install Debian 12 on the host, or leave it out with EXCLUDE_SERVERS',
    });
  }
  return {
    distribution: get('os.ID'),
    uid: Number(get('uid')),
    facts: {
      system: get('os.PRETTY_NAME') || get('os.ID'),
      codename: get('os.VERSION_CODENAME'),
      architecture: get('architecture'),
      hostname: get('hostname'),
      kernel: get('kernel'),
      address: addressOf(host, get('ssh'), get('addresses').split(/\s+/)),
      processors: Number(get('processors')),
      memoryMegabytes: Math.floor(Number(get('memory')) / 1024),
      hasKvm: get('kvm') === 'y',
    },
  };
}

/** The address that the answers name, else the one that SSH has reached, else the host's first. */
function addressOf(host: string, ssh: string, addresses: string[]): string {
  if (isIP(host)) return host;
  // SSH_CONNECTION: client address, client port, server address, server port.
  const reached = ssh.split(' ')[2] ?? '';
  const isLoopback = reached.startsWith('127.') || reached === '::1';
  if (isIP(reached) && !isLoopback) return reached;
  return addresses.find((address) => isIP(address)) ?? '127.0.0.1';
}
