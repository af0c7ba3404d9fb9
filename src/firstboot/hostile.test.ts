import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RenderInput, Target } from './renderer/input.js';
import { render } from './renderer/render.js';

const targets: Target[] = ['ifupdown', 'networkd', 'redhat', 'suse', 'gentoo'];

/** A drive that uses every field; each text of it is replaced in turn. */
const metaData = {
  name: 'node',
  public_keys: { operator: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh8 someone' },
};
const networkData = {
  links: [
    { id: 'tap0', type: 'phy', ethernet_mac_address: '52:54:00:00:00:01' },
    { id: 'tap1', type: 'phy', ethernet_mac_address: '52:54:00:00:00:02' },
    { id: 'tap2', type: 'phy', ethernet_mac_address: '52:54:00:00:00:03' },
    {
      id: 'bond0',
      type: 'bond',
      bond_links: ['tap1', 'tap2'],
      bond_mode: '802.3ad',
      bond_miimon: '100',
      bond_lacp_rate: 'slow',
      bond_xmit_hash_policy: 'layer2',
      ethernet_mac_address: '52:54:00:00:00:02',
    },
    { id: 'vlan0', type: 'vlan', vlan_link: 'bond0', vlan_id: '27', vlan_mac_address: '52:54:00:00:00:27' },
  ],
  networks: [
    {
      id: 'n0',
      link: 'tap0',
      type: 'ipv4',
      ip_address: '192.0.2.10',
      netmask: '255.255.255.0',
      routes: [
        { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '192.0.2.1' },
        { network: '10.0.0.0', netmask: '255.0.0.0', gateway: '192.0.2.2' },
      ],
      services: [{ type: 'dns', address: '192.0.2.3' }],
    },
    {
      id: 'n1',
      link: 'vlan0',
      type: 'ipv6',
      ip_address: '2001:db8::10',
      netmask: '64',
      routes: [{ network: '::', netmask: '::', gateway: 'fe80::1' }],
    },
    { id: 'n2', link: 'bond0', type: 'ipv4_dhcp' },
  ],
  services: [{ type: 'dns', address: '192.0.2.4' }],
};

/** The same for a NoCloud drive, whose texts are YAML; JSON is YAML too. */
const cloudMetaData = { 'local-hostname': 'node', 'public-keys': metaData.public_keys };
const cloudConfig = {
  version: 1,
  config: [
    {
      type: 'physical',
      name: 'eth0',
      mac_address: '52:54:00:00:00:01',
      mtu: '1400',
      subnets: [
        {
          type: 'static',
          address: '192.0.2.10/24',
          gateway: '192.0.2.1',
          metric: '10',
          routes: [{ network: '10.0.0.0', netmask: '255.0.0.0', gateway: '192.0.2.2', metric: '20' }],
          dns_nameservers: ['192.0.2.3'],
          dns_search: ['example.com'],
        },
        { type: 'static6', address: '2001:db8::10/64' },
      ],
    },
    { type: 'physical', name: 'eth1' },
    { type: 'physical', name: 'eth2' },
    {
      type: 'bond',
      name: 'bond0',
      bond_interfaces: ['eth1', 'eth2'],
      params: { 'bond-mode': '802.3ad', 'bond-miimon': '100', 'bond-lacp-rate': 'fast' },
      subnets: [{ type: 'dhcp4' }],
    },
    { type: 'vlan', name: 'bond0.5', vlan_link: 'bond0', vlan_id: '5', subnets: [{ type: 'dhcp4', metric: '30' }] },
    { type: 'vlan', name: 'bond0.6', vlan_link: 'bond0', vlan_id: '6', mac_address: '52:54:00:00:00:06' },
    { type: 'bridge', name: 'br0', bridge_interfaces: ['bond0.6'], params: { bridge_stp: 'on', bridge_fd: '4' } },
    { type: 'nameserver', address: '192.0.2.4', search: ['example.net'] },
    { type: 'route', destination: '10.9.0.0/16', gateway: '192.0.2.7' },
  ],
};

test.each([
  ['config drive', { metaData, networkData }],
  ['NoCloud drive', { cloudMetaData, cloudConfig }],
])('no value of a %s comes out as a line, a path or a quotation of its own', (_kind, whole) => {
  const texts = places(whole);
  const breaks = fc.constantFrom(
    '\n',
    '\r',
    '\r\n',
    '"',
    "'",
    '`',
    '$(',
    ';',
    ' ',
    '\u2028',
    '\0',
    '/',
    '../',
    '#',
    '\\',
  );

  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.constantFrom(...targets),
      fc.constantFrom('glean' as const, 'corrected' as const),
      fc.boolean(),
      breaks,
      fc.string({ maxLength: 5 }),
      (place, target, dialect, keepsValue, broken, rest) => {
        const drive = replaceAt(whole, place, (value) => `${keepsValue ? value : ''}${broken}INJECTED${broken}${rest}`);

        const result = render(inputOf(drive, target, dialect));

        for (const file of result.files) {
          expect(file.path).toMatch(/^\/(?:etc|root)(?:\/[A-Za-z0-9_.@-]+)+$/);
          expect(file.path).not.toContain('..');
          for (const line of file.content.split(/[\n\r\u2028]/)) {
            // Only the comment of a key, and the comment before it, take any words.
            if (file.path.endsWith('authorized_keys'))
              expect(line).toMatch(/^(?:# Injected key .* by|ssh-ed25519 AAAA|$)/);
            else expect(line).not.toContain('INJECTED');
          }
        }
        for (const warning of result.warnings) expect(warning).toMatch(/^[ -~]*$/);
        expect(result.hostName ?? '').toMatch(/^[A-Za-z0-9.-]*$/);
      },
    ),
    { numRuns: 1000 },
  );
});

test('whatever stands in the files of a drive, every interface gets a configuration', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((text) => text.slice(0, text.length / 2)),
      ),
      fc.constantFrom(...targets),
      (text, target) => {
        const input = inputOf({ metaData: {}, networkData: {} }, target, 'corrected');
        for (const drive of [
          { metaData: text, networkData: text, vendorData: text },
          { noCloud: { metaData: text, networkConfig: text } },
        ]) {
          const content = render({ ...input, drive }).files.map((file) => file.path + file.content);

          for (const { name } of input.interfaces) expect(content.join()).toContain(name);
        }
      },
    ),
  );
});

