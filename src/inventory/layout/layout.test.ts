import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { StackwrightError } from '../../base/errors.js';
import { configureTextOf, renderConfigureScript } from '../configure.js';
import type { Fact } from '../facts.js';
import { layoutNetwork, parseLayout, renderLayout } from './index.js';
import { neededBytes } from './sizes.js';

const mirrored = `role: {name: web, version: D12-F.1.0.0}
disks:
  first:
    device: $disk1
    partitions:
      esp1: {size: 64MiB, format: esp, mount: /boot/efi}
      half1: {size: rest}
  second:
    device: /dev/$disk2
    partitions:
      esp2: {size: 64MiB, format: esp}
      half2: {size: rest}
raid:
  system: {level: 1, members: [half1, half2]}
lvm:
  vg0:
    members: [system]
    volumes:
      root: {size: 2GiB, format: ext4, mount: /, options: noatime}
      swap: {size: 250MB, format: swap}
      srv: {size: rest, format: xfs, mount: /srv}
network:
  interfaces:
    lan: {mac: $mac, addresses: [$ip/24, "fd00::1/64"], gateway: 10.0.0.1, mtu: 9000}
    storage: {vlan: {id: 7, on: lan}, addresses: [dhcp]}
  dns: [10.0.0.1]
kernel_options: console=$console
`;

const plain = `role: {name: $role, version: D12-F.1.0.0}
disks:
  only:
    device: $disk1
    table: msdos
    partitions:
      root: {size: 3GiB, format: ext4, mount: /}
      var: {size: rest, format: ext4, mount: /var}
`;

const variables = {
  disk1: 'vda',
  disk2: 'nvme0n1',
  mac: '52:54:00:00:00:01',
  ip: '10.0.0.7',
  console: 'ttyS1',
  role: 'db',
};

const disk = (name: string, size: number): Fact => ['disk', name, 'size', String(size)];
const facts = [disk('vda', 10), disk('nvme0n1', 10)];

const render = (text: string, machine = { variables, facts }) =>
  renderLayout(parseLayout(text, 'web.layout.yaml'), 'web.layout.yaml', machine);

function failureOf(work: () => unknown): StackwrightError {
  try {
    work();
  } catch (error) {
    return error as StackwrightError;
  }
  throw new Error('it did not fail');
}

describe('the script', () => {
  it('mirrors a system on LVM over two disks, with an ESP on each', async () => {
    await expect(render(mirrored)).toMatchFileSnapshot('golden/mirrored.sh');
  });

  it('puts file systems on partitions of an msdos table', async () => {
    await expect(render(plain)).toMatchFileSnapshot('golden/plain.sh');
  });

  it.each([mirrored, plain])('is one that a POSIX shell can read, with its prologue', (text) => {
    const layout = parseLayout(text, 'web.layout.yaml');
    const configure = { path: 'web.layout.yaml', text };
    const configureText = configureTextOf({ name: 'web', configure, layout }, { variables, facts });
    const script = renderConfigureScript({ profile: 'web', configureText, variables });

    execFileSync('sh', ['-n'], { input: script });
  });

  it('starts from every disk of the array that has the root', () => {
    expect(render(mirrored)).toContain("_append_vars BOOT_DISKS '/dev/vda /dev/nvme0n1'\n");
    expect(render(mirrored)).toContain('_append_vars EXTRA_ESPS /dev/nvme0n1p2\n');
  });
});

describe('a machine that it does not fit', () => {
  it('is refused with the disk and the sizes, before there is a script', () => {
    const error = failureOf(() => render(plain, { variables, facts: [disk('vda', 2), disk('vdb', 9)] }));

    expect(error.toJSON()).toEqual({
      code: 'LayoutDoesNotFit',
      message: 'the layout needs 3.3 GB on the disk vda, which has 2 GB',
      value: 'vda',
      hint: "the machine's disks are vda (2 GB), vdb (9 GB); nothing was written",
    });
  });

  it('is refused where what stands on an array does not fit on its smaller member', () => {
    const error = failureOf(() => render(mirrored, { variables, facts: [disk('vda', 10), disk('nvme0n1', 1)] }));

    expect(error.message).toBe('the layout needs 2.8 GB on the disk nvme0n1, which has 1 GB');
  });

  it('is refused where a disk is missing', () => {
    const error = failureOf(() => render(mirrored, { variables, facts: [disk('vda', 10)] }));

    expect(error).toMatchObject({
      code: 'LayoutDoesNotFit',
      message: 'the layout wants the disk nvme0n1, which the machine has not got',
    });
  });

  it('asks the disk itself where the fact, in whole gigabytes, leaves it open', () => {
    const script = render(plain, { variables, facts: [disk('vda', 3)] });

    expect(script).toContain('\nneeds /dev/vda 3264217088\n');
    expect(script.indexOf('needs /dev/vda')).toBeLessThan(script.indexOf('wipefs'));
  });
});

