/** What can be told of one line of YAML. */
import type { JsonValue } from './json.js';
import { isNumber } from './text.js';

const longestLine = 20_000;
export const nothing: JsonValue = { kind: 'literal', text: 'null' };
const wordsForTrue = ' true True TRUE yes Yes YES on On ON ';
const wordsForFalse = ' false False FALSE no No NO off Off OFF ';
const wordsForNull = ' ~ null Null NULL ';

/** Where a line has a control character, or one that some readers take for the end of the line; -1 where it has none. */
export function wrongLetter(line: string): number {
  if (line.length > longestLine) return longestLine;
  // mujs finds a character of a text by counting from the beginning, one of an array at once.
  const letters = line.split('');
  for (let at = 0; at < letters.length; at += 1) {
    const code = (letters[at] as string).charCodeAt(0);
    const control = (code < 32 && code !== 9) || (code >= 127 && code < 160);
    if (control || code === 0x2028 || code === 0x2029 || code === 0xfeff) return at;
  }
  return -1;
}

export function isMark(line: string, mark: string): boolean {
  return line.substring(0, 3) === mark && (line.length === 3 || line.charAt(3) === ' ' || line.charAt(3) === '\t');
}

/** True where the line has nothing more than spaces and a comment. */
export function isBlankFrom(line: string, column: number): boolean {
  const at = skipSpaces(line, column);
  if (at >= line.length) return true;
  return line.charAt(at) === '#' && (at === 0 || line.charAt(at - 1) === ' ');
}

export function skipSpaces(line: string, column: number): number {
  let at = column;
  while (at < line.length && line.charAt(at) === ' ') at += 1;
  return at;
}

/** A dash, question mark or colon with nothing right behind it is a mark; else it begins a scalar. */
export function isAlone(line: string, column: number, mark: string): boolean {
  return line.charAt(column) === mark && (column + 1 === line.length || line.charAt(column + 1) === ' ');
}

/** True where a plain scalar can begin. */
export function beginsPlain(line: string, column: number): boolean {
  const first = line.charAt(column);
  if (first === '-' || first === '?' || first === ':') {
    const second = line.charAt(column + 1);
    return second !== '' && ' \t,[]{}'.indexOf(second) === -1;
  }
  return first !== '' && ',[]{}#&*!|>\'"%@` \t'.indexOf(first) === -1;
}

/** Where a plain scalar ends: at a colon or comment, at the end of the line, and within brackets at a mark of theirs. */
export function plainEnd(line: string, column: number, inBrackets: boolean): number {
  for (let at = column; at < line.length; at += 1) {
    const letter = line.charAt(at);
    const next = line.charAt(at + 1);
    if (letter === ':' && (next === '' || next === ' ' || (inBrackets && ',[]{}'.indexOf(next) !== -1))) return at;
    if (letter === '#' && line.charAt(at - 1) === ' ') return at;
    if (inBrackets && ',[]{}'.indexOf(letter) !== -1) return at;
  }
  return line.length;
}

export function wordOf(text: string): JsonValue {
  const word = ` ${text} `;
  if (text.indexOf(' ') === -1) {
    if (wordsForTrue.indexOf(word) !== -1) return { kind: 'literal', text: 'true' };
    if (wordsForFalse.indexOf(word) !== -1) return { kind: 'literal', text: 'false' };
    if (wordsForNull.indexOf(word) !== -1) return nothing;
  }
  return isNumber(text, 15) ? { kind: 'number', text } : { kind: 'string', text };
}
