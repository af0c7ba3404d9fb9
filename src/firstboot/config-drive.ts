import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { ipv4Mask, isAddress, isIpv4, isIpv6, isMac, prefixLength } from './renderer/addresses.js';
import { readHostName, renderKeys } from './renderer/identity.js';
import { readJson } from './renderer/json.js';
import { readNetworks } from './renderer/networks.js';

/** Contents by path, e.g. `openstack/latest/meta_data.json`. */
export type ConfigDriveFiles = Record<string, string>;

/** OpenStack's network description; the format is nova's doc/api_schemas/network_data.json. */
export interface NetworkDescription {
  links: Record<string, Json>[];
  networks: Record<string, Json>[];
  services?: Record<string, Json>[];
}

export interface ConfigDriveContent {
  hostName?: string;
  /** SSH public keys by name. */
  keys?: Record<string, string>;
  network?: NetworkDescription;
  /** Further members of `meta_data.json`. */
  metaData?: Record<string, Json>;
  userData?: string;
}

export type ConfigDriveFormat = 'iso9660' | 'vfat';

/**
 * The files of a config drive. What a first boot would refuse is refused here.
 * @throws StackwrightError `ConfigDriveRefused`
 */
export function renderConfigDrive(content: ConfigDriveContent): ConfigDriveFiles {
  const metaData: Record<string, Json> = { ...content.metaData };
  if (content.hostName !== undefined) metaData.name = content.hostName;
  if (metaData.hostname === undefined && typeof metaData.name === 'string') metaData.hostname = metaData.name;
  if (content.keys && Object.keys(content.keys).length > 0) {
    metaData.public_keys = { ...(metaData.public_keys as Record<string, Json> | undefined), ...content.keys };
  }
  const files: ConfigDriveFiles = { 'openstack/latest/meta_data.json': toText(metaData) };
  if (content.network) files['openstack/latest/network_data.json'] = toText(content.network);
  if (content.userData !== undefined) files['openstack/latest/user_data'] = content.userData;
  checkFiles(files);
  return files;
}

/**
 * Reads a file of a drive that somebody wrote.
 * @throws StackwrightError `ConfigDriveUnreadable` with the place
 */
export function parseDriveJson<T extends object>(text: string, file: string): T {
  const { value, failure } = readJson(text);
  if (value?.kind === 'object') return JSON.parse(text.replace(/^\uFEFF/, '')) as T;
  const { line, column, message } = failure ?? { line: 1, column: 1, message: 'not an object' };
  throw new StackwrightError('ConfigDriveUnreadable', `${file} is not a JSON object: ${message}`, {
    file,
    line,
    column,
  });
}

/** Reads a drive's files as a first boot does, and takes its warnings for failures. */
function checkFiles(files: ConfigDriveFiles): void {
  const warnings: string[] = [];
  const metaData = readJson(files['openstack/latest/meta_data.json'] ?? '{}').value;
  readHostName(metaData, warnings);
  renderKeys(metaData, undefined, false, warnings);
  readNetworks(readJson(files['openstack/latest/network_data.json'] ?? '{}').value, warnings);
  if (warnings.length > 0) {
    throw new StackwrightError('ConfigDriveRefused', 'a first boot would refuse this config drive', {
      value: warnings.join('\n'),
      hint: 'correct what is named',
    });
  }
}

function toText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export interface MachineRecord {
  /** The machine's variables, from its CMDB entry and the match: mac, ip, netmask, gateway, dns, hostname, ssh_key. */
  variables: Record<string, Json>;
  /** The key with which the operator reaches the machine. */
  operatorKey?: string;
  /** Instead of the one that the variables describe. */
  network?: NetworkDescription;
}

/**
 * A machine's record as a config drive. The variables are those of an eDeploy CMDB: `mac`, `ip` (with a prefix, or
 * with `netmask` or `prefix`), `gateway`, `dns` (or `dns_servers`; several, by spaces or commas), `hostname` (or
 * `host`), `ssh_key` (or `ssh_keys`, a list). Without `ip` the machine uses DHCP; an `ip` without `mac` is
 * refused, because an address must not land on the wrong interface.
 * @throws StackwrightError `RecordIncomplete`, `ConfigDriveRefused`
 */
