import { StackwrightError } from '../base/errors.js';

/** What the ramdisk is told by its kernel line. */
export interface RamdiskParameters {
  server: string;
  httpPort: number;
  token: string;
  section?: string;
  /** Further words by their names; they win over our own. See docs/reference/kernel-line.md. */
  options: Readonly<Record<string, string>>;
  /** Carried to the installed system's kernel. */
  targetKernelLine: string;
}

/**
 * iPXE asks with what it knows of the machine, so that each gets a script of its own. A DHCP server
 * that tells machines apart gives them a section, as `boot.ipxe?section=NAME`.
 */
export function renderIpxeEntry(section?: string): string {
  // Replaced by what it fetches, so that an exit there ends iPXE and not only that script. A relative address keeps the server that the machine has reached. With hyphens, because iPXE takes what stands
  // before a colon for the scheme of an address.
  return [
    '#!ipxe',
    ':again',
    `chain --replace boot.ipxe?mac=\${netX/mac:hexhyp}&uuid=\${uuid}&serial=\${serial:uristring}${section ? `&section=${section}` : ''} ||`,
    'echo Stackwright: the server did not answer, trying again',
    'sleep 10',
    'goto again',
    '',
  ].join('\n');
}

/** What an operator can say to ramdisks, and which values have a meaning. */
const OPTIONS: Record<string, RegExp> = {
  SERV: /^[A-Za-z0-9.-]+$/,
  HTTP_PORT: /^\d{1,5}$/,
  HTTP_PATH: /^[\w./-]+$/,
  HSERV: /^[A-Za-z0-9.-]+$/,
  HSERV_PORT: /^\d{1,5}$/,
  HPATH: /^[\w./-]+$/,
  RSERV: /^[A-Za-z0-9.-]+$/,
  RSERV_PORT: /^\d{1,5}$/,
  RPATH: /^[\w./-]+$/,
  IP: /^[A-Za-z0-9.:,/-]+$/,
  ONSUCCESS: /^(reboot|kexec|halt|console)$/,
  ONFAILURE: /^(halt|console)$/,
  UPLOAD_LOG: /^[01]$/,
  LLDP: /^(0|[1-9]\d?)$/,
  VERBOSE: /^[01]$/,
  DEBUG: /^[01]$/,
};

/**
 * Reads `NAME=VALUE` words for the ramdisk's kernel line.
 * @throws StackwrightError `KernelOptionInvalid`
 */
export function parseRamdiskOptions(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [, name = '', value = ''] = /^([A-Z_]+)=(.*)$/.exec(word) ?? [];
      if (OPTIONS[name]?.test(value)) return [name, value];
      throw new StackwrightError('KernelOptionInvalid', 'the ramdisk does not know such an option', {
        value: word,
        hint: `NAME=VALUE with one of ${Object.keys(OPTIONS).join(' ')}; see docs/reference/kernel-line.md`,
        exitStatus: 2,
      });
    }),
  );
}

/** The kernel line of the ramdisk. See docs/reference/kernel-line.md. */
export function ramdiskKernelLine(parameters: Omit<RamdiskParameters, 'token'> & { token?: string }): string {
  const { server, httpPort, token, section, options, targetKernelLine } = parameters;
  const named: Record<string, string | number> = {
    SERV: server,
    HTTP_PORT: httpPort,
    ...(token ? { TOKEN: token } : {}),
    ONSUCCESS: 'reboot',
    ONFAILURE: 'console',
    ...(section ? { SECTION: section } : {}),
    ...options,
  };
  return [
    'console=tty0',
    'console=ttyS0,115200',
    'quiet',
    'panic=30',
    ...Object.entries(named).map(([name, value]) => `${name}=${value}`),
    `|${targetKernelLine}|`,
  ].join(' ');
}

/** Boots the ramdisk. */
export function renderIpxeBoot(parameters: RamdiskParameters): string {
  // The name of the initrd is for UEFI, which does not hand it over by itself.
  const kernel = `kernel boot/vmlinuz initrd=initrd ${ramdiskKernelLine(parameters)}`;
  return ['#!ipxe', kernel, 'initrd boot/initrd', 'boot', ''].join('\n');
}

/** Sends an installed machine to its first disk; UEFI by a GRUB that finds it, see grub.ts. */
export function renderIpxeLocal(): string {
  return [
    '#!ipxe',
    'echo Installed: starting from the first disk',
    'iseq ${platform} efi && chain boot/local.efi ||',
    'sanboot --no-describe --drive 0x80 || exit',
    '',
  ].join('\n');
}

/** Shows why a machine is not served, on its own console, and tries again later. */
export function renderIpxeRefusal(reason: string): string {
  // iPXE expands ${…} and splits at && and ||.
  const line = reason.replace(/[^A-Za-z0-9 .,:;=/_()'-]/g, '?').slice(0, 200);
  return ['#!ipxe', `echo Stackwright: ${line}`, 'sleep 60', 'reboot', ''].join('\n');
}
