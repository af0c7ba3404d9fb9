import { StackwrightError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import type { DriveContents } from './drive-image.js';
import { ipv4Mask, isAddress, isIpv4, isIpv6, isMac, prefixLength } from './renderer/addresses.js';
import { readHostName, renderKeys } from './renderer/identity.js';
import { type JsonFailure, member, readJson } from './renderer/json.js';
import { readNetworks } from './renderer/networks.js';

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
  /** `vendor_data.json`. */
  vendorData?: Record<string, Json>;
}

/**
 * The files of a config drive. What a first boot would refuse is refused here.
 * @throws StackwrightError `ConfigDriveRefused`
 */
export function renderConfigDrive(content: ConfigDriveContent): DriveContents {
  const metaData: Record<string, Json> = { ...content.metaData };
  if (content.hostName !== undefined) metaData.name = content.hostName;
  if (metaData.hostname === undefined && typeof metaData.name === 'string') metaData.hostname = metaData.name;
  if (content.keys && Object.keys(content.keys).length > 0) {
    metaData.public_keys = { ...(metaData.public_keys as Record<string, Json> | undefined), ...content.keys };
  }
  const files: DriveContents = { 'openstack/latest/meta_data.json': toText(metaData) };
  if (content.network) files['openstack/latest/network_data.json'] = toText(content.network);
  if (content.vendorData) files['openstack/latest/vendor_data.json'] = toText(content.vendorData);
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
  throw unreadable(file, 'a JSON object', failure);
}

/** @param expected what the file is not */
export function unreadable(file: string, expected: string, failure: JsonFailure | undefined): StackwrightError {
  const { line, column, message } = failure ?? { line: 1, column: 1, message: 'it is something else' };
  return new StackwrightError('ConfigDriveUnreadable', `${file} is not ${expected}: ${message}`, {
    file,
    line,
    column,
  });
}

/** Reads a drive's files as a first boot does, and takes its warnings for failures. */
function checkFiles(files: DriveContents): void {
  const warnings: string[] = [];
  const metaData = readJson(files['openstack/latest/meta_data.json'] ?? '{}').value;
  readHostName(metaData, warnings);
  renderKeys(metaData, undefined, false, warnings);
  readNetworks(readJson(files['openstack/latest/network_data.json'] ?? '{}').value, warnings);
  const vendorData = readJson(files['openstack/latest/vendor_data.json'] ?? '{}').value;
  readNetworks(member(vendorData, 'network_info'), warnings);
  refuseFor(warnings);
}

/** @throws StackwrightError `ConfigDriveRefused` where a first boot would warn */
export function refuseFor(warnings: string[]): void {
  if (warnings.length === 0) return;
  throw new StackwrightError('ConfigDriveRefused', 'a first boot would refuse parts of this drive', {
    value: warnings.join('\n'),
    hint: 'correct what is named',
  });
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
export function recordToConfigDrive(record: MachineRecord): DriveContents {
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
