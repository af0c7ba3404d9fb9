import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  formatPythonLiteral,
  PythonTuple,
  type PythonValue,
  parsePythonLiteral,
  pythonValue,
} from '../../src/base/python-literal.js';

/** Answers for every text: its value as tagged JSON, as `ast.literal_eval` sees it, and pprint of it. */
const oracle = `
import ast, json, pprint, sys
def tag(v):
    if isinstance(v, bool) or v is None or isinstance(v, str): return v
    if isinstance(v, bytes): return v.decode('latin-1')
    if isinstance(v, (int, float)): return {'number': repr(float(v))}
    if isinstance(v, tuple): return {'tuple': [tag(x) for x in v]}
    if isinstance(v, list): return {'list': [tag(x) for x in v]}
    if isinstance(v, dict): return {'dict': [[k, tag(v[k])] for k in sorted(v)]}
    raise ValueError('not read here')
answers = []
for text in json.load(sys.stdin):
    try:
        value = ast.literal_eval(text)
        answers.append([tag(value), pprint.pformat(value)])
    except (SyntaxError, ValueError):
        answers.append(None)
json.dump(answers, sys.stdout)
`;

function askPython(texts: string[]): ([unknown, string] | null)[] {
  const options = { input: JSON.stringify(texts), encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 } as const;
  return JSON.parse(execFileSync('python3', ['-W', 'ignore', '-c', oracle], options));
}

function tag(value: PythonValue): unknown {
  if (typeof value === 'number') return { number: value };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof PythonTuple) return { tuple: value.items.map(tag) };
  if (Array.isArray(value)) return { list: value.map(tag) };
  return { dict: Object.entries(value).map(([key, item]) => [key, tag(item)]) };
}

/** Numbers as numbers, keys in one order, whoever tagged it. */
function normal(tagged: unknown): unknown {
  if (Array.isArray(tagged)) return tagged.map(normal);
  if (typeof tagged !== 'object' || tagged === null) return tagged;
  if ('number' in tagged) return { number: Number(tagged.number) };
  if ('dict' in tagged && Array.isArray(tagged.dict)) {
    return { dict: tagged.dict.map(normal).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
  }
  return Object.fromEntries(Object.entries(tagged).map(([key, item]) => [key, normal(item)]));
}

function ours(text: string): unknown {
  try {
    return normal(tag(pythonValue(parsePythonLiteral(text, 'x'), 'x')));
  } catch {
    return null;
  }
}

const written = [
  "[('hp', 4), ('vm', '*')]",
  "[\n\t('disk', '$disk', 'size', 'gt(4)'), # why\n\t('network', '$eth', 'serial', '$mac'),\n]\n",
  "{'a': 1, \"b\": 2.5, 'c': -3, 'd': None, 'e': True, 'f': (1,), 'g': (), 'h': {}}",
  "('a' 'b' \"\"\"c\nd\"\"\" r'\\n' u'x')",
  String.raw`['\a\b\f\n\r\t\v\\\'\"\0\012\x7f\u20ac\U0001F600\q', b'\x41', rb'\x41', R"\""]`,
  '[1_000, 0x1F, 0o17, 0b11, 1., .5, 1e5, 1E-3, +1, --1]',
  '((((1))))',
  '[1,,2]',
  '[,]',
  '(,)',
  "['a' 1]",
  '[1 2]',
  '{1}',
  "{'a':}",
  "'open",
  '[true]',
  '[01]',
  '1 2',
  "{'a': 1",
  '[0, 00]',
  "'''it's'''",
  '"\\\n"',
  "['a'\\\n, 'b']",
];

it('accepts, refuses and understands what ast.literal_eval does', () => {
  const answers = askPython(written);

  for (const [index, text] of written.entries()) {
    const answer = answers[index];
    expect({ text, value: ours(text) }).toEqual({ text, value: answer ? normal(answer[0]) : null });
  }
});

it('writes what pprint writes, and Python reads the same value back', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 30 }),
    // Old characters only: Python and Node know different versions of Unicode.
    fc.string({
      unit: fc.constantFrom(...'aé\u00a0\u00ad\u0085\u2028\u200b€漢😀\ufeff\ue000\x1c\x7f\\\'"'),
      maxLength: 60,
    }),
    fc
      .array(fc.constantFrom('eth0', 'a longer word', "it's", '"', '\n', ' ', '192.168.122.3'), { maxLength: 20 })
      .map((words) => words.join(' ')),
  );
  const value = fc.letrec<{ value: PythonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 8 }),
      fc.array(tie('value'), { maxLength: 5 }).map((items) => new PythonTuple(items)),
      fc.dictionary(text, tie('value'), { maxKeys: 8, noNullPrototype: true }),
    ),
  })).value;
  const values = fc.sample(value, 2000);

  const answers = askPython(values.map(formatPythonLiteral));

  for (const [index, original] of values.entries()) {
    const [seen, printed] = answers[index] ?? [];
    expect(normal(seen)).toEqual(normal(tag(original)));
    expect(formatPythonLiteral(original)).toBe(ownBrackets(original, printed ?? ''));
  }
});

/** eDeploy's form has the brackets of the outer list on lines of their own. */
function ownBrackets(value: PythonValue, printed: string): string {
  return Array.isArray(value) && printed.includes('\n') ? `[\n ${printed.slice(1, -1)}\n]` : printed;
}
