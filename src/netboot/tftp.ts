import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** iPXE for a BIOS and for UEFI, as Debian's package ipxe has it. Secure Boot refuses it: it is not signed. */
const FIRMWARE = ['undionly.kpxe', 'snponly.efi'];

/** Fills the directory that dnsmasq serves by TFTP. */
export async function prepareTftp(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const name of FIRMWARE) {
    if (existsSync(`/usr/lib/ipxe/${name}`)) await copyFile(`/usr/lib/ipxe/${name}`, join(directory, name));
  }
}
