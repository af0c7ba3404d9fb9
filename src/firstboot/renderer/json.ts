/**
 * A JSON reader that keeps the order of an object's members (the order of the keys in `authorized_keys`; mujs sorts
 * them), limits the depth, and says the same of a broken file in every engine. It does not call itself: the stack of
 * mujs has room for a dozen calls.
 */
import { hexDigits, madeOf } from './text.js';

export interface JsonMember {
  name: string;
  value: JsonValue;
}

export type JsonValue =
  | { kind: 'object'; members: JsonMember[] }
  | { kind: 'array'; items: JsonValue[] }
  | { kind: 'string'; text: string }
  | { kind: 'number'; text: string }
  | { kind: 'literal'; text: 'true' | 'false' | 'null' };

export interface JsonFailure {
  line: number;
  column: number;
  message: string;
}

/** A collection that is being read. */
export interface Open {
  value: { kind: 'object'; members: JsonMember[] } | { kind: 'array'; items: JsonValue[] };
  /** Of the member whose value comes next. */
  name: string;
}

/** Of collections in one another; no drive has more than seven. */
export const deepest = 64;
const escapes: { [letter: string]: string } = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  '/': '/',
};

/** Exactly one of `value` and `failure` is set. */
export function readJson(text: string): { value?: JsonValue; failure?: JsonFailure } {
  const reader = { letters: text.split(''), at: text.charCodeAt(0) === 0xfeff ? 1 : 0, problem: '' };
  const value = readValue(reader);
  if (!reader.problem) {
    skipSpace(reader);
    if (reader.at < reader.letters.length) fail(reader, 'text after the end of the value');
  }
  if (!reader.problem && value) return { value };
  const before = text.substring(0, reader.at).split('\n');
  return {
    failure: { line: before.length, column: (before[before.length - 1] as string).length + 1, message: reader.problem },
  };
}

/** Puts a value into the collection that it belongs to. */
export function put({ value, name }: Open, inner: JsonValue): void {
  if (value.kind === 'array') value.items.push(inner);
  else value.members.push({ name, value: inner });
}

/** The value of a member; of several with one name the last, as everywhere. */
export function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  let found: JsonValue | undefined;
  if (value && value.kind === 'object') {
    for (const each of value.members) if (each.name === name) found = each.value;
  }
  return found;
}

/** A member that is a string, or a number as its text. */
export function textOf(value: JsonValue | undefined, name: string): string | undefined {
  const found = member(value, name);
  return found && (found.kind === 'string' || found.kind === 'number') ? found.text : undefined;
}

export function itemsOf(value: JsonValue | undefined, name: string): JsonValue[] {
  const found = member(value, name);
  return found && found.kind === 'array' ? found.items : [];
}

/** An object of texts and values; what is undefined is left out. */
export function objectOf(members: { [name: string]: string | JsonValue | undefined }): JsonValue {
  const result: JsonMember[] = [];
  for (const name in members) {
    const given = members[name];
    if (given === undefined) continue;
    result.push({ name, value: typeof given === 'string' ? { kind: 'string', text: given } : given });
  }
  return { kind: 'object', members: result };
}

/** The texts of a member that is a list of texts, or one text. */
export function textsOf(value: JsonValue | undefined, name: string): string[] {
  const one = textOf(value, name);
  if (one !== undefined) return [one];
  const texts: string[] = [];
  for (const item of itemsOf(value, name)) {
    if (item.kind === 'string' || item.kind === 'number') texts.push(item.text);
  }
  return texts;
}

export function membersOf(value: JsonValue | undefined): JsonMember[] {
  return value && value.kind === 'object' ? value.members : [];
}

/** True as Python has it: what is neither missing, false, null, 0, nor empty. */
export function isTrue(value: JsonValue | undefined): boolean {
  if (!value) return false;
  if (value.kind === 'object') return value.members.length > 0;
  if (value.kind === 'array') return value.items.length > 0;
  if (value.kind === 'literal') return value.text === 'true';
  if (value.kind === 'number') return Number(value.text) !== 0;
  return value.text !== '';
}

interface Reader {
  /** The text, a character each: mujs counts from the beginning to find a character of a text. */
  letters: string[];
  at: number;
  problem: string;
}

function fail(reader: Reader, message: string): undefined {
  if (!reader.problem) reader.problem = message;
  return undefined;
}

