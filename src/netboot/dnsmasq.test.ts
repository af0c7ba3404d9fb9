import { expect, it } from 'vitest';
import { type NetbootNetwork, renderDnsmasqConfiguration } from './dnsmasq.js';

const network: NetbootNetwork = {
  interface: 'rack',
  address: '10.77.0.1',
  netmask: '255.255.255.0',
  range: ['10.77.0.100', '10.77.0.199'],
  httpPort: 8080,
  tftpRoot: '/srv/tftp',
  leaseFile: '/run/leases',
  pidFile: '/run/dnsmasq.pid',
  ipv6Prefix: 'fd77::',
};

it('gives machines an address, iPXE its script, and firmware without iPXE the right iPXE', async () => {
  await expect(renderDnsmasqConfiguration(network)).toMatchFileSnapshot('golden/dnsmasq.conf');
});

it.each(['/srv/tf tp', '/srv/tftp\ndhcp-script=/bin/sh', '/srv#x'])(
  'refuses the value %j, which would break out of its line',
  (tftpRoot) => {
    expect(() => renderDnsmasqConfiguration({ ...network, tftpRoot })).toThrow(/cannot stand in a configuration/);
  },
);
