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

test('no value of a drive comes out as a line, a path or a quotation of its own', () => {
  const texts = places({ metaData, networkData });
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
        const drive = replaceAt(
          { metaData, networkData },
          place,
          (value) => `${keepsValue ? value : ''}${broken}INJECTED${broken}${rest}`,
        );

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
        input.drive = { metaData: text, networkData: text, vendorData: text };

        const content = render(input).files.map((file) => file.path + file.content);

        for (const { name } of input.interfaces) expect(content.join()).toContain(name);
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

function inputOf(
  drive: { metaData: unknown; networkData: unknown },
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
    drive: { metaData: JSON.stringify(drive.metaData), networkData: JSON.stringify(drive.networkData) },
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

function replaceAt<T>(value: T, way: string[], change: (text: string) => string): T {
  const copy = structuredClone(value);
  let at = copy as Record<string, unknown>;
  for (const name of way.slice(0, -1)) at = at[name] as Record<string, unknown>;
  const last = way.at(-1) ?? '';
  at[last] = change(String(at[last]));
  if (way.includes('public_keys')) at[change(last)] = metaData.public_keys.operator;
  return copy;
}
