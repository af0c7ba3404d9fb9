import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocument, stringify } from 'yaml';
import type { JsonValue } from './renderer/json.js';
import { readYaml } from './renderer/yaml.js';

/** A value with every scalar as its text: words for true, false and null are compared apart. */
function plain(value: JsonValue | undefined): unknown {
  if (value?.kind === 'object') return Object.fromEntries(value.members.map(({ name, value }) => [name, plain(value)]));
  if (value?.kind === 'array') return value.items.map(plain);
  return value?.kind === 'literal' ? `(${value.text})` : value?.text;
}

const words: Record<string, string> = { '': '(null)', '~': '(null)' };
for (const word of ['null', 'true', 'false']) words[word] = `(${word})`;
for (const word of ['yes', 'on']) words[word] = '(true)';
for (const word of ['no', 'off']) words[word] = '(false)';

/** What the yaml package reads, in the same form; undefined where it finds an error. */
function peer(text: string): unknown {
  const document = parseDocument(text, { version: '1.2', schema: 'failsafe', uniqueKeys: true, strict: true });
  if (document.errors.length > 0) return undefined;
  return form(document.contents);
}

interface Node {
  type?: string;
  value?: unknown;
  items?: unknown[];
}

function form(node: unknown): unknown {
  if (node === null) return '(null)';
  const { items, type, value } = node as Node;
  if (items === undefined) return type === 'PLAIN' ? wordOf(String(value ?? '')) : value;
  const pairs = items as { key: { value: unknown }; value: unknown }[];
  if (items.length === 0 || !('key' in (items[0] as object))) return collection(node, items);
  return Object.fromEntries(pairs.map(({ key, value }) => [String(key.value ?? ''), form(value)]));
}

function collection(node: unknown, items: unknown[]): unknown {
  return (node as object).constructor.name === 'YAMLMap' ? {} : items.map(form);
}

function wordOf(text: string): string {
  const cases = [text.toLowerCase(), text.toUpperCase(), text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase()];
  const word = text.toLowerCase();
  return cases.includes(text) && Object.hasOwn(words, word) ? (words[word] as string) : text;
}

const letters = fc.string({
  unit: fc.constantFrom(...'ab1 :-#,[]{}\'"&*!|>%@`?~\\=<é$'.split('')),
  maxLength: 8,
});
const scalar = fc.oneof(
  letters,
  fc.constantFrom(
    'yes',
    'No',
    'on',
    'true',
    'null',
    '~',
    '',
    '12',
    '-3',
    '0x1f',
    '1.5',
    '52:54:00:12:34:56',
    'fe80::1/64',
  ),
  fc.stringMatching(/^ssh-ed25519 AAAA[A-Za-z0-9+/]{50,120} [a-z]{1,12}@[a-z]{1,12}$/),
  fc.constantFrom('two\nlines', 'three\n\nlines\n'),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom('network', 'dhcp4', 'on', 'a b', '10.0.0.1/24'), letters), tie('tree'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
}));
const options = fc.record({
  indent: fc.constantFrom(2, 3, 4),
  indentSeq: fc.boolean(),
  lineWidth: fc.constantFrom(0, 40, 80),
  collectionStyle: fc.constantFrom('any' as const, 'flow' as const),
  defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const, 'QUOTE_SINGLE' as const),
});

test('what it reads, the yaml package reads as the same', () => {
  fc.assert(
    fc.property(tree, options, (value, style) => {
      const text = stringify(value, { ...style, aliasDuplicateObjects: false });

      const { value: read, failure } = readYaml(text);

      if (failure === undefined) expect(plain(read)).toEqual(peer(text));
    }),
    { numRuns: 3000 },
  );
});

test('what a hand has broken, it reads as the yaml package or not at all', () => {
  const change = fc.record({
    at: fc.nat(),
    length: fc.nat({ max: 3 }),
    text: fc.constantFrom(
      ' ',
      '\n',
      '\n  ',
      '- ',
      ': ',
      '#',
      ' #',
      '"',
      "'",
      '\t',
      '[',
      ']',
      '{',
      '}',
      ',',
      '|',
      '---\n',
      '...',
      '\r\n',
      '? ',
      '',
    ),
  });
  fc.assert(
    fc.property(tree, options, fc.array(change, { minLength: 1, maxLength: 3 }), (value, style, changes) => {
      let text = stringify(value, { ...style, aliasDuplicateObjects: false });
      for (const { at, length, text: other } of changes) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + other + text.slice(place + length);
      }

      const { value: read, failure } = readYaml(text);

      if (failure === undefined) expect(plain(read)).toEqual(peer(text));
    }),
    { numRuns: 6000 },
  );
});

test.each(['52:54:\t: 0:12', 'a: b:\t', 'a\t: b'])('does not read a colon and a tab as something else: %j', (text) => {
  expect(readYaml(text).failure).toBeDefined();
});

test('it reads what programs write of plain trees, whatever their style', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,11}$/);
  const word = fc.oneof(
    name,
    fc.ipV4(),
    fc.stringMatching(/^[a-f0-9:]{1,20}\/[0-9]{1,2}$/),
    fc.constantFrom('52:54:00:aa:00:01', ''),
  );
  const { simple } = fc.letrec((tie) => ({
    simple: fc.oneof(
      { depthSize: 'medium' },
      word,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('simple'), { maxLength: 4 }),
      fc.dictionary(name, tie('simple'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(
      fc.dictionary(name, simple, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
      options,
      (value, style) => {
        const text = stringify(value, { ...style, lineWidth: 0, aliasDuplicateObjects: false });

        expect(readYaml(text).failure).toBeUndefined();
      },
    ),
    { numRuns: 2000 },
  );
});
