import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './command.js';
import { StackwrightError } from './errors.js';
import type { Reporter } from './events.js';

/** A program of the host that Stackwright calls. */
interface HostProgram {
  /** A name on PATH, or an absolute path (with `*`) of a file that must be there. */
  program: string;
  /** The Debian package that has it. */
  package: string;
  purpose: string;
  /** Only what its purpose says needs it, or is slower without it. */
  optional?: true;
}

/** Every program that is called, so that a missing one is known before work starts. */
export const hostPrograms: HostProgram[] = [
  { program: 'mmdebstrap', package: 'mmdebstrap', purpose: 'image: the root of an image' },
  { program: 'mksquashfs', package: 'squashfs-tools', purpose: 'role: packs a tree' },
  { program: 'unsquashfs', package: 'squashfs-tools', purpose: 'role: looks into a role' },
  { program: 'unshare', package: 'util-linux', purpose: 'image: namespaces for the scripts of elements' },
  { program: 'nsenter', package: 'util-linux', purpose: 'image: namespaces for the scripts of elements' },
  { program: 'depmod', package: 'kmod', purpose: 'netboot: drivers of the ramdisk' },
  { program: '/usr/lib/ipxe/undionly.kpxe', package: 'ipxe', purpose: 'netboot: firmware for machines without iPXE' },
  { program: 'genisoimage', package: 'genisoimage', purpose: 'firstboot: config drives as ISO 9660' },
  { program: 'mkfs.vfat', package: 'dosfstools', purpose: 'firstboot: config drives as vfat' },
  { program: 'mcopy', package: 'mtools', purpose: 'firstboot: config drives as vfat' },
  { program: 'zstd', package: 'zstd', purpose: 'netboot: packs the ramdisk' },
  { program: 'cpio', package: 'cpio', purpose: 'netboot: packs the ramdisk' },
  { program: 'ip', package: 'iproute2', purpose: 'lab: network namespaces' },
  { program: 'dnsmasq', package: 'dnsmasq-base', purpose: 'netboot: DHCP, TFTP and router advertisements' },
  { program: 'qemu-system-x86_64', package: 'qemu-system-x86', purpose: 'lab: virtual machines' },
  {
    program: '/usr/share/OVMF/OVMF_CODE_4M.fd',
    package: 'ovmf',
    purpose: 'lab: UEFI of virtual machines',
    optional: true,
  },
  { program: 'ipmi_sim', package: 'openipmi', purpose: 'lab: BMCs of virtual machines', optional: true },
  { program: 'ipmitool', package: 'ipmitool', purpose: 'power: BMCs by IPMI', optional: true },
  { program: 'xorriso', package: 'xorriso', purpose: 'netboot: boot media', optional: true },
  { program: 'pigz', package: 'pigz', purpose: 'image: gzip on all processors', optional: true },
  { program: 'qemu-img', package: 'qemu-utils', purpose: 'image, lab: disk images' },
  { program: '/usr/lib/ipxe/qemu/pxe-virtio.rom', package: 'ipxe-qemu', purpose: 'lab: PXE in virtual machines' },
  { program: '/usr/share/seabios/bios-256k.bin', package: 'seabios', purpose: 'lab: BIOS of virtual machines' },
  { program: 'nc', package: 'netcat-openbsd', purpose: 'lab: ssh into the rack' },
  { program: 'ssh', package: 'openssh-client', purpose: 'deploy: reaches the hosts' },
  { program: 'openssl', package: 'openssl', purpose: 'deploy: certificates of hosts, for TLS', optional: true },
  { program: 'ssh-keygen', package: 'openssh-client', purpose: 'inventory: keys and host keys' },
  { program: 'rsync', package: 'rsync', purpose: 'role: transport for eDeploy clients' },
  { program: 'losetup', package: 'mount', purpose: 'image: block devices' },
  { program: 'sfdisk', package: 'fdisk', purpose: 'image: partition tables' },
  { program: 'mke2fs', package: 'e2fsprogs', purpose: 'image: file systems' },
  { program: 'curl', package: 'curl', purpose: 'image: asks archives for their packages, downloads files' },
  { program: 'git', package: 'git', purpose: 'image: source-repositories' },
  { program: 'getfattr', package: 'attr', purpose: 'image: compares images' },
  { program: 'setpriv', package: 'util-linux', purpose: 'engine: PostgreSQL does not run as root' },
  { program: '/usr/lib/postgresql/*/bin/initdb', package: 'postgresql', purpose: 'engine: the private database' },
  {
    program: '/usr/share/keyrings/debian-archive-keyring.gpg',
    package: 'debian-archive-keyring',
    purpose: 'image: checks packages',
  },
];

export interface Finding extends HostProgram {
  /** Where it is; undefined when it is missing. */
  path?: string;
}

export function examineHost(): Finding[] {
  return hostPrograms.map((wanted) => ({ ...wanted, path: find(wanted.program) }));
}

/** What compresses as gzip does: pigz where it is, on all processors. */
export function gzipProgram(): string {
  return find('pigz') ? 'pigz' : 'gzip';
}

function find(program: string): string | undefined {
  const [before, after] = program.split('*');
  if (before !== undefined && after !== undefined) {
    const names = existsSync(before) ? readdirSync(before) : [];
    return names.map((name) => `${before}${name}${after}`).find((path) => existsSync(path));
  }
  if (program.startsWith('/')) return existsSync(program) ? program : undefined;
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories.map((directory) => join(directory, program)).find((path) => existsSync(path));
}

/** @throws StackwrightError `NotRoot` with the command to run as root */
export async function installPackages(packages: string[], reporter: Reporter): Promise<void> {
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  if (process.getuid?.() !== 0) {
    throw new StackwrightError('NotRoot', 'packages are missing, and only root can install them', {
      value: packages.join(' '),
      hint: `sudo apt-get update && sudo apt-get ${install.join(' ')}`,
    });
  }
  const message = `installing ${packages.join(' ')}`;
  reporter.report({ code: 'host.packages.installing', level: 'info', message, data: { packages } });
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update'], { env });
  await run('apt-get', install, { env, timeout: 1200 });
}
