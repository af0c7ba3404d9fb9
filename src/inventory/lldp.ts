import ipaddr from 'ipaddr.js';

/** A fact of a neighbour without its interface: key and value. */
export type NeighbourFact = readonly [key: string, value: string];

/** Subtypes of the names that a chassis and a port give themselves, in the words of `lldpctl -f keyvalue`. */
const CHASSIS = ['', 'component', 'ifalias', 'component', 'mac', 'ip', 'ifname', 'local'];
const PORT = ['', 'ifalias', 'component', 'mac', 'ip', 'ifname', 'circuit', 'local'];

/** What stands before the fields of a frame: two MAC addresses and the protocol 0x88cc. */
const HEADER = 14;

/**
 * What a frame of LLDP (IEEE 802.1AB) says of the switch that sent it, and of the port. A field that is cut off ends the
 * reading; one that has no meaning here is passed over.
 */
export function readLldpFrame(frame: Buffer): NeighbourFact[] {
  const facts: NeighbourFact[] = [];
  if (frame.length < HEADER || frame.readUInt16BE(HEADER - 2) !== 0x88cc) return facts;
  let at = HEADER;
  while (at + 2 <= frame.length) {
    const head = frame.readUInt16BE(at);
    const end = at + 2 + (head & 0x1ff);
    if (head === 0 || end > frame.length) break;
    const fact = factOf(head >> 9, frame.subarray(at + 2, end));
    if (fact) facts.push(fact);
    at = end;
  }
  return facts;
}

function factOf(type: number, value: Buffer): NeighbourFact | undefined {
  switch (type) {
    case 1:
      return nameOf('chassis', CHASSIS, value);
    case 2:
      return nameOf('port', PORT, value);
    case 4:
      return ['port/descr', value.toString()];
    case 5:
      return ['chassis/name', value.toString()];
    case 6:
      return ['chassis/descr', value.toString()];
    case 8:
      // Its length is that of the family and the address.
      return value.length > 1 ? ['chassis/mgmt-ip', addressOf(value.subarray(1, 1 + value.readUInt8(0)))] : undefined;
    case 127:
      return vlanOf(value);
  }
  return undefined;
}

function nameOf(whose: string, kinds: readonly string[], value: Buffer): NeighbourFact | undefined {
  const kind = kinds[value.at(0) ?? 0];
  if (!kind) return undefined;
  const name = value.subarray(1);
  if (kind === 'mac') return [`${whose}/mac`, name.toString('hex').replaceAll(/(..)(?=.)/g, '$1:')];
  return [`${whose}/${kind}`, kind === 'ip' ? addressOf(name) : name.toString()];
}

/** A family (1 is IPv4, 2 is IPv6) and an address; nothing for other families. */
function addressOf(value: Buffer): string {
  const [family, ...bytes] = value;
  const length = family === 1 ? 4 : family === 2 ? 16 : -1;
  return bytes.length === length ? ipaddr.fromByteArray(bytes).toString() : '';
}

/** The VLAN of frames without a tag, as IEEE 802.1 (00-80-c2) tells it in its field 1. */
function vlanOf(value: Buffer): NeighbourFact | undefined {
  const isVlan = value.length === 6 && value.readUInt32BE(0) === 0x0080c201;
  return isVlan ? ['vlan/vlan-id', String(value.readUInt16BE(4))] : undefined;
}
