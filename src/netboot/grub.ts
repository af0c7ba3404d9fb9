import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../base/command.js';

/** Packages whose GRUB is used; it is unpacked beside the ramdisk, so that the host needs none. */
export const GRUB_PACKAGES = ['grub-common', 'grub-efi-amd64-bin', 'grub-pc-bin'];

/**
 * Starts the system on a local disk of a UEFI machine, whatever the order of the firmware's entries is:
 * firmware that is left by iPXE tries all other ways of the network first, and that takes minutes.
 * GRUB's small parser runs it, which has no `if`: a line that fails is passed over.
 */
const LOCAL = `search.file /EFI/BOOT/BOOTX64.EFI root
chainloader /EFI/BOOT/BOOTX64.EFI
boot
exit
`;

/** Finds the medium from which it was started. */
export const MEDIUM_MARK = '/.stackwright-medium';
const MEDIUM = `search.file ${MEDIUM_MARK} root
set prefix=($root)/boot/grub
`;

const DISKS = ['part_gpt', 'part_msdos', 'fat', 'search_fs_file'];
const MENU = ['iso9660', 'normal', 'configfile', 'linux', 'search', 'serial', 'terminal', 'test', 'echo', 'all_video'];

/** Makes, from an unpacked tree of packages, what starts UEFI machines from their disks, and boot media. */
export async function makeGrub(tree: string, output: string): Promise<void> {
  const efi = ['chain', 'boot', 'minicmd'];
  await image(tree, join(output, 'local.efi'), 'x86_64-efi', LOCAL, [...DISKS, ...efi]);
  await image(tree, join(output, 'medium.efi'), 'x86_64-efi', MEDIUM, [...DISKS, ...MENU, ...efi]);
  await image(tree, join(output, 'medium.bios'), 'i386-pc-eltorito', MEDIUM, [...DISKS, ...MENU, 'biosdisk']);
  await copyFile(join(tree, 'usr/lib/grub/i386-pc/boot_hybrid.img'), join(output, 'medium.mbr'));
}

async function image(tree: string, output: string, format: string, script: string, modules: string[]): Promise<void> {
  await writeFile(join(tree, 'grub.cfg'), script);
  const options = ['--format', format, '--output', '/grub.image', '--config', '/grub.cfg', '--prefix', '/boot/grub'];
  await run('chroot', [tree, '/usr/bin/grub-mkimage', ...options, ...modules]);
  await copyFile(join(tree, 'grub.image'), output);
  await rm(join(tree, 'grub.image'));
}
