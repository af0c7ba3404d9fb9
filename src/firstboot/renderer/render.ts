import { renderDns } from './dns.js';
import { renderGentoo } from './gentoo.js';
import { isHostName, readHostName, renderHostName, renderKeys } from './identity.js';
import { renderIfcfg } from './ifcfg.js';
import { renderIfupdown } from './ifupdown.js';
import {
  type DriveFiles,
  type Rename,
  type RenderedFile,
  type RenderInput,
  type RenderResult,
  shown,
  sortedBy,
} from './input.js';
import { type JsonValue, member, readJson } from './json.js';
import { type Machine, machineOf, renderNames } from './machine.js';
import { renderNetworkd } from './networkd.js';
import { type DriveNetworks, ignoresInterfaces, type Network, readNetworks } from './networks.js';
import { type NoCloud, readNoCloud } from './nocloud.js';
import { readYaml } from './yaml.js';

/** Characters of a drive's file; a description of a thousand networks has half of it. */
const largest = 500_000;

/**
 * Turns a config drive and the interfaces of a machine into the files of its system. Whatever the drive has, the
 * machine gets a network: what cannot be read or is refused is named in `warnings`, and DHCP takes its place.
 */
export function render(input: RenderInput): RenderResult {
  const warnings: string[] = [];
  const { metaData, networkData, search } = readDrive(input, warnings);
  const description = readNetworks(networkData, warnings);
  if (input.dialect === 'glean') forgetWhatGleanIgnores(description);
  let renames: Rename[] = [];
  let files: RenderedFile[] = [];
  if (input.parts.network && input.only !== 'lo') {
    if (!input.skipDns) files = renderDns(description.dns, domainsOf(search, warnings), input.system.resolvedConf);
    const machine = machineOf(input, description.links, warnings);
    renames = machine.renames;
    files = files.concat(renderNames(machine));
    files = files.concat(renderNetwork(input, machine, description, ignoresInterfaces(metaData), warnings));
  }
  if (input.parts.keys) {
    const keys = renderKeys(metaData, input.system.authorizedKeys, input.dialect === 'glean', warnings);
    if (keys) files.push(keys);
  }
  const hostName = input.parts.hostName ? readHostName(metaData, warnings) : undefined;
  if (hostName !== undefined) {
    const gentoo = input.target === 'gentoo';
    files = files.concat(renderHostName(hostName, description.networks, input.system.hosts, gentoo));
  }
  return { files: sortedBy(files, (file) => file.path), hostName, renames, warnings };
}

/** Corrected: with the MTU of a network over tunnels left out, its large packets are lost. */
function forgetWhatGleanIgnores({ links }: DriveNetworks): void {
  for (const link of links) link.mtu = undefined;
}

function renderNetwork(
  input: RenderInput,
  machine: Machine,
  description: DriveNetworks,
  ignored: boolean,
  warnings: string[],
): RenderedFile[] {
  let networks = ignored ? [] : description.networks;
  // Corrected: links without a single network describe nothing, and the machine would stay without one.
  if (input.dialect === 'corrected' && networks.length > 0 && !givesAddress(networks)) {
    warnings.push('the drive gives no network to any link: DHCP on all');
    networks = [];
  }
  return renderTarget(input, machine, networks, warnings);
}

function givesAddress(networks: Network[]): boolean {
  for (const network of networks) if (network.type !== 'manual') return true;
  return false;
}

function renderTarget(input: RenderInput, machine: Machine, networks: Network[], warnings: string[]): RenderedFile[] {
  switch (input.target) {
    case 'ifupdown':
      return renderIfupdown(machine, networks, input.system.interfaces, warnings);
    case 'networkd':
      return renderNetworkd(machine, networks, warnings);
    case 'gentoo':
      return renderGentoo(machine, networks, warnings);
    case 'redhat':
    case 'suse':
      return renderIfcfg(machine, networks, input.target, warnings);
  }
}

/** What a drive of either kind says, in the words of a config drive. */
function readDrive(input: RenderInput, warnings: string[]): NoCloud {
  const drive = input.drive || {};
  if (drive.noCloud) {
    const read = (name: string, text: string | undefined) => readFile(name, text, readYaml, warnings);
    return readNoCloud(drive.noCloud, read, input.interfaces, warnings);
  }
  const metaData = readFile('meta_data.json', drive.metaData, readJson, warnings);
  return { metaData, networkData: networkDescription(drive, warnings), search: [] };
}

/** `network_data.json` wins; else `network_info.json`; else `vendor_data.json`'s `network_info`. */
function networkDescription(drive: DriveFiles, warnings: string[]): JsonValue | undefined {
  const data = readFile('network_data.json', drive.networkData, readJson, warnings);
  if (data) return data;
  const info = readFile('network_info.json', drive.networkInfo, readJson, warnings);
  if (info) return info;
  return member(readFile('vendor_data.json', drive.vendorData, readJson, warnings), 'network_info');
}

function readFile(
  name: string,
  text: string | undefined,
  readText: typeof readJson,
  warnings: string[],
): JsonValue | undefined {
  if (text === undefined) return undefined;
  if (text.length > largest) {
    warnings.push(`${name} is refused: it has ${text.length} characters, more than ${largest}`);
    return undefined;
  }
  const { value, failure } = readText(text);
  if (failure) {
    warnings.push(`${name}:${failure.line}:${failure.column} cannot be read: ${failure.message}`);
    return undefined;
  }
  if (value && value.kind === 'object') return value;
  warnings.push(`${name}:1:1 cannot be read: not an object`);
  return undefined;
}

function domainsOf(search: string[], warnings: string[]): string[] {
  const domains: string[] = [];
  for (const domain of search) {
    if (isHostName(domain)) domains.push(domain);
    else warnings.push(`a search domain is refused: ${shown(domain)}`);
  }
  return domains;
}
