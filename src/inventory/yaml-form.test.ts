import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatPythonLiteral, PythonTuple } from '../base/python-literal.js';
import { formatCmdb, parseCmdb } from './cmdb.js';
import { convertSite, convertText } from './convert.js';
import { checkSite, loadSite, parseState } from './site.js';
import { parseSpecs, type Spec } from './specs.js';

const elements = (specs: Spec[]) => specs.map((spec) => spec.elements.map(({ text }) => text));

describe('specs in YAML', () => {
  it('are those of the Python form, words as they are written', () => {
    const yaml =
      '# ours\n- [disk, $disk, size, gt(4)]\n- [disk, $disk, vendor, 0x1af4]\n- [a, b, c, "or(in(x), in(y))"]\n';

    const specs = parseSpecs(yaml, 'vm.specs.yaml');

    expect(elements(specs)).toEqual([
      ['disk', '$disk', 'size', 'gt(4)'],
      ['disk', '$disk', 'vendor', '0x1af4'],
      ['a', 'b', 'c', 'or(in(x), in(y))'],
    ]);
    expect(specs.map(({ line }) => line)).toEqual([2, 3, 4]);
  });

  it.each([
    ['- [disk, $d, size]', 'YamlInvalid', 1, undefined],
    ['- [disk, $d, size, 4]\n- disk', 'YamlInvalid', 2, 'disk'],
    ['- [disk, $d, size, [4]]', 'YamlInvalid', 1, '[4]'],
    ['- [disk, $d, size, null]', 'YamlInvalid', 1, 'null'],
    ['- [disk, $d, size, 4]\n- [disk, $d, size, gte(4)]', 'SpecInvalid', 2, 'gte(4)'],
    ['- [disk, $d, size, gt(4)', 'YamlInvalid', 1, undefined],
    ['- &a [disk, $d, size, 4]\n- *a', 'YamlInvalid', 2, '*a'],
    ['', 'YamlInvalid', undefined, undefined],
  ])('are refused with the place where they are wrong: %j', (text, code, line, value) => {
    const read = () => parseSpecs(text, 'vm.specs.yaml');

    expect(read).toThrow(expect.objectContaining({ code }));
    expect(read).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ file: 'vm.specs.yaml', ...(line && { line }) }) }),
    );
    if (value) expect(read).toThrow(expect.objectContaining({ details: expect.objectContaining({ value }) }));
  });
});

describe('a CMDB in YAML', () => {
  it('holds entries, and generate in the place of one or of all', () => {
    const list = '- {ip: 10.0.0.1, mac: 52:54:00:00:00:01, vlan: 7, dns: [a, b]}\n- generate: {ip: 10.0.0.2-3}\n';

    expect(parseCmdb(list, 'vm.cmdb.yaml')).toEqual({
      entries: [
        { ip: '10.0.0.1', mac: '52:54:00:00:00:01', vlan: 7, dns: ['a', 'b'] },
        { ip: '10.0.0.2' },
        { ip: '10.0.0.3' },
      ],
      generated: true,
    });
    expect(parseCmdb('generate:\n  host: node01-02\n', 'vm.cmdb.yaml').entries).toEqual([
      { host: 'node01' },
      { host: 'node02' },
    ]);
  });

  it('keeps a number as text that would lose zeros or digits', () => {
    expect(parseCmdb('- {a: 007, b: 1.50, c: 12345678901234567890, d: -3}', 'x.cmdb.yaml').entries).toEqual([
      { a: '007', b: '1.50', c: '12345678901234567890', d: -3 },
    ]);
  });

  it.each([
    ['generate: [1]', 'expected record'],
    ['generate: {a: b}\nmore: 1', 'Unrecognized key'],
    ['- one', 'expected record'],
    ['- {a: 1, a: 2}', 'unique'],
  ])('is refused: %j', (text, message) => {
    expect(() => parseCmdb(text, 'vm.cmdb.yaml')).toThrow(
      expect.objectContaining({ code: 'YamlInvalid', message: expect.stringContaining(message) }),
    );
  });
});

it('reads state.yaml, and names a wrong count', () => {
  expect(parseState('- {profile: hp, count: 4}\n- {count: "*", profile: vm}\n', 'state.yaml')).toEqual([
    { name: 'hp', remaining: 4 },
    { name: 'vm', remaining: null },
  ]);
  expect(() => parseState('- profile: hp\n  count: many\n', 'state.yaml')).toThrow(
    expect.objectContaining({ code: 'YamlInvalid', details: expect.objectContaining({ line: 2, value: 'many' }) }),
  );
  expect(() => parseState('- {profile: ../hp, count: 1}', 'state.yaml')).toThrow('the name of a profile is wrong');
});

