import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Fact, identityOf, machineName, parseFacts, saveFacts, traitsOf } from './facts.js';

const facts: Fact[] = [
  ['disk', 'vda', 'size', '4'],
  ['system', 'product', 'name', 'ProLiant DL360p Gen8 (654081-B21)'],
  ['system', 'product', 'version', 'Not Specified'],
  ['system', 'product', 'serial', 'CZJ31402CD'],
  ['system', 'product', 'uuid', '30373237-3132-4D32-3231-353230334337'],
  ['network', 'eth0', 'serial', 'D8:9D:67:1A:8F:58'],
];

it('reads JSON, and the Python list of an old .hw file', () => {
  const json = parseFacts('[["disk", "vda", "size", "4"]]', 'facts.json');
  const python = parseFacts("[('disk', 'vda', 'size', '4')]", 'old.hw');

  expect(json).toEqual([['disk', 'vda', 'size', '4']]);
  expect(python).toEqual(json);
});

it.each([
  ['[["disk", "vda", "size"]]', 'entry 1'],
  ['[["disk", "vda", "size", "4"], ["disk", "vda", "size", 4]]', 'entry 2'],
  [JSON.stringify([['disk', 'vda', 'size', 'x'.repeat(4097)]]), 'entry 1'],
  ['[["disk", "vda", "size", "\\u0000"]]', 'entry 1'],
  [JSON.stringify(Array.from({ length: 20_001 }, () => ['a', 'b', 'c', 'd'])), undefined],
  [`[["a", "b", "c", "d"]]${' '.repeat(4 * 1024 * 1024)}`, '4194326 bytes'],
])('refuses facts of another shape or size (%#)', (text, value) => {
  expect(() => parseFacts(text, 'facts.json')).toThrow(
    expect.objectContaining({ code: 'FactsInvalid', details: expect.objectContaining({ file: 'facts.json', value }) }),
  );
});

it('tells a machine by its UUID, else its serial number, else its first MAC', () => {
  const { uuid, serial, mac } = traitsOf(facts);

  expect(identityOf({ uuid, serial, mac })).toBe('30373237-3132-4d32-3231-353230334337');
  expect(identityOf({ serial, mac })).toBe('czj31402cd');
  expect(identityOf({ mac })).toBe('d8:9d:67:1a:8f:58');
});

it.each([
  '00000000-0000-0000-0000-000000000000',
  'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
  'None',
  'To be filled by O.E.M.',
  'Not Specified',
  '03000200-0400-0500-0006-000700080009',
  '0',
  ' ',
])('passes over the placeholder %j', (uuid) => {
  expect(identityOf({ uuid, mac: '52:54:00:12:34:56' })).toBe('52:54:00:12:34:56');
});

it('refuses a machine that nothing tells from others', () => {
  expect(() => identityOf({ uuid: 'None', mac: '00:00:00:00:00:00' })).toThrow(
    expect.objectContaining({ code: 'MachineUnidentified' }),
  );
});

it('names a machine by product and serial number, else by its first MAC', () => {
  expect(machineName(facts)).toBe('ProLiantDL360pGen8654081B21-CZJ31402CD');
  expect(machineName(facts.filter(([, , key]) => key !== 'serial' || false))).toBe(
    'ProLiantDL360pGen8654081B21-30373237-3132-4D32-3231-353230334337',
  );
  expect(machineName([['network', 'eth0', 'serial', 'D8:9D:67:1A:8F:58']])).toBe('d8-9d-67-1a-8f-58');
  expect(machineName([['system', 'product', 'name', '../../etc/passwd']])).toBe('etcpasswd');
});

it("saves facts in eDeploy's form, for its owner only", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'stackwright-'));

  const path = await saveFacts(join(directory, 'hw'), facts.slice(0, 4));

  expect(path).toBe(join(directory, 'hw', 'ProLiantDL360pGen8654081B21-CZJ31402CD.hw'));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toBe(`[
 ('disk', 'vda', 'size', '4'),
 ('system', 'product', 'name', 'ProLiant DL360p Gen8 (654081-B21)'),
 ('system', 'product', 'version', 'Not Specified'),
 ('system', 'product', 'serial', 'CZJ31402CD')
]
`);
  rmSync(directory, { recursive: true });
});
