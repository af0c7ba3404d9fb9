import { describe, expect, it } from 'vitest';
import { type CmdbEntry, chooseEntry, generate, mergeEntry, parseCmdb, unmergeEntry } from './cmdb.js';

function valuesOf(pattern: string): unknown[] | undefined {
  return generate({ v: pattern })?.map(({ v }) => v);
}

describe('generate', () => {
  it.each([
    ['192.168.122.3-7', ['192.168.122.3', '192.168.122.4', '192.168.122.5', '192.168.122.6', '192.168.122.7']],
    ['host10-12', ['host10', 'host11', 'host12']],
    ['host01-03.example.com', ['host01.example.com', 'host02.example.com', 'host03.example.com']],
    ['1-3:10-12', ['1', '2', '3', '10', '11', '12']],
    ['host3-1', ['host3', 'host2', 'host1']],
    ['08-10', ['08', '09', '10']],
    ['10.0.1-2.2-3', ['10.0.1.2', '10.0.1.3', '10.0.2.2', '10.0.2.3']],
    ['10.0.0.1-2:9', ['10.0.0.1', '10.0.0.2', '10.0.0.9']],
    ['192.168.1.1', ['192.168.1.1']],
    ['plain', ['plain']],
  ])('expands %s', (pattern, values) => {
    expect(valuesOf(pattern)).toEqual(values);
  });

  it('expands all values in step until the shortest ends; what has no range repeats', () => {
    const entries = generate({
      gw: '10.0.0.1',
      ip: '10.0.0.10-99',
      host: 'node1-2',
      vlan: 12,
      role: ['db', 'web', 'x'],
    });

    expect(entries).toEqual([
      { gw: '10.0.0.1', ip: '10.0.0.10', host: 'node1', vlan: 12, role: 'db' },
      { gw: '10.0.0.1', ip: '10.0.0.11', host: 'node2', vlan: 12, role: 'web' },
    ]);
  });

  it('is one entry where nothing has a range', () => {
    expect(generate({ a: 'x', b: 1 })).toEqual([{ a: 'x', b: 1 }]);
  });

  it('is cut by the shortest range before anything is made', () => {
    expect(generate({ ip: '0-255.0-255.0-255.0-255', host: 'h1-2' })).toHaveLength(2);
    expect(generate({ ip: '0-255.0-255.0-255.0-255' })).toBeUndefined();
  });
});

describe('parseCmdb', () => {
  it('reads a list, and generate in its place', () => {
    expect(parseCmdb("[{'ip': '10.0.0.1', 'used': 1}]", 'vm.cmdb')).toEqual({
      entries: [{ ip: '10.0.0.1', used: 1 }],
      generated: false,
    });
    expect(parseCmdb("# made\ngenerate({'ip': '10.0.0.1-2'})\n", 'vm.cmdb')).toEqual({
      entries: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
      generated: true,
    });
  });

  it.each([
    ["{'ip': 1}", 'a CMDB is not a list'],
    ["system({'ip': 1})", 'only generate({…}) is known here'],
    ['[1]', 'an entry is not a dict'],
    ["[{'a': '\\x00'}]", 'an entry holds a character that cannot be stored'],
    ["generate({'ip': '0-255.0-255.0-255.0-255'})", 'there are more than 100000 entries'],
  ])('refuses %s', (text, message) => {
    expect(() => parseCmdb(text, 'vm.cmdb')).toThrow(expect.objectContaining({ code: 'CmdbInvalid', message }));
  });
});

describe('the entry of a machine', () => {
  const entries: CmdbEntry[] = [{ ip: '1', mac: 'aa', used: 1 }, { ip: '2', mac: 'bb' }, { ip: '3' }];

  it('is the one that has its variables, else the first free one', () => {
    expect(chooseEntry(entries, { mac: 'aa' }, {})).toBe(0);
    expect(chooseEntry(entries, { mac: 'bb' }, {})).toBe(1);
    expect(chooseEntry(entries, { mac: 'cc' }, {})).toBe(1);
    expect(chooseEntry(entries.slice(0, 1), { mac: 'cc' }, {})).toBeUndefined();
  });

  it('must have the values of $$ variables; then no free entry is taken', () => {
    expect(chooseEntry(entries, { mac: 'bb', disk: 'sda' }, { mac: 'bb' })).toBe(1);
    expect(chooseEntry(entries, { mac: 'cc' }, { mac: 'cc' })).toBeUndefined();
  });

  it('is a used one for no machine without variables', () => {
    expect(chooseEntry(entries, {}, {})).toBe(1);
  });

  it('keeps its own values when it is merged, and is as before when it is released', () => {
    const merged = mergeEntry({ ip: '3', disk: 'sdb' }, { mac: 'cc', disk: 'sda' });

    expect(merged).toEqual({ entry: { ip: '3', disk: 'sdb', mac: 'cc', used: 1 }, added: ['mac'] });
    expect(unmergeEntry(merged.entry, merged.added)).toEqual({ ip: '3', disk: 'sdb' });
  });
});
