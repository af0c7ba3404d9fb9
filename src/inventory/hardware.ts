import ipaddr from 'ipaddr.js';
import type { Fact } from './facts.js';
import { readLldpFrame } from './lldp.js';

/** No machine has more disks, interfaces or devices; a bundle that says so is an attack. */
const MOST_INSTANCES = 1000;

const HEAD = 'stackwright-hardware 1\n';

/** True for what the ramdisk's `facts.sh` prints. */
export function isHardware(text: string): boolean {
  return text.startsWith(HEAD);
}

/**
 * The facts that the raw bundle of a machine holds, in eDeploy's words. The bundle has sections
 * (`@files`, `@links`, …) of what stands in `/sys`, `/proc` and the answers of programs; a section
 * that is missing, or lines that nobody understands, give no facts.
 */
export function factsOfHardware(text: string): Fact[] {
  const raw = readBundle(text);
  const facts: Fact[] = [];
  const add: Add = (kind, instance, key, value) => {
    const word =
      value
        ?.replaceAll(/\p{Cc}/gu, ' ')
        .trim()
        .slice(0, 4096) ?? '';
    if (word !== '') facts.push([kind, instance, key, word]);
  };
  system(raw, add);
  memory(raw, add);
  disks(raw, add);
  network(raw, add);
  processors(raw, add);
  numa(raw, add);
  pci(raw, add);
  ipmi(raw, add);
  lldp(raw, add);
  return facts;
}

type Add = (kind: string, instance: string, key: string, value: string | undefined) => void;

interface Bundle {
  /** Path to first line. */
  files: Map<string, string>;
  /** Path of a symbolic link to its target. */
  links: Map<string, string>;
  section(name: string): string[];
  names: string[];
}

function readBundle(text: string): Bundle {
  const sections = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.slice(HEAD.length).split('\n')) {
    if (/^@[a-z]+( \d+)?$/.test(line)) {
      lines = [];
      sections.set(line.slice(1), lines);
    } else lines.push(line);
  }
  const files = new Map<string, string>();
  for (const line of sections.get('files') ?? []) {
    const at = line.indexOf('\t');
    if (at > 0) files.set(line.slice(0, at), line.slice(at + 1));
  }
  const links = new Map<string, string>();
  for (const line of sections.get('links') ?? []) {
    const [, path, target] = / (\/\S+) -> (\S+)$/.exec(line.slice(0, 2000)) ?? [];
    if (path !== undefined && target !== undefined) links.set(path, target);
  }
  return { files, links, section: (name) => sections.get(name) ?? [], names: [...sections.keys()] };
}

function system({ files, section }: Bundle, add: Add): void {
  const dmi = (name: string) => files.get(`/sys/class/dmi/id/${name}`);
  add('system', 'product', 'name', dmi('product_name'));
  add('system', 'product', 'vendor', dmi('sys_vendor'));
  add('system', 'product', 'version', dmi('product_version'));
  add('system', 'product', 'serial', dmi('product_serial'));
  add('system', 'product', 'uuid', dmi('product_uuid'));
  add('system', 'motherboard', 'name', dmi('board_name'));
  add('system', 'motherboard', 'vendor', dmi('board_vendor'));
  add('system', 'motherboard', 'version', dmi('board_version'));
  add('system', 'motherboard', 'serial', dmi('board_serial'));
  add('system', 'chassis', 'serial', dmi('chassis_serial'));
  add('system', 'chassis', 'asset_tag', dmi('chassis_asset_tag'));
  add('system', 'kernel', 'version', files.get('/proc/sys/kernel/osrelease'));
  add('system', 'kernel', 'arch', section('uname')[0]);
  const isGuest = section('cpuinfo').some((line) => /^flags\s*:.*\bhypervisor\b/.test(line));
  add('system', 'machine', 'virtual', isGuest ? 'yes' : 'no');
  add('firmware', 'bios', 'version', dmi('bios_version'));
  add('firmware', 'bios', 'date', dmi('bios_date'));
  add('firmware', 'bios', 'vendor', dmi('bios_vendor'));
  add('firmware', 'boot', 'type', files.has('/sys/firmware/efi/fw_platform_size') ? 'uefi' : 'bios');
}

