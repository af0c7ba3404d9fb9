import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StackwrightError } from './errors.js';
import {
  formatPythonLiteral,
  PythonTuple,
  type PythonValue,
  parsePythonLiteral,
  pythonValue,
} from './python-literal.js';

function read(text: string): PythonValue {
  return pythonValue(parsePythonLiteral(text, 'x.cmdb'), 'x.cmdb');
}

function failure(text: string): StackwrightError {
  try {
    parsePythonLiteral(text, 'x.specs');
  } catch (error) {
    if (error instanceof StackwrightError) return error;
  }
  throw new Error('it was read');
}

describe('parsePythonLiteral', () => {
  it.each([
    ["[('hp', 4), ('vm', '*')]", [new PythonTuple(['hp', 4]), new PythonTuple(['vm', '*'])]],
    ['\t[ # one\n\t1, -2, +3, 0x10, 1_000, 1.5, -.5, 1e3, # two\n]\n', [1, -2, 3, 16, 1000, 1.5, -0.5, 1000]],
    ["{'a': True, 'b': False, 'c': None,}", { a: true, b: false, c: null }],
    ['(1,)', new PythonTuple([1])],
    ['()', new PythonTuple([])],
    ['((1))', 1],
    ["('a' \"b\"\n  u'c')", 'abc'],
    [String.raw`'\n\t\\\'\x41\u00e9\U0001F600\101\q'`, "\n\t\\'A\u00e9\u{1F600}A\\q"],
    [String.raw`r'^a\d\'$'`, String.raw`^a\d\'$`],
    [String.raw`b'\u0041\x41'`, String.raw`\u0041A`],
    ['"""two\nlines "quoted" here"""', 'two\nlines "quoted" here'],
    ["'con\\\ntinued'", 'continued'],
    ["{'a': 1, 'a': 2}", { a: 2 }],
    ["'#no comment'", '#no comment'],
  ])('reads %j', (text, value) => {
    const found = read(text);

    expect(found).toEqual(value);
  });

  it('keeps the place of every node', () => {
    const node = parsePythonLiteral("[\n  ('a', 'b'),\n\t{'k':\n 7}]", 'x');

    expect(node).toMatchObject({
      kind: 'list',
      line: 1,
      column: 1,
      items: [
        {
          line: 2,
          column: 3,
          items: [
            { line: 2, column: 4 },
            { line: 2, column: 9 },
          ],
        },
        { line: 3, column: 2, entries: [{ key: { line: 3, column: 3 }, value: { line: 4, column: 2 } }] },
      ],
    });
  });

  it('reads a call as a node and never runs it', () => {
    const node = parsePythonLiteral("generate({'ip': '10.0.0.1-3'})", 'x.cmdb');

    expect(node).toMatchObject({ kind: 'call', name: 'generate', arguments: [{ kind: 'dict' }] });
    expect(() => pythonValue(node, 'x.cmdb')).toThrow('a call is not accepted here');
  });

  it.each([
    ['[1, 2', 1, 6, 'a comma or ] is expected'],
    ["[\n ('a' 'b' 3)]", 2, 11, 'a comma or ) is expected'],
    ["{'a' 1}", 1, 6, 'a colon is expected after the key'],
    ["[\n  'open\n]", 2, 3, 'a string is not closed'],
    ['[true]', 1, 2, 'a name has no value here'],
    ['[1] + [2]', 1, 5, 'there is more after the end of the value'],
    ['', 1, 1, 'there is nothing to read'],
    ['[12ab]', 1, 2, 'a number is wrong'],
    ['[007]', 1, 2, 'a number begins with zero'],
    ['[99999999999999999999]', 1, 2, 'a number is too large'],
    ["['\\xZZ']", 1, 3, 'an escape is wrong'],
    ["[f'{x}']", 1, 2, 'a name has no value here'],
  ])('refuses %j with the place', (text, line, column, message) => {
    const error = failure(text);

    expect(error).toMatchObject({
      code: 'PythonLiteralInvalid',
      message,
      details: { file: 'x.specs', line, column, value: expect.any(String), hint: expect.any(String) },
    });
  });

  it('refuses what is nested too deep instead of overflowing the stack', () => {
    const error = failure('['.repeat(100_000));

    expect(error.message).toBe('the brackets are nested too deep');
  });
});

describe('formatPythonLiteral', () => {
  it('writes a short list on one line', () => {
    const text = formatPythonLiteral([new PythonTuple(['hp', 4]), new PythonTuple(['vm', '*'])]);

    expect(text).toBe("[('hp', 4), ('vm', '*')]");
  });

  it("writes a CMDB in eDeploy's form", () => {
    const text = formatPythonLiteral([
      {
        used: 1,
        disk: 'vda',
        eth: 'eth0',
        gateway: '192.168.122.2',
        ip: '192.168.122.2',
        mac: '52:54:00:88:17:3c',
        netmask: '255.255.255.0',
      },
      { ip: '192.168.122.4' },
      { ip: '192.168.122.5' },
    ]);

    expect(text).toBe(`[
 {'disk': 'vda',
  'eth': 'eth0',
  'gateway': '192.168.122.2',
  'ip': '192.168.122.2',
  'mac': '52:54:00:88:17:3c',
  'netmask': '255.255.255.0',
  'used': 1},
 {'ip': '192.168.122.4'},
 {'ip': '192.168.122.5'}
]`);
  });

  it('writes what is read back the same', () => {
    const value = fc.letrec<{ value: PythonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'binary' }),
        fc.string({ maxLength: 200 }),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number || 0),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 6 }),
        fc.array(tie('value'), { maxLength: 4 }).map((items) => new PythonTuple(items)),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 6, noNullPrototype: true }),
      ),
    })).value;

    fc.assert(
      fc.property(value, (original) => {
        const again = read(formatPythonLiteral(original));

        expect(again).toEqual(original);
      }),
    );
  });
});
