import { StackwrightError } from './errors.js';

/** A literal of Python's grammar, with the place (from 1) where it begins. */
export type PythonNode =
  | PythonText
  | PythonNumber
  | PythonConstant
  | PythonSequence
  | PythonDict
  /** `name(…)`: never run; the reader of a format decides which names it knows. */
  | PythonCall;

interface Placed {
  line: number;
  column: number;
}

interface PythonText extends Placed {
  kind: 'string';
  value: string;
}

interface PythonNumber extends Placed {
  kind: 'number';
  value: number;
}

interface PythonConstant extends Placed {
  kind: 'constant';
  value: boolean | null;
}

interface PythonSequence extends Placed {
  kind: 'list' | 'tuple';
  items: PythonNode[];
}

interface PythonDict extends Placed {
  kind: 'dict';
  entries: { key: PythonNode; value: PythonNode }[];
}

interface PythonCall extends Placed {
  kind: 'call';
  name: string;
  arguments: PythonNode[];
}

/** A Python value in JavaScript: lists are arrays, dicts objects, `None` is null. */
export type PythonValue =
  | string
  | number
  | boolean
  | null
  | PythonTuple
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue };

/** A tuple, so that it is written with round brackets. */
export class PythonTuple {
  readonly items: readonly PythonValue[];

  constructor(items: readonly PythonValue[]) {
    this.items = items;
  }
}

/** Longest text that is read, in UTF-16 code units. */
const MAXIMUM_LENGTH = 16 * 1024 * 1024;
const MAXIMUM_DEPTH = 100;

/**
 * Reads one Python literal: list, tuple, dict, string, number, True, False, None, or a call with
 * such arguments. Nothing is evaluated. The format is what `ast.literal_eval` reads, without sets,
 * complex numbers, formatted strings and additions.
 * @throws StackwrightError `PythonLiteralInvalid` with file, line, column and the wrong text
 */
export function parsePythonLiteral(text: string, file: string): PythonNode {
  return new Parser(text, file).parse();
}

/**
 * The value of a node.
 * @throws StackwrightError `PythonLiteralInvalid` for a call, or a dict whose key is not a string
 */
export function pythonValue(node: PythonNode, file: string): PythonValue {
  switch (node.kind) {
    case 'string':
    case 'number':
    case 'constant':
      return node.value;
    case 'list':
      return node.items.map((item) => pythonValue(item, file));
    case 'tuple':
      return new PythonTuple(node.items.map((item) => pythonValue(item, file)));
    case 'dict':
      // fromEntries defines its keys, so that a key `__proto__` is a key like another.
      return Object.fromEntries(
        node.entries.map(({ key, value }) => [stringKey(key, file), pythonValue(value, file)] as const),
      );
    case 'call':
      throw invalid('a call is not accepted here', file, node, `${node.name}(…)`, 'write the values themselves');
  }
}

function stringKey(key: PythonNode, file: string): string {
  if (key.kind === 'string') return key.value;
  throw invalid('a key is not a string', file, key, describeNode(key), 'put the key in quotes');
}

/** What a node is, for a message: its text for a small one, else its kind. */
export function describeNode(node: PythonNode): string {
  switch (node.kind) {
    case 'string':
      return quotePython(node.value);
    case 'number':
      return formatNumber(node.value);
    case 'constant':
      return formatConstant(node.value);
    case 'call':
      return `${node.name}(…)`;
    default:
      return `a ${node.kind} of ${node.kind === 'dict' ? node.entries.length : node.items.length}`;
  }
}

function invalid(message: string, file: string, place: Placed, value: string, hint: string): StackwrightError {
  const { line, column } = place;
  return new StackwrightError('PythonLiteralInvalid', message, { file, line, column, value, hint });
}

