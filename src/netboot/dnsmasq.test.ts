import { expect, it } from 'vitest';
import { type NetbootNetwork, parseNetwork, parseServer, renderDnsmasqConfiguration } from './dnsmasq.js';

const network: NetbootNetwork = {
  interfaces: ['rack'],
  address: '10.77.0.1',
  httpPort: 8080,
  networks: [{ address: '10.77.0.1', netmask: '255.255.255.0', range: ['10.77.0.100', '10.77.0.199'] }],
  tftpRoot: '/srv/tftp',
  leaseFile: '/run/leases',
  pidFile: '/run/dnsmasq.pid',
  ipv6Prefix: 'fd77::',
};

it('gives machines an address, iPXE its script, and firmware without iPXE the right iPXE', async () => {
  await expect(renderDnsmasqConfiguration(network)).toMatchFileSnapshot('golden/dnsmasq.conf');
});

it('says only what to boot where another server gives addresses', async () => {
  const networks = [{ address: '10.77.0.1', netmask: '255.255.255.0' }];

  const text = renderDnsmasqConfiguration({ ...network, networks, ipv6Prefix: undefined });

  await expect(text).toMatchFileSnapshot('golden/dnsmasq-proxy.conf');
});

it('serves several networks: on interfaces, and behind a relay', async () => {
  const networks: NetbootNetwork['networks'] = [
    ...network.networks,
    { address: '10.78.0.1', netmask: '255.255.254.0', range: ['10.78.0.50', '10.78.1.50'], gateway: '10.78.0.254' },
    { address: '10.79.0.9', netmask: '255.255.255.128' },
  ];

  const text = renderDnsmasqConfiguration({ ...network, interfaces: ['rack', 'eth1'], networks, section: 'LAB' });

  await expect(text).toMatchFileSnapshot('golden/dnsmasq-networks.conf');
});

it.each(['/srv/tf tp', '/srv/tftp\ndhcp-script=/bin/sh', '/srv#x'])(
  'refuses the value %j, which would break out of its line',
  (tftpRoot) => {
    expect(() => renderDnsmasqConfiguration({ ...network, tftpRoot })).toThrow(/cannot stand in a configuration/);
  },
);

it.each([
  [{ address: '10.0.0.1', netmask: '255.255.0.255' }, 'no netmask'],
  [{ address: '10.0.0', netmask: '255.255.255.0' }, 'no IPv4 address'],
  [
    { address: '10.0.0.1', netmask: '255.255.255.0', range: ['10.0.0.5', '10.0.1.5'] as [string, string] },
    'not in the network of 10.0.0.1',
  ],
])('refuses the network %j', (wrong, message) => {
  expect(() => renderDnsmasqConfiguration({ ...network, networks: [wrong] })).toThrow(message);
});

it('reads networks as an operator writes them', () => {
  expect(parseNetwork('10.0.0.0/23=10.0.0.100-10.0.1.99@10.0.0.254')).toEqual({
    address: '10.0.0.0',
    netmask: '255.255.254.0',
    range: ['10.0.0.100', '10.0.1.99'],
    gateway: '10.0.0.254',
  });
  expect(parseNetwork('10.0.0.0/24=proxy')).toEqual({ address: '10.0.0.0', netmask: '255.255.255.0' });
  expect(parseServer('10.0.0.1:8080')).toEqual({ server: '10.0.0.1', httpPort: 8080 });
});

it.each(['10.0.0.0/24', '10.0.0.0/31=proxy', '10.0.0.0/24=10.0.0.1', 'lan=proxy'])('refuses the network %j', (text) => {
  expect(() => parseNetwork(text)).toThrow(expect.objectContaining({ code: 'NetworkInvalid' }));
});
