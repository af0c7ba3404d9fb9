/**
 * The part of YAML that is found on NoCloud drives: collections in blocks and in brackets, plain and quoted scalars,
 * literal blocks, comments. What is beyond that (anchors, tags, folded blocks, several documents, …) is refused with its
 * place and never guessed at. Words are read as in YAML 1.1, as cloud-init does: `yes` is true. As the JSON reader it
 * does not call itself.
 */
import { deepest, type JsonFailure, type JsonValue, member, type Open, put } from './json.js';
import { endsWith, hexDigits, madeOf, trimmed } from './text.js';
import {
  beginsPlain,
  isAlone,
  isBlankFrom,
  isMark,
  nothing,
  plainEnd,
  skipSpaces,
  wordOf,
  wrongLetter,
} from './yaml-line.js';

interface Reader {
  lines: string[];
  /** Of the line that is read next, or now. */
  row: number;
  failure?: JsonFailure;
}

/** A block that is being read: its lines begin at `indent`. */
interface Block extends Open {
  indent: number;
  /** A name or a dash has been read, and its value not yet. */
  waits: boolean;
}

/** A value, and the column behind it in the line that is read now. */
interface Placed {
  value: JsonValue;
  end: number;
}

const longestKey = 256;
const escapes: { [letter: string]: string } = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\', '/': '/', ' ': ' ' };

/** Exactly one of `value` and `failure` is set; an empty text is null. */
export function readYaml(text: string): { value?: JsonValue; failure?: JsonFailure } {
  const reader: Reader = { lines: text.replace(/^\uFEFF/, '').split('\n'), row: 0 };
  if (!checkLines(reader)) return { failure: reader.failure };
  reader.row = 0;
  const value = readBlocks(reader);
  return reader.failure ? { failure: reader.failure } : { value };
}

function fail(reader: Reader, column: number, message: string): undefined {
  if (!reader.failure) reader.failure = { line: reader.row + 1, column: column + 1, message };
  return undefined;
}

/** Leaves lines without the ends of other systems and without the marks around the document. */
function checkLines(reader: Reader): boolean {
  let begun = false;
  for (; reader.row < reader.lines.length; reader.row += 1) {
    let line = lineOf(reader);
    if (endsWith(line, '\r') && reader.row + 1 < reader.lines.length) line = line.substring(0, line.length - 1);
    reader.lines[reader.row] = line;
    const wrong = wrongLetter(line);
    if (wrong !== -1) fail(reader, wrong, 'a character that cannot be here, or too long a line');
    else if (isMark(line, '---') && !begun && isBlankFrom(line, 3)) reader.lines[reader.row] = '';
    else if (isMark(line, '...') && isBlankFrom(line, 3)) {
      const rest = reader.lines.splice(reader.row, reader.lines.length);
      for (const each of rest.slice(1)) if (!isBlankFrom(each, 0)) fail(reader, 0, 'more than one document');
    } else if (isMark(line, '---') || isMark(line, '...')) fail(reader, 0, 'more than one document');
    else if (line.charAt(0) === '%') fail(reader, 0, 'a directive');
    else if (line.charAt(skipSpaces(line, 0)) === '\t')
      fail(reader, skipSpaces(line, 0), 'a tab, where only spaces indent');
    if (reader.failure) return false;
    begun = begun || !isBlankFrom(line, 0);
  }
  return true;
}

function lineOf(reader: Reader): string {
  return reader.lines[reader.row] || '';
}

/** Goes to the next line that is no comment; -1 at the end. */
function nextIndent(reader: Reader): number {
  while (reader.row < reader.lines.length && isBlankFrom(lineOf(reader), 0)) reader.row += 1;
  return reader.row < reader.lines.length ? skipSpaces(lineOf(reader), 0) : -1;
}

