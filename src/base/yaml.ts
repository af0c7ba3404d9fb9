import { isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { messageOf } from './errors.js';

/** Where a value stands: the keys that lead to it. */
export type YamlPath = readonly PropertyKey[];

/** Lines and columns count from 1. */
export interface YamlPlace {
  line: number;
  column: number;
}

export interface YamlMistake extends YamlPlace {
  message: string;
  path: YamlPath;
  /** The wrong value, where it is a word or a number. */
  value?: string;
}

/** What a YAML file says, or its first mistake; `placeOf` says where something stands, for mistakes that are found later. */
export type YamlFile<T> = { placeOf(path: YamlPath): YamlPlace } & (
  | { data: T; mistake?: undefined }
  | { mistake: YamlMistake }
);

/** Reads YAML by a schema. Aliases (`*name`) are a mistake: they could multiply what a file of a few bytes means. */
export function readYaml<T>(text: string, schema: z.ZodType<T>): YamlFile<T> {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const placeAt = (offset: number): YamlPlace => {
    const { line, col } = counter.linePos(offset);
    return { line, column: col };
  };
  function placeOf(path: YamlPath): YamlPlace {
    // A key that is missing has no place: its parent has.
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return placeAt(node.range[0]);
    }
    return { line: 1, column: 1 };
  }
  const [syntax] = document.errors;
  if (syntax) return { placeOf, mistake: { message: syntax.message, path: [], ...placeAt(syntax.pos[0]) } };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return { placeOf, mistake: { message: messageOf(error).toLowerCase(), path: [], ...placeOf([]) } };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { placeOf, data: parsed.data };
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const wrong: unknown = document.getIn(path);
  const isWord = typeof wrong === 'string' || typeof wrong === 'number';
  const message = issue?.message ?? 'it is wrong';
  return { placeOf, mistake: { message, path, ...placeOf(path), ...(isWord ? { value: String(wrong) } : {}) } };
}
