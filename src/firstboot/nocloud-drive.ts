import { type Document, isMap, isScalar, isSeq, parseDocument, YAMLMap } from 'yaml';
import { refuseFor, unreadable } from './config-drive.js';
import type { DriveContents } from './drive-image.js';
import { isUnread } from './renderer/cloud-config.js';
import type { SystemInterface } from './renderer/input.js';
import { itemsOf, type JsonValue, member, membersOf, textOf } from './renderer/json.js';
import { render } from './renderer/render.js';
import { readYaml } from './renderer/yaml.js';

/** Texts of the files, and what goes into them besides. */
export interface NoCloudContent {
  hostName?: string;
  /** SSH public keys by name. */
  keys?: Record<string, string>;
  metaData?: string;
  /** Of version 1 or 2. */
  networkConfig?: string;
  userData?: string;
  vendorData?: string;
}

/**
 * The files of a NoCloud drive, in cloud-init's form. What a first boot would refuse is refused here; what it does not
 * read, because it is for cloud-init alone, is named in `unread`.
 * @throws StackwrightError `ConfigDriveRefused`
 */
export function renderNoCloudDrive(content: NoCloudContent): { files: DriveContents; unread: string[] } {
  const files: DriveContents = { 'meta-data': metaDataOf(content) };
  if (content.networkConfig !== undefined) files['network-config'] = content.networkConfig;
  // cloud-init takes no drive without it.
  files['user-data'] = content.userData ?? '';
  if (content.vendorData !== undefined) files['vendor-data'] = content.vendorData;
  const { warnings } = render({
    target: 'networkd',
    dialect: 'corrected',
    drive: { noCloud: { metaData: files['meta-data'], networkConfig: content.networkConfig } },
    interfaces: interfacesNamedIn(readYaml(content.networkConfig ?? '').value),
    system: { paths: [] },
    networkManager: false,
    skipDns: false,
    parts: { network: true, keys: true, hostName: true },
  });
  refuseFor(warnings.filter((warning) => !isUnread(warning)));
  return { files, unread: warnings.filter(isUnread) };
}

/**
 * Takes a YAML file of a drive that somebody wrote, as it is.
 * @throws StackwrightError `ConfigDriveUnreadable` with the place
 */
export function checkDriveYaml(text: string, file: string): string {
  const { value, failure } = readYaml(text);
  if (value?.kind !== 'object') throw unreadable(file, 'a YAML mapping', failure);
  return text;
}

function metaDataOf({ metaData = '', hostName, keys = {} }: NoCloudContent): string {
  const document: Document = parseDocument(metaData, { schema: 'yaml-1.1' });
  document.contents ??= new YAMLMap(document.schema);
  if (hostName !== undefined) document.set('local-hostname', hostName);
  // cloud-init begins anew where it changes.
  if (!document.has('instance-id')) document.set('instance-id', document.get('local-hostname') ?? 'nocloud');
  const given = document.get('public-keys', true);
  for (const [name, key] of Object.entries(keys)) {
    if (isSeq(given)) given.add(key);
    else if (isMap(given)) given.set(name, key);
  }
  if (!isSeq(given) && !isMap(given) && Object.keys(keys).length > 0) {
    const text = isScalar(given) ? String(given.value ?? '').trim() : '';
    document.set('public-keys', text === '' ? keys : [...text.split('\n'), ...Object.values(keys)]);
  }
  // The first boot reads no folded lines.
  return document.toString({ lineWidth: 0 });
}

/** The machine is not known, so it has every interface that is named otherwise than by its address. */
function interfacesNamedIn(value: JsonValue | undefined): SystemInterface[] {
  const config = member(value, 'network') ?? value;
  const names: string[] = [];
  for (const entry of itemsOf(config, 'config')) {
    const named = textOf(entry, 'type') === 'physical' && textOf(entry, 'mac_address') === undefined;
    if (named) names.push(textOf(entry, 'name') ?? '');
  }
  for (const { name, value: device } of membersOf(member(config, 'ethernets'))) {
    const match = member(device, 'match');
    if (textOf(match, 'macaddress') !== undefined) continue;
    names.push((match ? (textOf(match, 'name') ?? '') : name).replaceAll('*', '').replaceAll('?', 'x'));
  }
  return names.map((name, at) => ({
    name,
    mac: `02:00:00:00:${[at >> 8, at & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
    addressType: '0',
    carrier: true,
  }));
}