function readBlocks(reader: Reader): JsonValue | undefined {
  const open: Block[] = [];
  let root: JsonValue | undefined;
  for (let indent = nextIndent(reader); indent !== -1; indent = nextIndent(reader)) {
    closeBlocks(reader, open, indent);
    let block = open[open.length - 1];
    if (block ? block.indent !== indent && !block.waits : root !== undefined) {
      return fail(reader, indent, 'a line that belongs to nothing before it');
    }
    const isEntry = isAlone(lineOf(reader), indent, '-');
    const key = isEntry ? undefined : readKey(reader, indent);
    if (reader.failure) return undefined;
    // The entries of a sequence may stand right below their name.
    if (!block || block.indent !== indent || (isEntry && block.waits && block.value.kind === 'object')) {
      if (!isEntry && !key) {
        const value = readInline(reader, block ? block.indent : -1, indent);
        if (!value) return undefined;
        if (block) fill(block, value);
        else root = value;
        continue;
      }
      if (open.length >= deepest) return fail(reader, indent, 'nested too deeply');
      const inner: Block = {
        value: isEntry ? { kind: 'array', items: [] } : { kind: 'object', members: [] },
        name: '',
        indent,
        waits: false,
      };
      if (block) fill(block, inner.value);
      else root = inner.value;
      open.push(inner);
      block = inner;
    }
    if (block.waits) fill(block, nothing);
    if (isEntry !== (block.value.kind === 'array') || (!isEntry && !key)) {
      return fail(reader, indent, `a ${block.value.kind === 'array' ? 'dash' : 'name and a colon'} is expected`);
    }
    block.waits = true;
    if (key) readMember(reader, block, key);
    else dropDash(reader, indent);
    if (reader.failure) return undefined;
  }
  closeBlocks(reader, open, -1);
  return root || nothing;
}

/** Ends the blocks that a line with this indent does not belong to; what they still wait for is null. */
function closeBlocks(reader: Reader, open: Block[], indent: number): void {
  for (;;) {
    const last = open[open.length - 1];
    if (!last || last.indent < indent) return;
    const around = open[open.length - 2];
    const endsHere = last.value.kind === 'array' && around && around.indent === indent;
    if (last.indent === indent && !(endsHere && !isAlone(lineOf(reader), indent, '-'))) return;
    if (last.waits) fill(last, nothing);
    open.pop();
  }
}

function fill(block: Block, value: JsonValue): void {
  put(block, value);
  block.waits = false;
}

/** Without its dash the line is the first of a block that is indented by where it begins. */
function dropDash(reader: Reader, indent: number): void {
  const line = lineOf(reader);
  reader.lines[reader.row] = `${line.substring(0, indent)} ${line.substring(indent + 1)}`;
}

function readMember(reader: Reader, block: Block, key: { name: string; end: number }): void {
  if (isTaken(reader, block, block.indent, key.name)) return;
  block.name = key.name;
  const line = lineOf(reader);
  if (isBlankFrom(line, key.end)) {
    reader.row += 1;
    return;
  }
  const value = readInline(reader, block.indent, skipSpaces(line, key.end));
  if (value) fill(block, value);
}

function isTaken(reader: Reader, { value }: Open, column: number, name: string): boolean {
  if (!member(value, name)) return false;
  fail(reader, column, 'a name that this mapping has already');
  return true;
}

/** The name that a line begins with, and the column behind its colon; undefined where there is none. */
function readKey(reader: Reader, column: number): { name: string; end: number } | undefined {
  const line = lineOf(reader);
  const first = line.charAt(column);
  if (isAlone(line, column, '?')) return fail(reader, column, 'a name that is not on one line');
  if (first === '"' || first === "'") {
    const quoted = readQuoted(reader, column);
    if (!quoted) return undefined;
    const colon = skipSpaces(line, quoted.end);
    return isAlone(line, colon, ':') ? keyOf(reader, column, textIn(quoted.value), colon + 1) : undefined;
  }
  if (!beginsPlain(line, column)) return undefined;
  const end = plainEnd(line, column, false);
  if (!isAlone(line, end, ':')) return undefined;
  const name = line.substring(column, end);
  // Also one before the colon, that may have made a name of its own of what is before it.
  if (name.indexOf('\t') !== -1) return fail(reader, column, 'a tab in a name');
  return keyOf(reader, column, trimmed(name), end + 1);
}

function keyOf(reader: Reader, column: number, name: string, end: number): { name: string; end: number } | undefined {
  if (name === '<<') return fail(reader, column, 'a merge of mappings');
  if (name.length > longestKey || name.indexOf('\t') !== -1) return fail(reader, column, 'too long a name, or a tab');
  return { name, end };
}

function textIn(value: JsonValue): string {
  return value.kind === 'string' ? value.text : '';
}

