import { readDrive } from './drive.js';
import { contains, type RenderInput, type RenderResult, type SystemInterface, type Target } from './input.js';
import { render } from './render.js';

/**
 * The program that runs in the image, free of its engine. The state is written by simple-init.sh, a word and its
 * value a line, because mujs cannot list a directory:
 *
 *     target networkd                  root PREFIX, dialect glean (tests only)
 *     drive /mnt/config/openstack/latest        nocloud /mnt/config
 *     interface NAME MAC ADDRESS_TYPE CARRIER
 *     exists PATH                      only NAME      network-manager      resolved      keep-names
 *
 * What is to be done comes back as lines: `warning TEXT`, `name HOST`, `rename FROM TO` (after the files), `file MODE replace|append PATH` followed by the
 * lines of the content, each behind a `|`, and `end`, so that half an output is known as such.
 *
 * @param read gives the text of a file, and throws where there is none
 */
export function runProgram(state: string, read: (path: string) => string): string[] {
  return linesOf(render(readState(state, read)));
}

function readState(text: string, read: (path: string) => string): RenderInput {
  const interfaces: SystemInterface[] = [];
  const paths: string[] = [];
  const words: { [name: string]: string } = {};
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    const name = space === -1 ? line : line.substring(0, space);
    const value = space === -1 ? 'yes' : line.substring(space + 1);
    if (name === 'exists') {
      paths.push(value);
    } else if (name === 'interface') {
      const [nic, mac, addressType, carrier] = value.split(' ');
      if (nic && mac && addressType) interfaces.push({ name: nic, mac, addressType, carrier: carrier === '1' });
    } else if (/^(?:target|root|drive|nocloud|dialect|only|network-manager|resolved|keep-names)$/.test(name)) {
      words[name] = value;
    }
  }
  const root = words.root || '';
  function readIfThere(path: string): string | undefined {
    try {
      return read(path);
    } catch (_error) {
      return undefined;
    }
  }
  const known = contains(['ifupdown', 'networkd', 'redhat', 'suse', 'gentoo'], words.target || '');
  return {
    target: known ? (words.target as Target) : 'networkd',
    dialect: words.dialect === 'glean' ? 'glean' : 'corrected',
    drive: readDrive(words.drive, words.nocloud, readIfThere),
    interfaces,
    only: words.only,
    system: {
      paths,
      interfaces: readIfThere(`${root}/etc/network/interfaces`),
      authorizedKeys: readIfThere(`${root}/root/.ssh/authorized_keys`),
      hosts: readIfThere(`${root}/etc/hosts`),
      resolvedConf: words.resolved ? readIfThere(`${root}/etc/systemd/resolved.conf`) || '' : undefined,
    },
    networkManager: words['network-manager'] === 'yes',
    skipDns: false,
    keepNames: words['keep-names'] === 'yes',
    parts: { network: true, keys: words.only === undefined, hostName: words.only === undefined },
  };
}

function linesOf(result: RenderResult): string[] {
  const lines: string[] = [];
  for (const warning of result.warnings) lines.push(`warning ${warning}`);
  if (result.hostName !== undefined) lines.push(`name ${result.hostName}`);
  for (const file of result.files) {
    lines.push(`file ${file.mode.toString(8)} ${file.append ? 'append' : 'replace'} ${file.path}`);
    for (const line of file.content.replace(/\n$/, '').split('\n')) lines.push(`|${line}`);
  }
  for (const { from, to } of result.renames) lines.push(`rename ${from} ${to}`);
  lines.push('end');
  return lines;
}
