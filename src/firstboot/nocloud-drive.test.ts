import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { run } from '../base/command.js';
import { type DriveFormat, writeDrive } from './drive-image.js';
import { checkDriveYaml, type NoCloudContent, renderNoCloudDrive } from './nocloud-drive.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh8 operator@control';
const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh9 other@control';
const networkConfig = `version: 2
ethernets:
  enp1s0: {dhcp4: true}
  all: {match: {name: "en*s?"}, dhcp4: true, wakeonlan: true}
`;

test('a name, keys and files become a drive, and what is for cloud-init alone is named', () => {
  const vendorData = '#cloud-config\n{}\n';

  const { files, unread } = renderNoCloudDrive({ hostName: 'web', keys: { operator: key }, networkConfig, vendorData });

  expect(files).toEqual({
    'meta-data': `local-hostname: web\ninstance-id: web\npublic-keys:\n  operator: ${key}\n`,
    'network-config': networkConfig,
    'user-data': '',
    'vendor-data': vendorData,
  });
  expect(unread).toEqual(['network-config: all: wakeonlan is not read']);
});

test.each([
  ['a list', `public-keys: [${other}]\n`, [other, key]],
  ['a text', `public-keys: |\n  ${other}\n`, [other, key]],
  ['a mapping', `public-keys: {other: ${other}}\n`, { other, operator: key }],
  ['nothing', 'public-keys:\n', { operator: key }],
])('keys are added to those of meta-data, which are %s', (_kind, publicKeys, expected) => {
  const metaData = `# mine\ninstance-id: i-1\nlocal-hostname: web\n${publicKeys}`;

  const { files } = renderNoCloudDrive({ metaData, keys: { operator: key } });

  expect(files['meta-data']).toMatch(/^# mine\n/);
  expect(parse(files['meta-data'] ?? '')).toEqual({
    'instance-id': 'i-1',
    'local-hostname': 'web',
    'public-keys': expected,
  });
});

test.each<[string, NoCloudContent, string]>([
  ['a name', { hostName: 'bad name' }, 'the host name is refused: bad name'],
  ['a key', { keys: { operator: 'none' } }, 'key operator is refused: it is not an SSH public key: none'],
  [
    'an address',
    {
      networkConfig: 'version: 1\nconfig: [{type: physical, name: eth0, subnets: [{type: static, address: 1.2.3}]}]\n',
    },
    'network 000.eth0: not an ipv4 address with a netmask: 1.2.3 ',
  ],
  [
    'a member of a bond',
    { networkConfig: 'version: 2\nbonds:\n  bond0: {interfaces: [eth7], dhcp4: true}\n' },
    'bond bond0: its member eth7 is no free physical link',
  ],
  ['a version', { networkConfig: 'version: 3\n' }, 'its version is not 1 or 2: 3'],
])('%s that a first boot would refuse is refused', (_kind, content, why) => {
  expect(() => renderNoCloudDrive(content)).toThrowError(
    expect.objectContaining({
      code: 'ConfigDriveRefused',
      details: expect.objectContaining({ value: expect.stringContaining(why) }),
    }),
  );
});

test.each([
  ['a: b\nc: [d\n', 3, 6],
  ['- a\n', 1, 1],
])('%j is no file for a drive', (text, line, column) => {
  expect(() => checkDriveYaml(text, 'given')).toThrowError(
    expect.objectContaining({
      code: 'ConfigDriveUnreadable',
      details: expect.objectContaining({ file: 'given', line, column }),
    }),
  );
});

test.each<[DriveFormat, string]>([
  ['iso9660', 'cidata\niso9660\n'],
  ['vfat', 'CIDATA\nvfat\n'],
])('a drive of %s has the label and the files', async (format, expected) => {
  const directory = mkdtempSync(join(tmpdir(), 'nocloud-drive-'));
  try {
    const output = join(directory, 'drive');
    const { files } = renderNoCloudDrive({ hostName: 'web', networkConfig });

    await writeDrive(files, output, format);

    const probe = await run('blkid', ['-p', '-o', 'value', '-s', 'LABEL', '-s', 'TYPE', output]);
    expect(probe.stdout).toBe(expected);
    const read =
      format === 'vfat'
        ? ['mtype', '-i', output, '::network-config']
        : ['isoinfo', '-i', output, '-J', '-x', '/network-config'];
    expect((await run(read[0] ?? '', read.slice(1))).stdout).toBe(networkConfig);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