it.each([
  [1, 'role.version', 'role: {name: a}\n'],
  [7, 'disks.only.partitions.root.size', plain.replace('3GiB', '3 apples')],
  [7, 'disks.only.partitions.root.format', plain.replace('format: ext4, mount: /}', 'format: ext5, mount: /}')],
  [4, 'disks.only', plain.replace('table: msdos', 'tabel: msdos')],
  [8, 'it is mounted twice', plain.replace('mount: /var', 'mount: /')],
  [1, 'nothing is mounted at /', plain.replace('mount: /}', 'mount: /home}')],
  [7, 'only the last one can have the rest', plain.replace('size: 3GiB', 'size: rest')],
  [8, 'it is used for nothing', plain.replace(', format: ext4, mount: /var', '')],
  [14, 'there is no such member', mirrored.replace('[half1, half2]', '[half1, half3]')],
  [14, 'level 5 needs 3 members', mirrored.replace('level: 1', 'level: 5')],
  [6, 'an esp is mounted at /boot/efi', mirrored.replace('mount: /boot/efi', 'mount: /efi')],
  [25, 'there is no such interface', mirrored.replace('on: lan', 'on: wan')],
  [2, 'Flow map', 'role: {name: a, version: 1\n'],
  [1, 'alias', `a: &a [1]\nb: *a\n${plain}`],
])('refuses a mistake in line %i: %s', (line, message, text) => {
  const error = failureOf(() => parseLayout(text, '/site/web.layout.yaml'));

  expect(error).toMatchObject({ code: 'LayoutInvalid', details: { file: '/site/web.layout.yaml' } });
  expect(error.message).toContain(message);
  expect(error.details.line).toBe(line);
});

it('names the variable that a machine has not, and where it stands', () => {
  const error = failureOf(() => render(plain, { variables: { disk: 'vda' } as never, facts }));

  expect(error.toJSON()).toMatchObject({
    code: 'LayoutInvalid',
    file: 'web.layout.yaml',
    line: 4,
    value: '$disk1',
    hint: 'the specs and the CMDB give it: disk',
  });
});

it.each(['vda; reboot', '$(id)', '../sda', 'vda vdb'])('takes no device that is no name: %j', (value) => {
  expect(failureOf(() => render(plain, { variables: { ...variables, disk1: value }, facts })).code).toBe(
    'LayoutInvalid',
  );
});

it('describes the network as the first boot reads it', () => {
  const network = layoutNetwork(parseLayout(mirrored, 'web.layout.yaml'), variables);

  expect(network).toEqual({
    links: [
      { id: 'lan', type: 'phy', ethernet_mac_address: '52:54:00:00:00:01', mtu: 9000 },
      { id: 'storage', type: 'vlan', vlan_id: 7, vlan_link: 'lan' },
    ],
    networks: [
      {
        id: 'lan-0',
        link: 'lan',
        type: 'ipv4',
        ip_address: '10.0.0.7/24',
        routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.0.1' }],
      },
      { id: 'lan-1', link: 'lan', type: 'ipv6', ip_address: 'fd00::1/64', routes: [] },
      { id: 'storage-0', link: 'storage', type: 'ipv4_dhcp' },
    ],
    services: [{ type: 'dns', address: '10.0.0.1' }],
  });
});

it('counts for what has the rest all that stands on it', () => {
  const { layout } = parseLayout(mirrored, 'web.layout.yaml');

  // 64 MiB, 2 GiB, 250 MB and the least of an xfs, with what the table, mdadm and LVM need.
  expect(neededBytes(layout, 'first')).toBe(neededBytes(layout, 'second'));
  expect(neededBytes(layout, 'first') / 1e6).toBeCloseTo(2806, -1);
});
