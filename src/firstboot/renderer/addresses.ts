/** Addresses and masks as text. What is not exactly an address is undefined, so nothing else reaches a file. */

export function isIpv4(text: string): boolean {
  return ipv4Bytes(text) !== undefined;
}

export function isIpv6(text: string): boolean {
  return ipv6Groups(text) !== undefined;
}

export function isAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** The prefix length of a netmask: `255.255.255.0`, `ffff:ffff::`, or a length itself. */
export function prefixLength(mask: string, version: 4 | 6): number | undefined {
  if (/^[0-9]{1,3}$/.test(mask)) {
    const length = Number(mask);
    return length <= (version === 4 ? 32 : 128) ? length : undefined;
  }
  const parts = version === 4 ? ipv4Bytes(mask) : ipv6Groups(mask);
  return parts && leadingOnes(parts, version === 4 ? 8 : 16);
}

/** `24` → `255.255.255.0` */
export function ipv4Mask(length: number): string {
  const bytes: number[] = [];
  for (let at = 0; at < 4; at += 1) {
    const ones = Math.max(0, Math.min(8, length - at * 8));
    bytes.push(256 - 2 ** (8 - ones));
  }
  return bytes.join('.');
}

export function isMac(text: string): boolean {
  return /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?:(?::[0-9a-f]{2}){14})?$/.test(text);
}

/** A name that Linux takes for an interface, and that is safe in a file name and in every target's format. */
export function isInterfaceName(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(text);
}

function ipv4Bytes(text: string): number[] | undefined {
  if (!/^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/.test(text)) return undefined;
  const bytes: number[] = [];
  for (const part of text.split('.')) {
    const byte = Number(part);
    if (byte > 255) return undefined;
    bytes.push(byte);
  }
  return bytes;
}

function ipv6Groups(text: string): number[] | undefined {
  if (!/^[0-9A-Fa-f:.]{2,45}$/.test(text)) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] as string, halves.length === 1);
  if (!head) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  const tail = groupsOf(halves[1] as string, true);
  if (!tail || head.length + tail.length > 7) return undefined;
  const result = head.slice();
  while (result.length + tail.length < 8) result.push(0);
  return result.concat(tail);
}

function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at] as string;
    if (last && at === parts.length - 1 && part.indexOf('.') !== -1) {
      const bytes = ipv4Bytes(part);
      if (!bytes) return undefined;
      groups.push((bytes[0] as number) * 256 + (bytes[1] as number), (bytes[2] as number) * 256 + (bytes[3] as number));
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

function leadingOnes(parts: number[], width: number): number | undefined {
  let length = 0;
  let ended = false;
  for (const part of parts) {
    for (let bit = width - 1; bit >= 0; bit -= 1) {
      const one = Math.floor(part / 2 ** bit) % 2 === 1;
      if (one && ended) return undefined;
      if (one) length += 1;
      else ended = true;
    }
  }
  return length;
}
