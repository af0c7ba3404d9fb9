import { type Description, networkDataOf, readCloudConfig } from './cloud-config.js';
import { type NoCloudFiles, type SystemInterface, shown } from './input.js';
import { type JsonMember, type JsonValue, member, membersOf, objectOf, textOf, textsOf } from './json.js';
import { trimmed } from './text.js';

/** A NoCloud drive in the words of a config drive; the format is cloud-init's "NoCloud". */
export interface NoCloud {
  /** As `meta_data.json`. */
  metaData?: JsonValue;
  /** As `network_data.json`. */
  networkData?: JsonValue;
  /** Domains in which names are looked up. */
  search: string[];
}

/** @param read gives a file of the drive as a mapping; undefined, with a warning, where it is none */
export function readNoCloud(
  files: NoCloudFiles,
  read: (name: string, text: string | undefined) => JsonValue | undefined,
  interfaces: SystemInterface[],
  warnings: string[],
): NoCloud {
  // Each may be there and empty.
  const metaData = read('meta-data', trimmed(files.metaData || '') ? files.metaData : undefined);
  const config = read('network-config', trimmed(files.networkConfig || '') ? files.networkConfig : undefined);
  if (member(metaData, 'network-interfaces'))
    warnings.push('meta-data: network-interfaces is not read: use network-config');
  let description: Description | undefined;
  if (config) description = readCloudConfig(config, interfaces, warnings);
  return {
    metaData: metaData && objectOf({ name: hostNameIn(metaData), public_keys: keysIn(metaData, warnings) }),
    networkData: description && networkDataOf(description),
    search: description ? description.search : [],
  };
}

function hostNameIn(metaData: JsonValue): string | undefined {
  return textOf(metaData, 'local-hostname') || textOf(metaData, 'hostname');
}

/** Keys are a text with a key a line, a list of such texts, or a mapping of names to either. */
function keysIn(metaData: JsonValue, warnings: string[]): JsonValue {
  const given = member(metaData, 'public-keys');
  const named: { name: string; texts: string[] }[] = [];
  for (const { name } of membersOf(given)) named.push({ name, texts: textsOf(given, name) });
  const listed = textsOf(metaData, 'public-keys').join('\n').split('\n');
  for (let at = 0; at < listed.length; at += 1) {
    named.push({ name: at === 0 ? 'nocloud' : `nocloud-${at + 1}`, texts: [listed[at] as string] });
  }
  const keys: JsonMember[] = [];
  for (const { name, texts } of named) {
    if (texts.length === 0) warnings.push(`key ${shown(name)} is refused: it is neither a text nor a list of texts`);
    for (const text of texts.join('\n').split('\n')) {
      if (text !== '') keys.push({ name, value: { kind: 'string', text } });
    }
  }
  return { kind: 'object', members: keys };
}
