import { existsSync, statSync } from 'node:fs';
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { run } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import { openTemporary } from '../base/temporary.js';
import { reportNetboot } from './events.js';
import { MEDIUM_MARK } from './grub.js';
import { type RamdiskParameters, ramdiskKernelLine } from './ipxe.js';
import type { Ramdisk } from './ramdisk.js';

export interface MediaOptions {
  state: StateDirectory;
  reporter: Reporter;
  ramdisk: Ramdisk;
  /** The file to write, for a CD, a USB stick or a BMC's virtual medium. */
  output: string;
  /** What the ramdisk is told; it asks the server for a token by itself. */
  parameters: Omit<RamdiskParameters, 'token'>;
}

/**
 * Writes a medium that starts the ramdisk on machines without PXE, by BIOS and by UEFI (without Secure
 * Boot): ISO 9660, which can be written to a USB stick as it is.
 * @throws StackwrightError `CommandNotFound` without xorriso
 */
export async function buildMedia({ state, reporter, ramdisk, output, parameters }: MediaOptions): Promise<void> {
  if (!existsSync(join(ramdisk.directory, 'medium.efi'))) {
    throw new StackwrightError('RamdiskOutdated', 'the ramdisk was built by an older Stackwright', {
      value: ramdisk.directory,
      hint: 'stackwright netboot build --rebuild',
    });
  }
  await using temporary = openTemporary(state, 'boot medium');
  const tree = temporary.directory('medium');
  await mkdir(join(tree, 'boot', 'grub'), { recursive: true });
  for (const name of ['vmlinuz', 'initrd']) {
    await copyFile(join(ramdisk.directory, name), join(tree, 'boot', name));
  }
  await copyFile(join(ramdisk.directory, 'medium.bios'), join(tree, 'boot', 'grub', 'bios.img'));
  await writeFile(join(tree, MEDIUM_MARK), '');
  await writeFile(join(tree, 'boot', 'grub', 'grub.cfg'), renderMenu(parameters));
  await makeEfiPartition(join(ramdisk.directory, 'medium.efi'), join(tree, 'boot', 'efi.img'));
  const made = `${resolve(output)}.part`;
  temporary.add({ kind: 'file', path: made });
  await mkdir(dirname(made), { recursive: true });
  await run('xorriso', xorrisoArguments(tree, join(ramdisk.directory, 'medium.mbr'), made));
  await rename(made, resolve(output));
  const { size: bytes } = statSync(output);
  reportNetboot(reporter, {
    code: 'netboot.media.written',
    level: 'info',
    message: `wrote ${output}: ${(bytes / 1e6).toFixed(1)} MB`,
    data: { path: resolve(output), bytes },
  });
}

/** The menu of a boot medium: installs after ten seconds. */
export function renderMenu(parameters: Omit<RamdiskParameters, 'token'>): string {
  return [
    'serial --unit=0 --speed=115200',
    'terminal_input console serial',
    'terminal_output console serial',
    'set timeout=10',
    `menuentry 'Stackwright: ask ${parameters.server} what this machine is to be' {`,
    // What stands between the bars goes to the installed system; the shell of GRUB would take them for pipes.
    `  linux /boot/vmlinuz ${ramdiskKernelLine(parameters).replace(/\|.*\|$/, (bars) => `'${bars}'`)}`,
    '  initrd /boot/initrd',
    '}',
    "menuentry 'Start from the disk' {",
    '  exit',
    '}',
    '',
  ].join('\n');
}

async function makeEfiPartition(loader: string, output: string): Promise<void> {
  const kibibytes = 2048 + Math.ceil(statSync(loader).size / 1024);
  // mkfs.vfat is not on every user's PATH.
  await run('mkfs.vfat', ['-C', '-n', 'STACKWRIGHT', output, String(kibibytes)], {
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
  });
  await run('mmd', ['-i', output, '::/EFI', '::/EFI/BOOT']);
  await run('mcopy', ['-i', output, loader, '::/EFI/BOOT/BOOTX64.EFI']);
}

/** A CD for BIOS and UEFI that is also a disk: its first sector is GRUB's, and it has a partition for UEFI. */
function xorrisoArguments(tree: string, mbr: string, output: string): string[] {
  return [
    ...['-as', 'mkisofs', '-quiet', '-r', '-V', 'STACKWRIGHT', '-o', output],
    ...['--grub2-mbr', mbr, '-partition_offset', '16', '--mbr-force-bootable'],
    ...['-append_partition', '2', '0xef', join(tree, 'boot', 'efi.img'), '-appended_part_as_gpt'],
    ...['-b', 'boot/grub/bios.img', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table', '--grub2-boot-info'],
    ...['-eltorito-alt-boot', '-e', '--interval:appended_partition_2:all::', '-no-emul-boot'],
    tree,
  ];
}
