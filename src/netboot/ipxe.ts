/** What the ramdisk is told by its kernel line. */
export interface RamdiskParameters {
  server: string;
  httpPort: number;
  token: string;
  onSuccess: 'reboot' | 'kexec' | 'halt' | 'console';
  onFailure: 'halt' | 'console';
  section?: string;
  /** Carried to the installed system's kernel. */
  targetKernelLine: string;
}

/**
 * iPXE asks with what it knows of the machine, so that each gets a script of its own. A DHCP server
 * that tells machines apart gives them a section, as `boot.ipxe?section=NAME`.
 */
export function renderIpxeEntry(section?: string): string {
  // A relative address keeps the server that the machine has reached. With hyphens, because iPXE takes what stands
  // before a colon for the scheme of an address.
  return [
    '#!ipxe',
    ':again',
    `chain boot.ipxe?mac=\${netX/mac:hexhyp}&uuid=\${uuid}&serial=\${serial:uristring}${section ? `&section=${section}` : ''} ||`,
    'echo Stackwright: the server did not answer, trying again',
    'sleep 10',
    'goto again',
    '',
  ].join('\n');
}

/** Boots the ramdisk. See docs/reference/kernel-line.md. */
export function renderIpxeBoot(parameters: RamdiskParameters): string {
  const words = [
    'initrd=initrd',
    'console=tty0',
    'console=ttyS0,115200',
    'quiet',
    'panic=30',
    `SERV=${parameters.server}`,
    `HTTP_PORT=${parameters.httpPort}`,
    `TOKEN=${parameters.token}`,
    `ONSUCCESS=${parameters.onSuccess}`,
    `ONFAILURE=${parameters.onFailure}`,
    ...(parameters.section ? [`SECTION=${parameters.section}`] : []),
    `|${parameters.targetKernelLine}|`,
  ];
  return ['#!ipxe', `kernel boot/vmlinuz ${words.join(' ')}`, 'initrd boot/initrd', 'boot', ''].join('\n');
}

/** Sends an installed machine to its first disk. */
export function renderIpxeLocal(): string {
  return [
    '#!ipxe',
    'echo Installed: starting from the first disk',
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
