import { expect, it } from 'vitest';
import { parseDiscovery } from './discovery.js';

const output = `os.PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
os.VERSION_CODENAME=bookworm
os.ID=debian
uid=0
architecture=amd64
hostname=ctl
kernel=6.1.0-37-amd64
processors=2
memory=2014808
kvm=y
ssh=10.0.0.254 53012 10.0.0.1 22
addresses=192.168.1.5 10.0.0.1
`;

it('reads what a host says of itself', () => {
  expect(parseDiscovery(output, 'ctl')).toEqual({
    distribution: 'debian',
    uid: 0,
    facts: {
      system: 'Debian GNU/Linux 12 (bookworm)',
      codename: 'bookworm',
      architecture: 'amd64',
      hostname: 'ctl',
      kernel: '6.1.0-37-amd64',
      address: '10.0.0.1',
      processors: 2,
      memoryMegabytes: 1967,
      hasKvm: true,
    },
  });
});

it.each([
  ['the address that the answers name', '192.0.2.7', output, '192.0.2.7'],
  ['the first one where SSH came by loopback', 'ctl', output.replace('10.0.0.1 22', '127.0.0.1 22'), '192.168.1.5'],
])('takes %s for the address', (_what, host, text, address) => {
  expect(parseDiscovery(text, host).facts.address).toBe(address);
});

it('says that a host does not tell its system', () => {
  expect(() => parseDiscovery('uid=0\n', 'ctl')).toThrow(expect.objectContaining({ code: 'HostUnknown' }));
});