class Parser {
  private readonly text: string;
  private readonly file: string;
  private at = 0;
  private depth = 0;
  /** Offsets at which lines begin, so that a place is found by bisection. */
  private readonly lineStarts: number[] = [0];

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    if (text.length > MAXIMUM_LENGTH) {
      const value = `${text.length} characters`;
      throw invalid('the file is too large', file, { line: 1, column: 1 }, value, `at most ${MAXIMUM_LENGTH} are read`);
    }
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.lineStarts.push(at + 1);
    if (text.startsWith('\uFEFF')) this.at = 1;
  }

  parse(): PythonNode {
    this.skipSpace();
    if (this.at >= this.text.length) this.fail('there is nothing to read', 'write a list, such as []');
    const node = this.readNode();
    this.skipSpace();
    if (this.at < this.text.length) {
      this.fail('there is more after the end of the value', 'a file holds one value; expressions are not evaluated');
    }
    return node;
  }

  private readNode(): PythonNode {
    const char = this.peek();
    if (char === '[') return this.readSequence('list', ']');
    if (char === '(') return this.readRoundBrackets();
    if (char === '{') return this.readDict();
    if (char === "'" || char === '"') return this.readStrings();
    if (/[0-9.+-]/.test(char)) return this.readNumber();
    if (/[A-Za-z_]/.test(char)) return this.readWord();
    return this.fail('a value is expected', 'a string, a number, a list, a tuple or a dict');
  }

  private readSequence(kind: 'list' | 'tuple', end: string): PythonSequence {
    const place = this.enter();
    const { items } = this.readItems(end);
    return { kind, items, ...place };
  }

  /** `(x)` is x, `(x,)` and `()` are tuples. */
  private readRoundBrackets(): PythonNode {
    const place = this.enter();
    const { items, comma } = this.readItems(')');
    const [only] = items;
    return only !== undefined && items.length === 1 && !comma ? only : { kind: 'tuple', items, ...place };
  }

  private readItems(end: string): { items: PythonNode[]; comma: boolean } {
    const items: PythonNode[] = [];
    let comma = false;
    for (;;) {
      this.skipSpace();
      if (this.take(end)) break;
      if (items.length > 0 && !comma) this.fail(`a comma or ${end} is expected`, 'separate the values with commas');
      items.push(this.readNode());
      this.skipSpace();
      comma = this.take(',');
    }
    this.depth--;
    return { items, comma };
  }

  private readDict(): PythonDict {
    const place = this.enter();
    const entries: PythonDict['entries'] = [];
    let comma = true;
    for (;;) {
      this.skipSpace();
      if (this.take('}')) break;
      if (!comma) this.fail('a comma or } is expected', 'separate the entries with commas');
      const key = this.readNode();
      this.skipSpace();
      if (!this.take(':'))
        this.fail('a colon is expected after the key', "an entry is 'key': value; sets are not read");
      this.skipSpace();
      entries.push({ key, value: this.readNode() });
      this.skipSpace();
      comma = this.take(',');
    }
    this.depth--;
    return { kind: 'dict', entries, ...place };
  }

  private readWord(): PythonNode {
    const place = this.place();
    const word = this.match(/[A-Za-z_][A-Za-z0-9_]*/y);
    const next = this.peek();
    if ((next === "'" || next === '"') && /^([rub]|br|rb|ur)$/i.test(word)) {
      this.at -= word.length;
      return this.readStrings();
    }
    if (word === 'True') return { kind: 'constant', value: true, ...place };
    if (word === 'False') return { kind: 'constant', value: false, ...place };
    if (word === 'None') return { kind: 'constant', value: null, ...place };
    this.skipSpace();
    if (this.peek() === '(') {
      this.enter();
      return { kind: 'call', name: word, arguments: this.readItems(')').items, ...place };
    }
    const hint = /^(true|false|none|null)$/i.test(word) ? 'Python writes True, False, None' : 'put text in quotes';
    throw invalid('a name has no value here', this.file, place, word, hint);
  }

  private readNumber(): PythonNumber {
    const place = this.place();
    const sign = this.match(/[+-]?/y);
    const digits = this.match(
      /0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?(?:\d[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y,
    );
    const value = Number(digits.replaceAll('_', ''));
    const text = sign + digits;
    if (digits === '' || /[A-Za-z0-9_.]/.test(this.peek())) {
      throw invalid('a number is wrong', this.file, place, text + this.match(/\S{0,20}/y), 'put text in quotes');
    }
    if (/^0\d*[1-9]/.test(digits) && /^[\d_]+$/.test(digits)) {
      throw invalid('a number begins with zero', this.file, place, text, 'put it in quotes to keep the zeros');
    }
    if (!Number.isFinite(value) || (/^[\d_]+$|^0[xob]/i.test(digits) && !Number.isSafeInteger(value))) {
      throw invalid('a number is too large', this.file, place, text, 'put it in quotes');
    }
    const negative = sign === '-';
    return { kind: 'number', value: negative && value !== 0 ? -value : value, ...place };
  }

  /** Strings that follow each other are one string. */
  private readStrings(): PythonText {
    const place = this.place();
    let value = this.readString();
    for (;;) {
      const before = this.at;
      this.skipSpace();
      if (!this.looking(/(?:[rub]|br|rb|ur)?['"]/iy)) {
        this.at = before;
        return { kind: 'string', value, ...place };
      }
      value += this.readString();
    }
  }

  private readString(): string {
    const place = this.place();
    const prefix = this.match(/[a-zA-Z]*/y).toLowerCase();
    const quote = this.match(/'''|"""|'|"/y);
    const raw = prefix.includes('r');
    const parts: string[] = [];
    for (;;) {
      const plain = this.match(quote.startsWith("'") ? /[^'\\\n]+/y : /[^"\\\n]+/y);
      if (plain !== '') parts.push(plain.replaceAll('\r', quote.length === 3 ? '' : '\r'));
      const char = this.peek();
      if (this.text.startsWith(quote, this.at)) {
        this.at += quote.length;
        return parts.join('');
      }
      if (char === '' || (char === '\n' && quote.length === 1)) {
        throw invalid('a string is not closed', this.file, place, quote, `close it with ${quote} on the same line`);
      }
      if (char === '\\') parts.push(raw ? this.take2() : this.readEscape(prefix.includes('b')));
      else {
        parts.push(char);
        this.at++;
      }
    }
  }

  /** In a raw string a backslash stays, and keeps the quote after it from ending the string. */
  private take2(): string {
    if (this.at + 1 >= this.text.length) this.fail('a string is not closed', 'close it with its quote');
    this.at += 2;
    return this.text.slice(this.at - 2, this.at);
  }

  private readEscape(bytes: boolean): string {
    const place = this.place();
    this.at++;
    const octal = this.match(/[0-7]{1,3}/y);
    if (octal !== '') return String.fromCharCode(Number.parseInt(octal, 8));
    const char = this.peek();
    this.at++;
    if (char === '\r' && this.take('\n')) return '';
    const simple = simpleEscapes[char];
    if (simple !== undefined) return simple;
    const digits = char === 'x' ? 2 : bytes ? 0 : char === 'u' ? 4 : char === 'U' ? 8 : 0;
    // Python keeps a backslash that begins no escape.
    if (digits === 0 && !(char === 'N' && !bytes)) return `\\${char}`;
    const hex = this.text.slice(this.at, this.at + digits);
    const code = /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : -1;
    if (code < 0 || code > 0x10ffff) {
      throw invalid('an escape is wrong', this.file, place, `\\${char}${hex}`, 'write the character itself');
    }
    this.at += digits;
    return String.fromCodePoint(code);
  }

  private skipSpace(): void {
    this.match(/(?:[ \t\r\n\f]+|#[^\n]*|\\\r?\n)*/y);
  }

  private enter(): Placed {
    const place = this.place();
    this.depth++;
    if (this.depth > MAXIMUM_DEPTH) {
      throw invalid('the brackets are nested too deep', this.file, place, this.peek(), `at most ${MAXIMUM_DEPTH} deep`);
    }
    this.at++;
    return place;
  }

  private peek(): string {
    return this.text[this.at] ?? '';
  }

  private take(char: string): boolean {
    if (this.peek() !== char) return false;
    this.at++;
    return true;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private looking(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    return pattern.test(this.text);
  }

  private place(): Placed {
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.lineStarts[middle] ?? 0) <= this.at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: this.at - (this.lineStarts[low] ?? 0) + 1 };
  }

  private fail(message: string, hint: string): never {
    const line = this.text.slice(this.at, this.at + 40).split('\n')[0] ?? '';
    const value = this.at >= this.text.length ? 'the end of the file' : line || 'the end of the line';
    throw invalid(message, this.file, this.place(), value, hint);
  }
}

const simpleEscapes: Record<string, string> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const WIDTH = 80;

/**
 * Writes a value as Python's pprint does (keys sorted, 80 columns), in eDeploy's form: a list that
 * does not fit on one line has its brackets on lines of their own. No newline at the end.
 * Source of the layout: CPython's Lib/pprint.py.
 */
export function formatPythonLiteral(value: PythonValue): string {
  const text = layOut(value, 0, 0, 0);
  return Array.isArray(value) && text.includes('\n') ? `[\n ${text.slice(1, -1)}\n]` : text;
}

/** `repr(value)`: everything on one line. */
function represent(value: PythonValue): string {
  if (typeof value === 'string') return quotePython(value);
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'boolean' || value === null) return formatConstant(value);
  if (value instanceof PythonTuple) {
    const items = value.items.map(represent);
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
  }
  if (isList(value)) return `[${value.map(represent).join(', ')}]`;
  return `{${sortedEntries(value)
    .map(([key, item]) => `${quotePython(key)}: ${represent(item)}`)
    .join(', ')}}`;
}

function isList(value: PythonValue): value is readonly PythonValue[] {
  return Array.isArray(value);
}

function layOut(value: PythonValue, indent: number, allowance: number, level: number): string {
  const flat = represent(value);
  if (widthOf(flat) <= WIDTH - indent - allowance) return flat;
  if (typeof value === 'string') return value === '' ? flat : layOutText(value, indent, allowance, level + 1);
  if (typeof value !== 'object' || value === null) return flat;
  if (value instanceof PythonTuple) {
    const end = value.items.length === 1 ? ',)' : ')';
    return `(${layOutItems(value.items, indent, allowance + end.length, level + 1)}${end}`;
  }
  if (isList(value)) return `[${layOutItems(value, indent, allowance + 1, level + 1)}]`;
  const entries = sortedEntries(value);
  const lines = entries.map(([key, item], index) => {
    const name = quotePython(key);
    const after = index === entries.length - 1 ? allowance + 1 : 1;
    return `${name}: ${layOut(item, indent + 1 + widthOf(name) + 2, after, level + 1)}`;
  });
  return `{${lines.join(`,\n${' '.repeat(indent + 1)}`)}}`;
}

const lineEnds = '\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029';
const lineWithEnd = new RegExp(`[^${lineEnds}]*(?:\\r\\n|[${lineEnds}])|[^${lineEnds}]+$`, 'g');
const pythonSpace = '\\p{White_Space}\\x1c-\\x1f';
const wordWithSpace = new RegExp(`[^${pythonSpace}]*[${pythonSpace}]*`, 'gu');

function layOutItems(items: readonly PythonValue[], indent: number, allowance: number, level: number): string {
  return items
    .map((item, index) => layOut(item, indent + 1, index === items.length - 1 ? allowance : 1, level))
    .join(`,\n${' '.repeat(indent + 1)}`);
}

/** A long string becomes several, broken at its lines and words. */
function layOutText(text: string, outerIndent: number, outerAllowance: number, level: number): string {
  const indent = level === 1 ? outerIndent + 1 : outerIndent;
  const allowance = level === 1 ? outerAllowance + 1 : outerAllowance;
  const lines = splitLines(text);
  const chunks: string[] = [];
  for (const [index, line] of lines.entries()) {
    const last = index === lines.length - 1;
    const whole = quotePython(line);
    if (widthOf(whole) <= WIDTH - indent - (last ? allowance : 0)) chunks.push(whole);
    else chunks.push(...splitWords(line, WIDTH - indent, last ? allowance : 0));
  }
  if (chunks.length === 1) return quotePython(text);
  const joined = chunks.join(`\n${' '.repeat(indent)}`);
  return level === 1 ? `(${joined})` : joined;
}

function splitWords(line: string, width: number, allowance: number): string[] {
  const words = (line.match(wordWithSpace) ?? []).filter(Boolean);
  const chunks: string[] = [];
  let current = '';
  for (const [index, word] of words.entries()) {
    const room = index === words.length - 1 ? width - allowance : width;
    if (widthOf(quotePython(current + word)) <= room) {
      current += word;
      continue;
    }
    if (current) chunks.push(quotePython(current));
    current = word;
  }
  if (current) chunks.push(quotePython(current));
  return chunks;
}

/** Python's `str.splitlines(True)`. */
function splitLines(text: string): string[] {
  return text.match(lineWithEnd) ?? [];
}

/** `repr()` of a string. */
function quotePython(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let quoted = '';
  for (const char of text) quoted += char === quote || char === '\\' ? `\\${char}` : escapeUnprintable(char);
  return quote + quoted + quote;
}

function escapeUnprintable(char: string): string {
  if (char === '\n') return '\\n';
  if (char === '\r') return '\\r';
  if (char === '\t') return '\\t';
  if (char === ' ' || !/[\p{C}\p{Z}]/u.test(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}

function formatNumber(value: number): string {
  const magnitude = Math.abs(value);
  return value === 0 || (magnitude >= 1e-4 && magnitude < 1e16) ? String(value) : exponent(value);
}

/** Python writes at least two digits of an exponent. */
function exponent(value: number): string {
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

function formatConstant(value: boolean | null): string {
  return value === null ? 'None' : value ? 'True' : 'False';
}

function sortedEntries(dict: { readonly [key: string]: PythonValue }): [string, PythonValue][] {
  return Object.entries(dict).sort(([a], [b]) => compareCodePoints(a, b));
}

/** Python orders strings by code points, JavaScript by UTF-16 units. */
function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  const left = [...a];
  const right = [...b];
  for (let index = 0; index < left.length && index < right.length; index++) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function widthOf(text: string): number {
  let width = 0;
  for (const _char of text) width++;
  return width;
}
