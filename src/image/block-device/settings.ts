import { parseSize, sizeHint } from '../../base/sizes.js';
import { invalidConfig, type LocatedMap, type LocatedValue } from './located-yaml.js';

/** The settings of one entry of a configuration, read one by one; every refusal names file and line. */
export interface Settings {
  file: string;
  line: number;
  has(key: string): boolean;
  lineOf(key: string): number;
  /** A word; undefined where it is not given. */
  text(key: string): string | undefined;
  /** A word that must be there. */
  required(key: string): string;
  /** Bytes. */
  size(key: string): number | undefined;
  /** A whole number, not negative. */
  number(key: string): number | undefined;
  /** A list of words; one word alone is a list of one. */
  words(key: string): string[];
  oneOf<Word extends string>(key: string, known: readonly Word[]): Word | undefined;
  /** Maps of a list, each with its own settings. */
  parts(key: string, known: string[]): Settings[];
  /** Refuses a value of this entry. */
  refuse(key: string, message: string, hint?: string): Error;
}

/**
 * @param what how errors name the entry, e.g. `mkfs`
 * @param known keys that it may have
 * @throws StackwrightError `BlockDeviceConfigInvalid` for an unknown key
 */
export function readSettings(map: LocatedMap, what: string, known: string[], file: string): Settings {
  const given = new Map<string, { line: number; value: LocatedValue }>();
  for (const { key, line, value } of map.entries) {
    if (!known.includes(key)) {
      throw invalidConfig(file, line, `${what} has no setting ${key}`, {
        value: key,
        hint: `known are ${known.join(', ')}`,
      });
    }
    if (value !== undefined) given.set(key, { line, value });
  }
  const lineOf = (key: string) => given.get(key)?.value.line ?? map.line;

  function refuse(key: string, message: string, hint?: string): Error {
    const value = given.get(key)?.value;
    return invalidConfig(file, lineOf(key), `${what}: ${message}`, {
      ...(value?.kind === 'text' ? { value: value.text } : {}),
      ...(hint ? { hint } : {}),
    });
  }

  function text(key: string): string | undefined {
    const value = given.get(key)?.value;
    if (value === undefined) return undefined;
    if (value.kind === 'text' && value.text !== '') return value.text;
    throw refuse(key, `${key} is not a word`);
  }

  return {
    file,
    line: map.line,
    has: (key) => given.has(key),
    lineOf,
    text,
    required(key) {
      const word = text(key);
      if (word === undefined) throw refuse(key, `${key} is missing`, `add ${key}: …`);
      return word;
    },
    size(key) {
      const word = text(key);
      const bytes = word === undefined ? undefined : parseSize(word);
      if (word !== undefined && bytes === undefined) throw refuse(key, `${key} is not a size`, sizeHint);
      return bytes;
    },
    number(key) {
      const word = text(key);
      if (word !== undefined && !/^\d{1,9}$/.test(word)) throw refuse(key, `${key} is not a whole number`);
      return word === undefined ? undefined : Number(word);
    },
    words(key) {
      const value = given.get(key)?.value;
      if (value === undefined) return [];
      const items = value.kind === 'list' ? value.items : [value];
      return items.map((item) => {
        if (item.kind !== 'text') throw refuse(key, `${key} is not a list of words`);
        return item.text;
      });
    },
    oneOf(key, words) {
      const word = text(key);
      const found = words.find((candidate) => candidate === word);
      if (word !== undefined && found === undefined) {
        throw refuse(key, `${key} cannot be ${word}`, `known are ${words.join(', ')}`);
      }
      return found;
    },
    parts(key, partKeys) {
      const value = given.get(key)?.value;
      if (value?.kind !== 'list') throw refuse(key, value ? `${key} is not a list` : `${key} is missing`);
      return value.items.map((item) => {
        if (item.kind !== 'map') {
          throw invalidConfig(file, item.line, `${what}: an entry of ${key} is not a map`);
        }
        return readSettings(item, `${what}, ${key}`, partKeys, file);
      });
    },
    refuse,
  };
}