function skipSpace(reader: Reader): void {
  while (reader.at < reader.letters.length && ' \t\r\n'.indexOf(letterAt(reader)) !== -1) reader.at += 1;
}

function readValue(reader: Reader): JsonValue | undefined {
  const open: Open[] = [];
  for (;;) {
    skipSpace(reader);
    const letter = letterAt(reader);
    let value: JsonValue | undefined;
    if (letter === '{' || letter === '[') {
      if (open.length >= deepest) return fail(reader, 'nested too deeply');
      open.push({ value: letter === '{' ? { kind: 'object', members: [] } : { kind: 'array', items: [] }, name: '' });
      reader.at += 1;
      value = closed(reader, open);
    } else {
      value = readScalar(reader);
      if (!value) return undefined;
    }
    // A value may be the last of its collection, and that of the one around it.
    while (value) {
      const around = open[open.length - 1];
      if (!around) return value;
      put(around, value);
      value = closed(reader, open);
      if (!value && !skipComma(reader, around)) return undefined;
    }
    if (!readName(reader, open[open.length - 1] as Open)) return undefined;
  }
}

/** The innermost collection, where its end is next. */
function closed(reader: Reader, open: Open[]): JsonValue | undefined {
  skipSpace(reader);
  const last = open[open.length - 1] as Open;
  if (letterAt(reader) !== endOf(last)) return undefined;
  reader.at += 1;
  open.pop();
  return last.value;
}

function endOf({ value }: Open): string {
  return value.kind === 'object' ? '}' : ']';
}

function skipComma(reader: Reader, around: Open): boolean {
  if (letterAt(reader) !== ',') fail(reader, `a comma or ${endOf(around)} is expected`);
  else reader.at += 1;
  return !reader.problem;
}

/** The name of the next member, where there has to be one. */
function readName(reader: Reader, around: Open): boolean {
  if (around.value.kind === 'array') return true;
  skipSpace(reader);
  if (letterAt(reader) !== '"') fail(reader, 'a name in quotes is expected');
  const name = reader.problem ? undefined : readString(reader);
  if (name === undefined) return false;
  around.name = name;
  skipSpace(reader);
  if (letterAt(reader) !== ':') fail(reader, 'a colon is expected');
  reader.at += 1;
  return !reader.problem;
}

function readScalar(reader: Reader): JsonValue | undefined {
  if (letterAt(reader) === '"') {
    const text = readString(reader);
    return text === undefined ? undefined : { kind: 'string', text };
  }
  const start = reader.at;
  while (reader.at - start < 64 && letterAt(reader) && '+-.0123456789Eaeflnrstu'.indexOf(letterAt(reader)) !== -1) {
    reader.at += 1;
  }
  const word = piece(reader, start, reader.at);
  if (word === 'true' || word === 'false' || word === 'null') return { kind: 'literal', text: word };
  if (/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/.test(word)) return { kind: 'number', text: word };
  reader.at = start;
  return fail(reader, start < reader.letters.length ? 'not a JSON value' : 'the file ends too early');
}

function piece(reader: Reader, start: number, end: number): string {
  return reader.letters.slice(start, end).join('');
}

function letterAt(reader: Reader): string {
  return reader.letters[reader.at] || '';
}

function readString(reader: Reader): string | undefined {
  let result = '';
  reader.at += 1;
  let start = reader.at;
  for (;;) {
    const letter = letterAt(reader);
    if (letter === '') return fail(reader, 'the file ends inside a string');
    if (letter < ' ') return fail(reader, 'a control character inside a string');
    if (letter === '"' || letter === '\\') result += piece(reader, start, reader.at);
    reader.at += 1;
    if (letter === '"') return result;
    if (letter !== '\\') continue;
    const plain = readEscape(reader);
    if (plain === undefined) return undefined;
    result += plain;
    start = reader.at;
  }
}

/** What stands behind a backslash. */
function readEscape(reader: Reader): string | undefined {
  const letter = letterAt(reader);
  if (letter === 'u') {
    const digits = piece(reader, reader.at + 1, reader.at + 5);
    if (digits.length !== 4 || !madeOf(digits, hexDigits, 4)) return fail(reader, 'a wrong \\u escape');
    reader.at += 5;
    return String.fromCharCode(parseInt(digits, 16));
  }
  const plain = letter && 'bfnrt"\\/'.indexOf(letter) !== -1 ? escapes[letter] : undefined;
  if (plain === undefined) return fail(reader, 'a wrong escape');
  reader.at += 1;
  return plain;
}
