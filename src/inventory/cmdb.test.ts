import fc from 'fast-check';
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

describe('generate, for any ranges', () => {
  /** What a person would write down for a range: its numbers, one after the other. */
  const range = fc.tuple(fc.nat(300), fc.nat(300), fc.constantFrom(0, 3, 5)).map(([from, to, width]) => {
    const numbers: number[] = [];
    for (let at = from; from <= to ? at <= to : at >= to; at += from <= to ? 1 : -1) numbers.push(at);
    const pad = (number: number) => String(number).padStart(width, '0');
    // Zeros are kept where the first number has them.
    const write = pad(from).startsWith('0') ? pad : String;
    return { text: `${pad(from)}-${pad(to)}`, values: numbers.map(write) };
  });
  const several = fc.array(range, { minLength: 1, maxLength: 3 }).map((parts) => ({
    text: parts.map(({ text }) => text).join(':'),
    values: parts.flatMap(({ values }) => values),
  }));

  it('names are the numbers between what stands around them', () => {
    const around = fc.string({ unit: fc.constantFrom(...'abc.-_ xyz'), maxLength: 6 });

    fc.assert(
      fc.property(around, several, around, (head, { text, values }, foot) => {
        fc.pre(!/-$/.test(head) && !/^[-:]/.test(foot));
        expect(valuesOf(`${head}${text}${foot}`)).toEqual(values.map((value) => head + value + foot));
      }),
    );
  });

  it('addresses are every combination, the last octet fastest', () => {
    const octet = fc.oneof(
      fc.nat(255).map((number) => ({ text: String(number), values: [String(number)] })),
      fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 4 })).map(([from, more]) => ({
        text: `${from}-${from + more}`,
        values: Array.from({ length: more + 1 }, (_, at) => String(from + at)),
      })),
    );

    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), (octets) => {
        const combined = octets.reduce(
          (heads, { values }) => heads.flatMap((head) => values.map((value) => [...head, value])),
          [[]] as string[][],
        );
        const text = octets.map((one) => one.text).join('.');
        expect(valuesOf(text)).toEqual(combined.map((words) => words.join('.')));
      }),
    );
  });

  it('a dict is as long as its shortest range, and every key goes its own way', () => {
    fc.assert(
      fc.property(fc.array(several, { minLength: 1, maxLength: 4 }), fc.integer(), (columns, constant) => {
        const ranged = Object.fromEntries(columns.map(({ text }, at) => [`k${at}`, `n${text}`]));

        const entries = generate({ constant, ...ranged });

        const length = Math.min(...columns.map(({ values }) => values.length));
        expect(entries).toHaveLength(length);
        for (const [at, entry] of (entries ?? []).entries()) {
          const own = columns.map(({ values }, column) => [`k${column}`, `n${values[at]}`]);
          expect(entry).toEqual({ constant, ...Object.fromEntries(own) });
        }
      }),
    );
  });

  it('the expansion has no range left that would expand again to more', () => {
    fc.assert(
      fc.property(several, ({ text }) => {
        for (const value of valuesOf(`host${text}`) ?? []) expect(valuesOf(String(value))).toEqual([value]);
      }),
    );
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
