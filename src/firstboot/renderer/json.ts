/**
 * A JSON reader that keeps the order of an object's members (the order of the keys in `authorized_keys`; mujs sorts
 * them), limits the depth, and says the same of a broken file in every engine.
 */

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

const deepest = 64;
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
  const reader = { text, at: text.charCodeAt(0) === 0xfeff ? 1 : 0, problem: '' };
  const value = readValue(reader, 0);
  if (!reader.problem) {
    skipSpace(reader);
    if (reader.at < text.length) fail(reader, 'text after the end of the value');
  }
  if (!reader.problem && value) return { value };
  const before = text.substring(0, reader.at).split('\n');
  return {
    failure: { line: before.length, column: (before[before.length - 1] as string).length + 1, message: reader.problem },
  };
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
  text: string;
  at: number;
  problem: string;
}

function fail(reader: Reader, message: string): undefined {
  if (!reader.problem) reader.problem = message;
  return undefined;
}

function skipSpace(reader: Reader): void {
  while (reader.at < reader.text.length && ' \t\r\n'.indexOf(reader.text.charAt(reader.at)) !== -1) reader.at += 1;
}

function readValue(reader: Reader, depth: number): JsonValue | undefined {
  if (depth > deepest) return fail(reader, 'nested too deeply');
  skipSpace(reader);
  const letter = reader.text.charAt(reader.at);
  if (letter === '{') return readObject(reader, depth);
  if (letter === '[') return readArray(reader, depth);
  if (letter === '"') {
    const text = readString(reader);
    return text === undefined ? undefined : { kind: 'string', text };
  }
  const word = /^(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/.exec(
    reader.text.substring(reader.at, reader.at + 64),
  );
  if (!word) return fail(reader, reader.at < reader.text.length ? 'not a JSON value' : 'the file ends too early');
  reader.at += word[0].length;
  if (word[0] === 'true' || word[0] === 'false' || word[0] === 'null') return { kind: 'literal', text: word[0] };
  return { kind: 'number', text: word[0] };
}

function readObject(reader: Reader, depth: number): JsonValue | undefined {
  const members: JsonMember[] = [];
  reader.at += 1;
  skipSpace(reader);
  if (reader.text.charAt(reader.at) === '}') {
    reader.at += 1;
    return { kind: 'object', members };
  }
  for (;;) {
    skipSpace(reader);
    if (reader.text.charAt(reader.at) !== '"') return fail(reader, 'a name in quotes is expected');
    const name = readString(reader);
    if (name === undefined) return undefined;
    skipSpace(reader);
    if (reader.text.charAt(reader.at) !== ':') return fail(reader, 'a colon is expected');
    reader.at += 1;
    const value = readValue(reader, depth + 1);
    if (!value) return undefined;
    members.push({ name, value });
    const more = readSeparator(reader, '}');
    if (more === undefined) return undefined;
    if (!more) return { kind: 'object', members };
  }
}

function readArray(reader: Reader, depth: number): JsonValue | undefined {
  const items: JsonValue[] = [];
  reader.at += 1;
  skipSpace(reader);
  if (reader.text.charAt(reader.at) === ']') {
    reader.at += 1;
    return { kind: 'array', items };
  }
  for (;;) {
    const value = readValue(reader, depth + 1);
    if (!value) return undefined;
    items.push(value);
    const more = readSeparator(reader, ']');
    if (more === undefined) return undefined;
    if (!more) return { kind: 'array', items };
  }
}

/** True after a comma, false after the end. */
function readSeparator(reader: Reader, end: string): boolean | undefined {
  skipSpace(reader);
  const letter = reader.text.charAt(reader.at);
  if (letter !== ',' && letter !== end) return fail(reader, `a comma or ${end} is expected`);
  reader.at += 1;
  return letter === ',';
}

function readString(reader: Reader): string | undefined {
  let result = '';
  reader.at += 1;
  for (;;) {
    const letter = reader.text.charAt(reader.at);
    if (letter === '') return fail(reader, 'the file ends inside a string');
    if (letter < ' ') return fail(reader, 'a control character inside a string');
    reader.at += 1;
    if (letter === '"') return result;
    if (letter !== '\\') {
      result += letter;
      continue;
    }
    const letterAfter = reader.text.charAt(reader.at);
    if (letterAfter === 'u') {
      const digits = reader.text.substring(reader.at + 1, reader.at + 5);
      if (!/^[0-9A-Fa-f]{4}$/.test(digits)) return fail(reader, 'a wrong \\u escape');
      result += String.fromCharCode(parseInt(digits, 16));
      reader.at += 5;
      continue;
    }
    const plain = /^[bfnrt"\\/]$/.test(letterAfter) ? escapes[letterAfter] : undefined;
    if (plain === undefined) return fail(reader, 'a wrong escape');
    result += plain;
    reader.at += 1;
  }
}
