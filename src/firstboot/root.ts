import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, StackwrightError } from '../base/errors.js';
import { readTextIfExistsSync } from '../base/files.js';
import { readDrive } from './renderer/drive.js';
import type { Dialect, RenderResult, SystemInterface, Target } from './renderer/input.js';
import { render } from './renderer/render.js';

/** The distributions by the names that glean has, and the target of each. */
export const distributions: Readonly<Record<string, Target>> = {
  debian: 'ifupdown',
  ubuntu: 'ifupdown',
  networkd: 'networkd',
  redhat: 'redhat',
  centos: 'redhat',
  fedora: 'redhat',
  rocky: 'redhat',
  suse: 'suse',
  opensuse: 'suse',
  sles: 'suse',
  gentoo: 'gentoo',
};

export interface RenderRootOptions {
  distro: string;
  /** Only this interface; it may be without carrier. */
  interface?: string;
  networkManager?: boolean;
  skipDns?: boolean;
  /** The authorized_keys file instead of the network's. */
  ssh?: boolean;
  /** `glean` unless told; the image uses `corrected`. */
  dialect?: Dialect;
}

/**
 * What the first boot of a machine would write, read from a copy of its root: the drive of either kind at `mnt/config`, its
 * interfaces below `sys/class/net`, and the configuration that it has already. Writes nothing.
 * @throws StackwrightError `DistroUnknown`
 */
export function renderRoot(root: string, options: RenderRootOptions): RenderResult {
  const target = Object.hasOwn(distributions, options.distro) ? distributions[options.distro] : undefined;
  if (target === undefined) {
    throw new StackwrightError('DistroUnknown', `distribution ${options.distro} is not known`, {
      value: options.distro,
      hint: `one of ${Object.keys(distributions).join(' ')}`,
      exitStatus: 2,
    });
  }
  const drive = join(root, 'mnt/config');
  const openStack = join(drive, 'openstack/latest');
  const text = (path: string) => readTextIfExistsSync(path);
  const authorizedKeys = text(join(root, 'root/.ssh/authorized_keys'));
  const result = render({
    target,
    dialect: options.dialect ?? 'glean',
    drive: existsSync(openStack) ? readDrive(openStack, undefined, text) : readDrive(undefined, drive, text),
    interfaces: readInterfaces(join(root, 'sys/class/net')),
    only: options.interface,
    system: {
      paths: existingPaths(root),
      interfaces: text(join(root, 'etc/network/interfaces')),
      authorizedKeys,
      hosts: text(join(root, 'etc/hosts')),
      resolvedConf: text(join(root, 'etc/systemd/resolved.conf')),
    },
    networkManager: options.networkManager ?? false,
    skipDns: options.skipDns ?? false,
    parts: { network: !options.ssh, keys: options.ssh ?? false, hostName: false },
  });
  // Shown is the file as it will be, so what is added stands behind what it has.
  const before: Record<string, string | undefined> = {
    '/root/.ssh/authorized_keys': authorizedKeys,
    '/etc/network/interfaces': text(join(root, 'etc/network/interfaces')),
  };
  const files = result.files.map((file) =>
    file.append ? { ...file, append: false, content: (before[file.path] ?? '') + file.content } : file,
  );
  return { ...result, files };
}

/** Directories that hold the network configuration of a target. */
const configurationDirectories = [
  'etc/network/interfaces.d',
  'etc/systemd/network',
  'etc/sysconfig/network-scripts',
  'etc/sysconfig/network',
  'etc/conf.d',
];

function existingPaths(root: string): string[] {
  return configurationDirectories.flatMap((directory) =>
    namesIn(join(root, directory)).map((name) => `/${directory}/${name}`),
  );
}

function readInterfaces(directory: string): SystemInterface[] {
  return namesIn(directory).map((name) => ({
    name,
    mac: readValue(join(directory, name, 'address')),
    addressType: readValue(join(directory, name, 'addr_assign_type')),
    carrier: readValue(join(directory, name, 'carrier')) === '1',
  }));
}

function readValue(path: string): string {
  try {
    return readTextIfExistsSync(path)?.trim() ?? '';
  } catch (error) {
    // The kernel answers so for the carrier of an interface that is down, and bonding_masters is no directory.
    if (hasCode(error, 'EINVAL') || hasCode(error, 'ENOTDIR')) return '';
    throw error;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