describe('a conversion', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 20 }).filter((text) => !/[$(]/.test(text)),
    fc.constantFrom(
      '$a',
      '$$b',
      'gt(4)',
      '$c=in("x, y")',
      '4',
      '0x1af4',
      'true',
      'null',
      '~',
      "it's",
      ' a ',
      '- b',
      '#c',
    ),
  );

  it('of specs there and back gives the same specs', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word, word, word), { maxLength: 6 }), (specs) => {
        const python = `${formatPythonLiteral(specs.map((spec) => new PythonTuple(spec)))}\n`;

        const yaml = convertText(python, 'x.specs', 'specs');
        const back = convertText(yaml, 'x.specs.yaml', 'specs');

        expect(elements(parseSpecs(yaml, 'x.specs.yaml'))).toEqual(specs);
        expect(back).toBe(python);
      }),
    );
  });

  it('of a CMDB there and back gives the same entries', () => {
    const value = fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null), fc.array(word, { maxLength: 3 }));
    const entry = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), value, {
      maxKeys: 5,
      noNullPrototype: true,
    });

    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        const yaml = convertText(formatCmdb(entries, 'x.cmdb'), 'x.cmdb', 'cmdb');

        expect(parseCmdb(yaml, 'x.cmdb.yaml').entries).toEqual(entries);
        expect(convertText(yaml, 'x.cmdb.yaml', 'cmdb')).toBe(formatCmdb(entries, 'x.cmdb'));
      }),
    );
  });

  it('leaves generate as it is', () => {
    const one = "generate({'ip': '10.0.0.1-3'})\n";
    const mixed = "[\n {'ip': '10.0.0.9'},\n generate({'ip': '10.0.0.1-3'})\n]\n";

    expect(convertText(one, 'x.cmdb', 'cmdb')).toBe('generate:\n  ip: 10.0.0.1-3\n');
    expect(convertText(mixed, 'x.cmdb', 'cmdb')).toBe('- ip: 10.0.0.9\n- generate:\n    ip: 10.0.0.1-3\n');
    for (const text of [one, mixed]) {
      expect(convertText(convertText(text, 'x.cmdb', 'cmdb'), 'x.cmdb.yaml', 'cmdb')).toBe(text);
    }
  });
});

describe('a site', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
    const files = {
      state: "[('hp', 4), ('vm', '*')] # ours\n",
      'hp.specs': "[('system', 'product', 'vendor', 'HP')]\n",
      'hp.configure': '',
      'vm.specs': "[('disk', '$disk', 'size', 'gt(4)')]\n",
      'vm.configure': '#!/bin/sh\n',
      'vm.cmdb': "generate({'ip': '192.168.122.3-4'})\n",
      'vm.cmdb.orig': 'of before\n',
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');

  it('is converted in place and back, and files as they were are kept', async () => {
    const before = await loadSite(directory);

    await convertSite(directory, 'yaml');
    const after = await loadSite(directory);

    expect(read('state.yaml')).toBe('- profile: hp\n  count: 4\n- profile: vm\n  count: "*"\n');
    expect(read('vm.specs.yaml')).toBe('- [disk, $disk, size, gt(4)]\n');
    expect(read('state.orig')).toContain('# ours');
    expect([read('vm.cmdb.orig'), read('vm.cmdb.orig.1')]).toEqual([
      'of before\n',
      "generate({'ip': '192.168.122.3-4'})\n",
    ]);
    expect(readdirSync(directory)).not.toContain('vm.specs');
    expect(
      after.profiles.map(({ name, remaining, specs, cmdb }) => [name, remaining, elements(specs), cmdb?.entries]),
    ).toEqual(
      before.profiles.map(({ name, remaining, specs, cmdb }) => [name, remaining, elements(specs), cmdb?.entries]),
    );
    await convertSite(directory, 'python');
    expect(read('state')).toBe("[('hp', 4), ('vm', '*')]\n");
    expect(read('vm.cmdb')).toBe("generate({'ip': '192.168.122.3-4'})\n");
    expect(await convertSite(directory, 'python')).toEqual([]);
  });

  it('that has a file in both forms is refused', async () => {
    writeFileSync(join(directory, 'vm.specs.yaml'), '[]');

    const { problems } = await checkSite(directory);

    expect(problems).toMatchObject([{ code: 'SiteFileTwice', details: { file: join(directory, 'vm.specs.yaml') } }]);
  });
});
