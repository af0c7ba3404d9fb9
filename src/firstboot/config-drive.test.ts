import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../base/command.js';
import { recordToConfigDrive, renderConfigDrive } from './config-drive.js';
import { writeDrive } from './drive-image.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh8 operator@control';
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'config-drive-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('recordToConfigDrive', () => {
  test('a CMDB entry becomes the name, the keys and a static network', () => {
    const files = recordToConfigDrive({
      variables: {
        mac: '52:54:00:AA:00:01',
        ip: '10.1.2.3',
        netmask: '255.255.255.0',
        gateway: '10.1.2.1',
        dns: '10.1.2.1, 1.1.1.1',
        hostname: 'web-1',
        ssh_key: `${key}\n`,
      },
      operatorKey: key,
    });

    expect(JSON.parse(files['openstack/latest/meta_data.json'] ?? '')).toEqual({
      name: 'web-1',
      hostname: 'web-1',
      public_keys: { record: key, operator: key },
    });
    expect(JSON.parse(files['openstack/latest/network_data.json'] ?? '')).toEqual({
      links: [{ id: 'link0', type: 'phy', ethernet_mac_address: '52:54:00:aa:00:01' }],
      networks: [
        {
          id: 'network0',
          link: 'link0',
          type: 'ipv4',
          ip_address: '10.1.2.3',
          netmask: '255.255.255.0',
          routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.1.2.1' }],
        },
      ],
      services: [
        { type: 'dns', address: '10.1.2.1' },
        { type: 'dns', address: '1.1.1.1' },
      ],
    });
  });

  test('without an address the network is left to DHCP', () => {
    expect(Object.keys(recordToConfigDrive({ variables: { hostname: 'a' } }))).toEqual([
      'openstack/latest/meta_data.json',
    ]);
  });

  test.each([
    [{ ip: '10.1.2.3', netmask: '255.255.255.0' }, 'RecordIncomplete', 'mac'],
    [{ ip: '10.1.2.3', mac: '52:54:00:00:00:01' }, 'RecordIncomplete', 'netmask'],
    [{ ip: '10.1.2.333/24', mac: '52:54:00:00:00:01' }, 'RecordIncomplete', 'not an address'],
    [{ ip: '10.1.2.3/24', mac: '52:54:00:00:00:01', gateway: 'x\ny' }, 'ConfigDriveRefused', 'would refuse'],
    [{ hostname: 'bad name' }, 'ConfigDriveRefused', 'would refuse'],
    [{ ssh_key: 'none' }, 'ConfigDriveRefused', 'would refuse'],
  ])('%j is refused with %s', (variables, code, word) => {
    expect(() => recordToConfigDrive({ variables })).toThrowError(
      expect.objectContaining({ code, message: expect.stringContaining(word) }),
    );
  });
});

describe('writeDrive', () => {
  const files = renderConfigDrive({ hostName: 'web-1', keys: { operator: key }, userData: '#!/bin/sh\ntrue\n' });

  test('an iso9660 drive has the label and the files', async () => {
    const output = join(directory, 'drive.iso');

    await writeDrive(files, output, 'iso9660');

    expect((await run('blkid', ['-p', '-o', 'value', '-s', 'LABEL', '-s', 'TYPE', output])).stdout).toBe(
      'config-2\niso9660\n',
    );
    const { stdout } = await run('isoinfo', ['-i', output, '-J', '-x', '/openstack/latest/meta_data.json']);
    expect(stdout).toBe(files['openstack/latest/meta_data.json']);
  });

  test('a vfat drive has the label and the files', async () => {
    const output = join(directory, 'drive.img');

    await writeDrive(files, output, 'vfat');

    expect((await run('blkid', ['-p', '-o', 'value', '-s', 'LABEL', '-s', 'TYPE', output])).stdout).toBe(
      'CONFIG-2\nvfat\n',
    );
    await run('mcopy', ['-i', output, '::openstack/latest/user_data', join(directory, 'user_data')]);
    expect(readFileSync(join(directory, 'user_data'), 'utf8')).toBe('#!/bin/sh\ntrue\n');
  });
});