/** What begins within a line, in a block that is indented by `parent`; goes to the line behind it. */
function readInline(reader: Reader, parent: number, column: number): JsonValue | undefined {
  const line = lineOf(reader);
  const first = line.charAt(column);
  if (first === '|') return readLiteral(reader, parent, column);
  if (first !== '[' && first !== '{' && first !== '"' && first !== "'") return readPlain(reader, parent, column);
  const placed = first === '[' || first === '{' ? readFlow(reader, parent, column) : readQuoted(reader, column);
  if (!placed) return undefined;
  if (!isBlankFrom(lineOf(reader), placed.end)) return fail(reader, placed.end, 'text behind the end of a value');
  reader.row += 1;
  return placed.value;
}

/** A plain scalar, which may go on over the next lines: programs break long keys so. */
function readPlain(reader: Reader, parent: number, column: number): JsonValue | undefined {
  const words: string[] = [];
  let from = column;
  for (;;) {
    const line = lineOf(reader);
    if (!beginsPlain(line, from))
      return fail(reader, from, 'a value that needs quotes, or a part of YAML that is not read');
    const end = plainEnd(line, from, false);
    if (line.charAt(end) === ':') return fail(reader, end, 'a colon in a value that needs quotes');
    const written = line.substring(from, end);
    const text = trimmed(written);
    if (text.indexOf('\t') !== -1 || written.indexOf(':\t') !== -1)
      return fail(reader, from, 'a tab in a value that needs quotes');
    words.push(text);
    reader.row += 1;
    from = skipSpaces(lineOf(reader), 0);
    if (end < line.length || isBlankFrom(lineOf(reader), 0) || from <= parent) break;
  }
  return words.length === 1 ? wordOf(words[0] as string) : { kind: 'string', text: words.join(' ') };
}

function readQuoted(reader: Reader, column: number): Placed | undefined {
  const line = lineOf(reader);
  const quote = line.charAt(column);
  let text = '';
  for (let at = column + 1; at < line.length; at += 1) {
    const letter = line.charAt(at);
    if (letter === quote && quote === "'" && line.charAt(at + 1) === "'") {
      text += quote;
      at += 1;
    } else if (letter === quote) {
      return { value: { kind: 'string', text }, end: at + 1 };
    } else if (letter === '\\' && quote === '"') {
      const escaped = readEscape(line, at + 1);
      if (!escaped) return fail(reader, at, 'an escape that is not read');
      text += escaped.text;
      at = escaped.end - 1;
    } else {
      text += letter;
    }
  }
  return fail(reader, column, 'quotes that do not end on their line');
}

/** What stands behind a backslash. */
function readEscape(line: string, column: number): { text: string; end: number } | undefined {
  const letter = line.charAt(column);
  const length = letter === 'x' ? 2 : letter === 'u' ? 4 : 0;
  if (length > 0) {
    const digits = line.substring(column + 1, column + 1 + length);
    if (digits.length !== length || !madeOf(digits, hexDigits, length)) return undefined;
    return { text: String.fromCharCode(parseInt(digits, 16)), end: column + 1 + length };
  }
  const text = letter && 'ntr"\\/ '.indexOf(letter) !== -1 ? escapes[letter] : undefined;
  return text === undefined ? undefined : { text, end: column + 1 };
}

/** `|` and `|-`: the lines below, as they are. */
function readLiteral(reader: Reader, parent: number, column: number): JsonValue | undefined {
  const line = lineOf(reader);
  const keepsEnd = line.charAt(column + 1) !== '-';
  if (parent < 0 || !isBlankFrom(line, column + (keepsEnd ? 1 : 2))) {
    return fail(reader, column, 'a literal block that is not read');
  }
  reader.row += 1;
  const lines: string[] = [];
  let indent = -1;
  for (; reader.row < reader.lines.length; reader.row += 1) {
    const each = lineOf(reader);
    const at = skipSpaces(each, 0);
    if (at < each.length && indent === -1) indent = at;
    if (at < each.length && (at < indent || at <= parent)) break;
    // Whether such a line is empty depends on what follows.
    if (at === each.length && at > 0 && (indent === -1 || at > indent)) return fail(reader, 0, 'a line of spaces');
    lines.push(at === each.length ? '' : each.substring(indent));
  }
  while (lines.length > 0 && lines[lines.length - 1] === '') lines.pop();
  const text = lines.join('\n');
  return { kind: 'string', text: keepsEnd && lines.length > 0 ? `${text}\n` : text };
}