/** The blocks of dmidecode's output: a handle, a title, then `key: value` lines. */
function dmiBlocks({ section }: Bundle, title: string): Map<string, string>[] {
  const blocks: Map<string, string>[] = [];
  let block: Map<string, string> | undefined;
  for (const line of section('dmidecode')) {
    if (/^\S/.test(line)) block = undefined;
    if (line === title) {
      block = new Map();
      blocks.push(block);
    }
    const at = line.indexOf(': ');
    if (block && at > 0 && line.startsWith('\t')) block.set(line.slice(1, at), line.slice(at + 2));
  }
  return blocks;
}

const units: Record<string, number> = { kB: 2 ** 10, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** Banks are those with a module in them. The total is theirs, or where they are unknown what the kernel has. */
function memory(raw: Bundle, add: Add): void {
  const banks = dmiBlocks(raw, 'Memory Device').flatMap((block) => {
    const [, number, unit = ''] = /^(\d+) ([kKMGT]B)$/.exec(block.get('Size') ?? '') ?? [];
    return number === undefined ? [] : [{ block, bytes: Number(number) * (units[unit] ?? 0) }];
  });
  const kilobytes = raw.section('meminfo').flatMap((line) => /^MemTotal:\s+(\d+) kB/.exec(line)?.[1] ?? [])[0];
  const installed = banks.reduce((sum, { bytes }) => sum + bytes, 0);
  const total = installed > 0 ? installed : Number(kilobytes ?? 0) * 1024;
  add('memory', 'total', 'size', total > 0 ? String(total) : undefined);
  if (banks.length > 0) add('memory', 'banks', 'count', String(banks.length));
  for (const [number, { block, bytes }] of banks.entries()) {
    const bank = `bank:${number}`;
    const speed = /^(\d+) M(?:T\/s|Hz)$/.exec(block.get('Configured Memory Speed') ?? block.get('Speed') ?? '')?.[1];
    add('memory', bank, 'size', String(bytes));
    add('memory', bank, 'clock', speed && String(Number(speed) * 1_000_000));
    add('memory', bank, 'description', known(block.get('Type')));
    add('memory', bank, 'vendor', known(block.get('Manufacturer')));
    add('memory', bank, 'product', known(block.get('Part Number')));
    add('memory', bank, 'serial', known(block.get('Serial Number')));
    add('memory', bank, 'slot', known(block.get('Locator')));
  }
}

function known(text: string | undefined): string | undefined {
  return text === undefined || /^(unknown|not specified|none)$/i.test(text.trim()) ? undefined : text;
}

function disks({ files, links }: Bundle, add: Add): void {
  const names = instances(files, /^\/sys\/block\/([^/]+)\/size$/).filter(
    (name) => Number(files.get(`/sys/block/${name}/size`)) > 0,
  );
  for (const name of names) {
    const read = (path: string) => files.get(`/sys/block/${name}/${path}`);
    add('disk', name, 'size', String(Math.floor((Number(read('size')) * 512) / 1e9)));
    add('disk', name, 'vendor', read('device/vendor'));
    add('disk', name, 'model', read('device/model'));
    add('disk', name, 'rev', read('device/rev') ?? read('device/firmware_rev'));
    add('disk', name, 'serial', read('serial') ?? read('device/serial'));
    add('disk', name, 'wwn-id', read('wwid') ?? read('device/wwid'));
    for (const key of ['rotational', 'physical_block_size', 'logical_block_size', 'optimal_io_size']) {
      add('disk', name, key, read(`queue/${key}`));
    }
    const { byPath, transport } = diskPath(links.get(`/sys/block/${name}`) ?? '', files);
    add('disk', name, 'by-path', byPath);
    add('disk', name, 'transport', transport);
  }
  add('disk', 'logical', 'count', String(names.length));
}

/** As udev names it in /dev/disk/by-path (systemd's `udev-builtin-path_id.c`), for disks on a PCI device. */
function diskPath(target: string, files: Map<string, string>): { byPath?: string; transport?: string } {
  const address = [...target.matchAll(/\/([0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=\/)/g)].at(-1)?.[1];
  if (address === undefined) return {};
  const [, namespace] = /\/nvme\/nvme\d+\/nvme\d+(?:c\d+)?n(\d+)$/.exec(target) ?? [];
  if (namespace !== undefined) return { byPath: `pci-${address}-nvme-${namespace}`, transport: 'nvme' };
  const [, port] = /\/ata(\d+)\/host\d+\//.exec(target) ?? [];
  // The kernel counts the ports of all controllers, udev those of one.
  const portNumber = port && files.get(`/sys/class/ata_port/ata${port}/port_no`);
  if (port !== undefined) return { byPath: portNumber && `pci-${address}-ata-${portNumber}`, transport: 'ata' };
  const [, lun] = /\/target[\d:]+\/(\d+:\d+:\d+:\d+)\/block\//.exec(target) ?? [];
  const transport = /\/usb\d+\//.test(target) ? 'usb' : /\/end_device-/.test(target) ? 'sas' : 'scsi';
  if (lun === undefined) return { byPath: `pci-${address}`, transport: target.includes('/virtio') ? 'virtio' : 'pci' };
  if (transport !== 'scsi') return { transport };
  return { byPath: `pci-${address}-scsi-0${lun.slice(lun.indexOf(':'))}`, transport };
}

function network({ files, links, section }: Bundle, add: Add): void {
  for (const name of instances(files, /^\/sys\/class\/net\/([^/]+)\/address$/)) {
    const read = (path: string) => files.get(`/sys/class/net/${name}/${path}`);
    add('network', name, 'serial', read('address')?.toLowerCase());
    add('network', name, 'link', read('carrier') === '1' ? 'yes' : 'no');
    add('network', name, 'driver', links.get(`/sys/class/net/${name}/device/driver`)?.split('/').at(-1));
    add('network', name, 'vendor', read('device/vendor'));
    add('network', name, 'product', read('device/device'));
    add('network', name, 'speed', Number(read('speed')) > 0 ? read('speed') : undefined);
    add('network', name, 'duplex', known(read('duplex')));
    add('network', name, 'mtu', read('mtu'));
    const bus = /([0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/.exec(links.get(`/sys/class/net/${name}/device`) ?? '');
    add('network', name, 'businfo', bus ? `pci@${bus[1]}` : undefined);
    for (const line of section('addresses').slice(0, MOST_INSTANCES)) {
      const [, where, family, cidr = ''] = /^\d+: (\S+)\s+(inet6?) (\S+)/.exec(line.slice(0, 500)) ?? [];
      if (where === name && ipaddr.isValidCIDR(cidr)) addAddress(name, family === 'inet6' ? 'ipv6' : 'ipv4', cidr, add);
    }
  }
}

/** One group of lines for each address of the interface. */
function addAddress(name: string, family: 'ipv4' | 'ipv6', cidr: string, add: Add): void {
  const [address, length] = ipaddr.parseCIDR(cidr);
  add('network', name, family, address.toString());
  add('network', name, `${family}-cidr`, String(length));
  if (family === 'ipv6') {
    add('network', name, 'ipv6-network', ipaddr.IPv6.networkAddressFromCIDR(cidr).toString());
    return;
  }
  add('network', name, 'ipv4-netmask', ipaddr.IPv4.subnetMaskFromPrefixLength(length).toString());
  add('network', name, 'ipv4-network', ipaddr.IPv4.networkAddressFromCIDR(cidr).toString());
}

function processors({ section }: Bundle, add: Add): void {
  const logical: Map<string, string>[] = [];
  for (const line of section('cpuinfo')) {
    const at = line.indexOf(':');
    const key = line.slice(0, at).trim();
    if (at > 0 && key === 'processor') logical.push(new Map());
    if (at > 0) logical.at(-1)?.set(key, line.slice(at + 1).trim());
  }
  const sockets = new Map<string, Map<string, string>[]>();
  for (const cpu of logical) {
    const id = cpu.get('physical id') ?? '0';
    const threads = sockets.get(id);
    if (threads) threads.push(cpu);
    else sockets.set(id, [cpu]);
  }
  add('cpu', 'physical', 'number', String(sockets.size));
  add('cpu', 'logical', 'number', String(logical.length));
  for (const [number, [id, threads]] of [...sockets].slice(0, MOST_INSTANCES).entries()) {
    const socket = `physical_${number}`;
    const [first] = threads;
    const megahertz = Number(first?.get('cpu MHz'));
    add('cpu', socket, 'vendor', first?.get('vendor_id'));
    add('cpu', socket, 'product', first?.get('model name'));
    add('cpu', socket, 'physid', id);
    add('cpu', socket, 'frequency', megahertz > 0 ? String(Math.round(megahertz * 1e6)) : undefined);
    add('cpu', socket, 'cores', first?.get('cpu cores'));
    add('cpu', socket, 'threads', String(threads.length));
    add('cpu', socket, 'family', first?.get('cpu family'));
    add('cpu', socket, 'model', first?.get('model'));
    add('cpu', socket, 'stepping', first?.get('stepping'));
    add('cpu', socket, 'flags', first?.get('flags') ?? first?.get('Features'));
  }
}

function numa({ files }: Bundle, add: Add): void {
  const nodes = instances(files, /^\/sys\/devices\/system\/node\/node(\d+)\/cpumap$/);
  if (nodes.length > 0) add('numa', 'nodes', 'count', String(nodes.length));
  for (const node of nodes) {
    const digits = files.get(`/sys/devices/system/node/node${node}/cpumap`)?.replaceAll(',', '').trim() ?? '';
    if (!/^[0-9a-f]{1,2048}$/i.test(digits)) continue;
    const count = [...digits].reduce((sum, digit) => sum + bitsOf(Number.parseInt(digit, 16)), 0);
    add('numa', `node_${node}`, 'cpu_count', String(count));
    add('numa', `node_${node}`, 'cpu_mask', `0x${digits.replace(/^0+(?=.)/, '')}`);
  }
}

function bitsOf(digit: number): number {
  return (digit & 1) + ((digit >> 1) & 1) + ((digit >> 2) & 1) + ((digit >> 3) & 1);
}

function pci({ files, links }: Bundle, add: Add): void {
  for (const address of instances(files, /^\/sys\/bus\/pci\/devices\/([^/]+)\/class$/)) {
    const read = (name: string) => files.get(`/sys/bus/pci/devices/${address}/${name}`);
    for (const key of ['class', 'vendor', 'device', 'subsystem_vendor', 'subsystem_device']) {
      add('pci', address, key, read(key));
    }
    add('pci', address, 'driver', links.get(`/sys/bus/pci/devices/${address}/driver`)?.split('/').at(-1));
  }
}

/** A BMC is known by the firmware's tables; its address by `ipmitool lan print`. */
function ipmi(raw: Bundle, add: Add): void {
  const [device] = dmiBlocks(raw, 'IPMI Device Information');
  add('system', 'ipmi', 'interface', device?.get('Interface Type'));
  const [, channel] = raw.names.flatMap((name) => (/^ipmi (\d+)$/.exec(name) ? [name.split(' ')] : []))[0] ?? [];
  if (channel === undefined) return;
  add('system', 'ipmi', 'channel', channel);
  const wanted: Record<string, string> = {
    'IP Address': 'ip-address',
    'IP Address Source': 'ip-address-source',
    'Subnet Mask': 'subnet-mask',
    'MAC Address': 'mac-address',
    'Default Gateway IP': 'default-gateway-ip',
    '802.1q VLAN ID': 'vlan-id',
  };
  for (const line of raw.section(`ipmi ${channel}`)) {
    const at = line.indexOf(':');
    const key = wanted[line.slice(0, at).trim()];
    if (at > 0 && key !== undefined) add('ipmi', 'lan', key, line.slice(at + 1));
  }
}

/** Of each interface the frame in which the switch behind it says who it is, where one was heard. */
function lldp({ section }: Bundle, add: Add): void {
  for (const line of section('lldp').slice(0, MOST_INSTANCES)) {
    const [, name, frame] = /^(\S{1,15}) ((?:[\da-f]{2}){14,1600})$/.exec(line) ?? [];
    if (name === undefined || frame === undefined) continue;
    for (const [key, value] of readLldpFrame(Buffer.from(frame, 'hex'))) add('lldp', name, key, value);
  }
}

/** What stands in the place of the brackets, in the order of the files. */
function instances(files: Map<string, string>, pattern: RegExp): string[] {
  return [...files.keys()].flatMap((path) => pattern.exec(path)?.[1] ?? []).slice(0, MOST_INSTANCES);
}