export function recordToConfigDrive(record: MachineRecord): ConfigDriveFiles {
  const { variables } = record;
  const keys: Record<string, string> = {};
  for (const [at, key] of listOf(variables.ssh_keys ?? variables.ssh_key, /\n/).entries()) {
    keys[at === 0 ? 'record' : `record-${at + 1}`] = key;
  }
  if (record.operatorKey) keys.operator = record.operatorKey.trim();
  return renderConfigDrive({
    hostName: textOf(variables.hostname) ?? textOf(variables.host),
    keys,
    network: record.network ?? networkOf(variables),
  });
}

function networkOf(variables: Record<string, Json>): NetworkDescription | undefined {
  const dns = listOf(variables.dns ?? variables.dns_servers, /[\s,]+/);
  const services = dns.map((address) => ({ type: 'dns', address }));
  const wrong = dns.find((address) => !isAddress(address));
  if (wrong !== undefined) throw incomplete(`dns ${wrong} is not an address`, 'dns');
  const whole = textOf(variables.ip);
  if (whole === undefined) return services.length > 0 ? { links: [], networks: [], services } : undefined;
  const mac = (textOf(variables.mac) ?? '').toLowerCase();
  if (!isMac(mac)) throw incomplete(`ip ${whole} has no mac to say on which interface`, 'mac');
  const link = { id: 'link0', type: 'phy', ethernet_mac_address: mac };
  return { links: [link], networks: [addressOf(whole, variables)], services };
}

function addressOf(whole: string, variables: Record<string, Json>): Record<string, Json> {
  const [address = '', length] = whole.split('/');
  const version = isIpv4(address) ? 4 : 6;
  if (version === 6 && !isIpv6(address)) throw incomplete(`ip ${whole} is not an address`, 'ip');
  const mask = length ?? textOf(variables.netmask) ?? textOf(variables.prefix);
  const prefix = mask === undefined ? undefined : prefixLength(mask, version);
  if (prefix === undefined) throw incomplete(`ip ${whole} has no netmask (${mask ?? 'none'})`, 'netmask');
  const gateway = textOf(variables.gateway);
  const everywhere = version === 4 ? '0.0.0.0' : '::';
  return {
    id: 'network0',
    link: 'link0',
    type: version === 4 ? 'ipv4' : 'ipv6',
    ip_address: address,
    netmask: version === 4 ? ipv4Mask(prefix) : String(prefix),
    routes: gateway === undefined ? [] : [{ network: everywhere, netmask: version === 4 ? everywhere : '0', gateway }],
  };
}

function incomplete(message: string, variable: string): StackwrightError {
  return new StackwrightError('RecordIncomplete', message, {
    value: variable,
    hint: `correct '${variable}' in the profile's CMDB entry`,
  });
}

function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function listOf(value: Json | undefined, separator: RegExp): string[] {
  const texts = Array.isArray(value) ? value.map(textOf) : (textOf(value)?.split(separator) ?? []);
  return texts.map((text) => text?.trim()).filter((text) => text !== undefined && text !== '') as string[];
}

/**
 * Writes the files to a drive image with the label `config-2`: iso9660 (genisoimage) or vfat (mkfs.vfat, mcopy).
 * @throws StackwrightError `CommandNotFound`, `CommandFailed`
 */
export async function buildConfigDrive(
  files: ConfigDriveFiles,
  output: string,
  format: ConfigDriveFormat,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'stackwright-config-drive-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(directory, dirname(path)), { recursive: true });
      await writeFile(join(directory, path), content, { mode: 0o600 });
    }
    if (format === 'iso9660') await buildIso(directory, output);
    else await buildVfat(directory, files, output);
    // User data may hold secrets.
    await chmod(output, 0o600);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function buildIso(directory: string, output: string): Promise<void> {
  // Rock Ridge and Joliet keep the long names.
  await run('genisoimage', ['-quiet', '-r', '-J', '-V', 'config-2', '-o', output, directory]);
}

async function buildVfat(directory: string, files: ConfigDriveFiles, output: string): Promise<void> {
  const bytes = Object.values(files).reduce((sum, content) => sum + Buffer.byteLength(content), 0);
  await rm(output, { force: true });
  // 64 MiB is what nova makes; sparse, so that it costs nothing.
  const kibibytes = Math.max(64 * 1024, Math.ceil(bytes / 1024) * 2);
  await run('mkfs.vfat', ['-C', '-n', 'CONFIG-2', '-i', '57A74B07', output, String(kibibytes)], {
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
  });
  await run('mcopy', ['-s', '-i', output, join(directory, 'openstack'), '::']);
}