/** Brackets and braces, which may go on over lines that are indented more than the block around them. */
function readFlow(reader: Reader, parent: number, column: number): Placed | undefined {
  const open: Open[] = [];
  let at = column;
  for (;;) {
    const first = lineOf(reader).charAt(at);
    let value: JsonValue | undefined;
    if (first === '[' || first === '{') {
      if (open.length >= deepest) return fail(reader, at, 'nested too deeply');
      open.push({ value: first === '[' ? { kind: 'array', items: [] } : { kind: 'object', members: [] }, name: '' });
      at = skipFlow(reader, parent, at + 1);
    } else {
      const placed = readFlowScalar(reader, at);
      if (!placed) return undefined;
      value = placed.value;
      at = placed.end;
    }
    // A value may be the last of its brackets, and those of the ones around them.
    for (;;) {
      const around = open[open.length - 1];
      if (value && !around) return { value, end: at };
      if (!around || at === -1) return undefined;
      if (value) {
        put(around, value);
        at = skipComma(reader, parent, at, around);
      }
      if (at === -1) return undefined;
      value = undefined;
      if (lineOf(reader).charAt(at) === endOf(around)) {
        value = around.value;
        open.pop();
        at += 1;
      } else if (around.value.kind === 'object') {
        const key = readFlowKey(reader, at);
        if (!key || isTaken(reader, around, at, key.name)) return undefined;
        around.name = key.name;
        at = skipFlow(reader, parent, key.end);
        if (at !== -1 && ',}'.indexOf(lineOf(reader).charAt(at)) !== -1) value = nothing;
      }
      if (!value) break;
    }
    if (at === -1) return undefined;
  }
}

function endOf({ value }: Open): string {
  return value.kind === 'array' ? ']' : '}';
}

/** The column of the next value or of the end of the brackets; -1 where there is neither. */
function skipComma(reader: Reader, parent: number, column: number, around: Open): number {
  const at = skipFlow(reader, parent, column);
  if (at === -1) return -1;
  const letter = lineOf(reader).charAt(at);
  if (letter === ',') return skipFlow(reader, parent, at + 1);
  if (letter === endOf(around)) return at;
  fail(reader, at, `a comma or ${endOf(around)} is expected`);
  return -1;
}

/** The column of what comes next, on this line or a later one; -1 where nothing does. */
function skipFlow(reader: Reader, parent: number, column: number): number {
  let from = column;
  while (isBlankFrom(lineOf(reader), from)) {
    reader.row += 1;
    from = 0;
    if (reader.row >= reader.lines.length) {
      reader.row -= 1;
      fail(reader, column, 'the file ends within brackets');
      return -1;
    }
  }
  const at = skipSpaces(lineOf(reader), from);
  if (from === 0 && at <= parent) {
    fail(reader, at, 'brackets are open, and the line is not indented');
    return -1;
  }
  return at;
}

function readFlowKey(reader: Reader, column: number): { name: string; end: number } | undefined {
  const line = lineOf(reader);
  const first = line.charAt(column);
  const quoted = first === '"' || first === "'" ? readQuoted(reader, column) : undefined;
  if (!quoted && !beginsPlain(line, column)) return fail(reader, column, 'a name is expected');
  const end = quoted ? skipSpaces(line, quoted.end) : plainEnd(line, column, true);
  if (line.charAt(end) !== ':') return fail(reader, column, 'a name and a colon are expected on one line');
  return keyOf(reader, column, quoted ? textIn(quoted.value) : trimmed(line.substring(column, end)), end + 1);
}

function readFlowScalar(reader: Reader, column: number): Placed | undefined {
  const line = lineOf(reader);
  const first = line.charAt(column);
  if (first === '"' || first === "'") return readQuoted(reader, column);
  if (!beginsPlain(line, column)) return fail(reader, column, 'a value is expected');
  const end = plainEnd(line, column, true);
  const text = trimmed(line.substring(column, end));
  if (text.indexOf('\t') !== -1) return fail(reader, column, 'a tab in a value that needs quotes');
  return { value: wordOf(text), end };
}
