import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readLldpFrame } from './lldp.js';

const header = '0180c200000e 0200000000aa 88cc';
const frame = (...words: string[]) => Buffer.from([header, ...words].join('').replaceAll(' ', ''), 'hex');
const text = (words: string) => Buffer.from(words).toString('hex');

it('reads who the switch is, and which port and VLAN this is', () => {
  const facts = readLldpFrame(
    frame(
      ...['0207 04 0200000000aa', `040b 05${text('Ethernet17')}`, '0602 0078', `0806${text('rack 3')}`],
      ...[`0a05${text('sw-a1')}`, `0c03${text('x1\n')}`, '0e04 00140014', '100c 05 01 0a4d00fe 02 00000001 00'],
      ...['fe06 0080c2 01 0064', 'fe05 00120f 01 03', '0000'],
    ),
  );

  expect(facts).toEqual([
    ['chassis/mac', '02:00:00:00:00:aa'],
    ['port/ifname', 'Ethernet17'],
    ['port/descr', 'rack 3'],
    ['chassis/name', 'sw-a1'],
    ['chassis/descr', 'x1\n'],
    ['chassis/mgmt-ip', '10.77.0.254'],
    ['vlan/vlan-id', '100'],
  ]);
});

it.each([
  [`0203 07${text('a1')}`, ['chassis/local', 'a1']],
  ['0206 05 01 0a000001', ['chassis/ip', '10.0.0.1']],
  ['0412 04 02 20010db8000000000000000000000001', ['port/ip', '2001:db8::1']],
  ['0407 03 0200000000ab', ['port/mac', '02:00:00:00:00:ab']],
  [`0403 01${text('up')}`, ['port/ifalias', 'up']],
])('reads the name %s', (field, fact) => {
  expect(readLldpFrame(frame(field))).toEqual([fact]);
});

it.each([
  ['a field that is cut off', frame('0a05', text('sw'))],
  ['a name of a kind that is not known', frame('0203 09 0000', '0400')],
  ['what stands after the end', frame('0000', `0a05${text('sw-a1')}`)],
  ['another protocol', Buffer.from(`0180c200000e0200000000aa0800${'0a0161'}`, 'hex')],
])('passes over %s', (_what, bytes) => {
  expect(readLldpFrame(bytes)).toEqual([]);
});

it('reads any frame to its end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1600 }), (bytes) => {
      const facts = readLldpFrame(Buffer.concat([frame(), bytes]));
      expect(facts.length).toBeLessThanOrEqual(bytes.length / 2);
    }),
  );
});
