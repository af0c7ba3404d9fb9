import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { StackwrightError } from '../../base/errors.js';

/** A value of a YAML document with the line (from 1) where it stands. Words are as they were written. */
export type LocatedValue = LocatedText | LocatedList | LocatedMap;

export interface LocatedText {
  kind: 'text';
  text: string;
  line: number;
}

export interface LocatedList {
  kind: 'list';
  items: LocatedValue[];
  line: number;
}

export interface LocatedMap {
  kind: 'map';
  entries: { key: string; line: number; value: LocatedValue | undefined }[];
  line: number;
}

/** References (`*name`) can multiply values, and contain themselves. */
const mostValues = 10_000;
const deepest = 50;

/**
 * Reads YAML. A value that is not given (`key:`, `~`, `null`) is undefined.
 * @param file named in errors
 * @throws StackwrightError `BlockDeviceConfigInvalid`
 */
export function readLocatedYaml(text: string, file: string): LocatedValue | undefined {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const lineOf = (node: Node | null | undefined) => counter.linePos(node?.range?.[0] ?? 0).line;
  const problem = document.errors[0];
  if (problem) throw invalidConfig(file, counter.linePos(problem.pos[0]).line, problem.message);
  let values = 0;

  function read(node: unknown, line: number, depth: number): LocatedValue | undefined {
    if (++values > mostValues) throw invalidConfig(file, line, `it has more than ${mostValues} values`);
    if (depth > deepest) throw invalidConfig(file, line, `it is nested more than ${deepest} deep`);
    if (isAlias(node)) {
      const meant = node.resolve(document);
      if (meant) return read(meant, line, depth + 1);
      throw invalidConfig(file, lineOf(node), `there is no &${node.source}`, { value: `*${node.source}` });
    }
    if (isScalar(node)) {
      const word = node.source ?? String(node.value ?? '');
      return node.value === null ? undefined : { kind: 'text', text: word, line: lineOf(node) };
    }
    if (isSeq<Node>(node)) {
      const at = lineOf(node);
      const items = node.items.map((item) => read(item, at, depth + 1));
      return { kind: 'list', items: items.filter((item) => item !== undefined), line: at };
    }
    if (isMap<Node, Node | null>(node)) {
      const entries = node.items.map(({ key, value }) => {
        const at = lineOf(key);
        if (!isScalar(key)) throw invalidConfig(file, at, 'it has a key that is not a word');
        return { key: String(key.source ?? key.value), line: at, value: read(value, at, depth + 1) };
      });
      return { kind: 'map', entries, line: lineOf(node) };
    }
    return undefined;
  }

  return read(document.contents, 1, 0);
}

/** A mistake in a configuration of block devices. */
export function invalidConfig(
  file: string,
  line: number,
  message: string,
  details: { value?: string; hint?: string } = {},
): StackwrightError {
  return new StackwrightError('BlockDeviceConfigInvalid', `the block device configuration is wrong: ${message}`, {
    file,
    line,
    ...details,
    exitStatus: 2,
  });
}
