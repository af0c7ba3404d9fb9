/**
 * What regular expressions would do. Those of mujs fail on texts beyond a thousand characters ("regexec failed"), and
 * take seconds for a counted repetition as `{1,45}`; so here they see only short texts, and none of those.
 */

const digits = '0123456789';
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const hexDigits = `${digits}abcdefABCDEF`;
export const wordLetters = letters + digits;

/** True where the text has from 1 to `longest` characters, all of them allowed. */
export function madeOf(text: string, allowed: string, longest: number): boolean {
  if (text.length < 1 || text.length > longest) return false;
  for (let at = 0; at < text.length; at += 1) if (allowed.indexOf(text.charAt(at)) === -1) return false;
  return true;
}

export function isNumber(text: string, longest: number): boolean {
  return madeOf(text, digits, longest);
}

/** `String.trim` of the engines differs in what a space is. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charAt(start))) start += 1;
  while (end > start && isBlank(text.charAt(end - 1))) end -= 1;
  return text.substring(start, end);
}

export function endsWith(text: string, end: string): boolean {
  return text.length >= end.length && text.substring(text.length - end.length) === end;
}

/** The words of a line. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const part of line.split('\t').join(' ').split(' ')) {
    const word = trimmed(part);
    if (word) words.push(word);
  }
  return words;
}

function isBlank(letter: string): boolean {
  return letter === ' ' || letter === '\n' || letter === '\t' || letter === '\r';
}