test('a key of 16384 bits and a file of half a million characters are read, a larger one is refused', () => {
  const long = `ssh-rsa AAAA${'B'.repeat(2700)} long`;
  const input = inputOf({ metaData: { public_keys: { long } }, networkData: {} }, 'networkd', 'corrected');
  const large = { ...input, drive: { metaData: `{"name": "node", "x": "${'y'.repeat(600_000)}"}` } };

  expect(render(input).files.find((file) => file.path.endsWith('authorized_keys'))?.content).toContain(long);
  expect(render(large).warnings).toEqual(['meta_data.json is refused: it has 600025 characters, more than 500000']);
});

interface Texts {
  metaData?: unknown;
  networkData?: unknown;
  cloudMetaData?: unknown;
  cloudConfig?: unknown;
}

function inputOf(
  { metaData, networkData, cloudMetaData, cloudConfig }: Texts,
  target: Target,
  dialect: 'glean' | 'corrected',
): RenderInput {
  const interfaces = ['eth0', 'eth1', 'eth2'].map((name, at) => ({
    name,
    mac: `52:54:00:00:00:0${at + 1}`,
    addressType: '0',
    carrier: true,
  }));
  return {
    target,
    dialect,
    drive:
      cloudConfig === undefined
        ? { metaData: JSON.stringify(metaData), networkData: JSON.stringify(networkData) }
        : { noCloud: { metaData: JSON.stringify(cloudMetaData), networkConfig: JSON.stringify(cloudConfig) } },
    interfaces,
    system: { paths: [] },
    networkManager: false,
    skipDns: false,
    parts: { network: true, keys: true, hostName: true },
  };
}

/** The way to every text, and to every name of a key. */
function places(value: unknown, way: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [way];
  return Object.entries(value).flatMap(([name, each]) => places(each, [...way, name]));
}

function replaceAt<T extends object>(value: T, way: string[], change: (text: string) => string): T {
  const copy = structuredClone(value);
  let at = copy as Record<string, unknown>;
  for (const name of way.slice(0, -1)) at = at[name] as Record<string, unknown>;
  const last = way.at(-1) ?? '';
  at[last] = change(String(at[last]));
  if (way.includes('public_keys') || way.includes('public-keys')) at[change(last)] = metaData.public_keys.operator;
  return copy;
}
