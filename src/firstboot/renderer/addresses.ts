import { hexDigits, isNumber, madeOf, wordLetters } from './text.js';

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
  if (isNumber(mask, 3)) {
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

/** True where both addresses lie in one network of this prefix length. */
export function inOneNetwork(one: string, other: string, prefix: number): boolean {
  const width = isIpv4(one) ? 8 : 16;
  const parts = ipv4Bytes(one) || ipv6Groups(one);
  const others = width === 8 ? ipv4Bytes(other) : ipv6Groups(other);
  if (!parts || !others) return false;
  for (let at = 0; at * width < prefix; at += 1) {
    const unit = 2 ** Math.max(0, (at + 1) * width - prefix);
    if (Math.floor((parts[at] as number) / unit) !== Math.floor((others[at] as number) / unit)) return false;
  }
  return true;
}

export function isMac(text: string): boolean {
  const parts = text.split(':');
  // InfiniBand's have 20 bytes.
  if (parts.length !== 6 && parts.length !== 20) return false;
  for (const part of parts) if (part.length !== 2 || !madeOf(part, '0123456789abcdef', 2)) return false;
  return true;
}

/** A name that Linux takes for an interface, and that is safe in a file name and in every target's format. */
export function isInterfaceName(text: string): boolean {
  return madeOf(text, `${wordLetters}_.-`, 15) && text.charAt(0) !== '.' && text.charAt(0) !== '-';
}

/** True for a name that real hardware never has. */
export function isVirtualName(text: string): boolean {
  return /^(?:sit|tunl|bonding_master|teql|wg|ip6gre|ip6_vti|ip6tnl|bond|lo)/.test(text);
}

function ipv4Bytes(text: string): number[] | undefined {
  if (text.length > 15) return undefined;
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!isNumber(part, 3)) return undefined;
    const byte = Number(part);
    if (byte > 255) return undefined;
    bytes.push(byte);
  }
  return bytes;
}

function ipv6Groups(text: string): number[] | undefined {
  if (text.length < 2 || !madeOf(text, `${hexDigits}:.`, 45)) return undefined;
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
    } else if (madeOf(part, hexDigits, 4)) {
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
