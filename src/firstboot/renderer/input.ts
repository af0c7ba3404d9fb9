/**
 * What the renderer is given and what it makes. It runs in Node and in mujs (ECMAScript 5), so nothing in this folder
 * may use a library newer than ES5, or touch a file: `main.ts` and `../root.ts` do the reading.
 */

/** Where the network configuration of a system lives. */
export type Target = 'ifupdown' | 'networkd' | 'redhat' | 'suse' | 'gentoo';

/**
 * `glean`: byte for byte what glean prints. `corrected`: the same, without what does not work on a machine
 * (each difference is marked by a comment); this is what the image uses.
 */
export type Dialect = 'glean' | 'corrected';

export interface SystemInterface {
  name: string;
  mac: string;
  /** `/sys/class/net/X/addr_assign_type`; `0` is a permanent address. */
  addressType: string;
  carrier: boolean;
}

/** Texts of a drive's files below `openstack/latest/`; undefined where there is none. */
export interface DriveFiles {
  metaData?: string;
  networkData?: string;
  networkInfo?: string;
  vendorData?: string;
  /** Of a drive that is read instead of these. */
  noCloud?: NoCloudFiles;
}

/** Texts of the files of a NoCloud drive. */
export interface NoCloudFiles {
  metaData?: string;
  networkConfig?: string;
}

/** Files of the system that exist already; a later boot changes nothing. */
export interface SystemFiles {
  /** Paths of the network configuration that exist. */
  paths: string[];
  interfaces?: string;
  authorizedKeys?: string;
  hosts?: string;
  /** Set where systemd-resolved is in use. */
  resolvedConf?: string;
}

export interface RenderInput {
  target: Target;
  dialect: Dialect;
  /** Undefined where there is no drive. */
  drive?: DriveFiles;
  interfaces: SystemInterface[];
  /** Only this interface, whether it has carrier or not. */
  only?: string;
  system: SystemFiles;
  networkManager: boolean;
  skipDns: boolean;
  parts: { network: boolean; keys: boolean; hostName: boolean };
  /** No interface can be renamed now. */
  keepNames?: boolean;
}

/** An interface that is to have another name. */
export interface Rename {
  from: string;
  to: string;
  mac: string;
}

export interface RenderedFile {
  path: string;
  mode: number;
  content: string;
  /** The content goes behind what the file has. */
  append: boolean;
}

export interface RenderResult {
  /** In the order of their paths. */
  files: RenderedFile[];
  hostName?: string;
  renames: Rename[];
  /** What was refused or skipped, and why; one line each. */
  warnings: string[];
}

export const generated = '# Automatically generated, do not edit\n';

/** Stable order by a key: engines differ in `Array.sort`, and mujs in the order of an object's properties. */
export function sortedBy<T>(items: T[], key: (item: T) => string): T[] {
  const result: T[] = [];
  for (const item of items) {
    let at = result.length;
    while (at > 0 && key(result[at - 1] as T) > key(item)) at -= 1;
    result.splice(at, 0, item);
  }
  return result;
}

export function contains(items: string[], wanted: string): boolean {
  return items.indexOf(wanted) !== -1;
}

/** A value from the drive as it is shown in a warning: on one line, printable, not long. */
export function shown(value: string): string {
  let text = '';
  for (let at = 0; at < value.length && at < 80; at += 1) {
    const code = value.charCodeAt(at);
    text += code < 32 || code > 126 ? '?' : value.charAt(at);
  }
  return value.length > 80 ? `${text}...` : text;
}
