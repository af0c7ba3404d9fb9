import ipaddr from 'ipaddr.js';
import { StackwrightError } from '../base/errors.js';
import { describeNode, type PythonNode } from '../base/python-literal.js';
import { parseForm } from './yaml-form.js';

/** One line of a `.specs` file. */
export interface Spec {
  elements: readonly [SpecElement, SpecElement, SpecElement, SpecElement];
  file: string;
  /** From 1. */
  line: number;
}

/** What one fact's word must be: everything that is set must hold. */
export interface SpecElement {
  /** As it stands in the file. */
  text: string;
  /** The word itself; undefined for a variable or a function. */
  literal?: string;
  /** Name of the variable that takes the word, without `$`. */
  variable?: string;
  /** Written `$$name`: the CMDB entry must have this value. */
  forced?: boolean;
  test?: SpecTest;
}

/** @throws NotApplicable where the function has no meaning for this word */
type SpecTest = (word: string) => boolean;

/** Thrown by a test; the matcher knows the spec and makes a StackwrightError of it. */
export class NotApplicable extends Error {}

// The matcher goes one call deeper for every spec.
const MAXIMUM_SPECS = 2000;

/**
 * Reads a `.specs` file, a Python list of 4-tuples, or a `.specs.yaml` file.
 * @throws StackwrightError `PythonLiteralInvalid`, `YamlInvalid`, `SpecInvalid` with file, line, value
 */
export function parseSpecs(text: string, file: string): Spec[] {
  const node = parseForm(text, file, 'specs');
  if (node.kind !== 'list' && node.kind !== 'tuple')
    throw invalid('specs are not a list', node, file, describeNode(node));
  if (node.items.length > MAXIMUM_SPECS) {
    throw invalid(`there are more than ${MAXIMUM_SPECS} specs`, node, file, String(node.items.length));
  }
  return node.items.map((item) => readSpec(item, file));
}

/** A spec as it stands in the file. */
export function specText(spec: Spec): string {
  return `(${spec.elements.map(({ text }) => `'${text}'`).join(', ')})`;
}

function readSpec(node: PythonNode, file: string): Spec {
  if (node.kind !== 'list' && node.kind !== 'tuple')
    throw invalid('a spec is not a tuple', node, file, describeNode(node));
  const [kind, instance, key, value, ...more] = node.items.map((item) => readElement(item, file));
  if (!kind || !instance || !key || !value || more.length > 0) {
    throw invalid('a spec does not have 4 elements', node, file, `${node.items.length} elements`);
  }
  return { elements: [kind, instance, key, value], file, line: node.line };
}

function readElement(node: PythonNode, file: string): SpecElement {
  if (node.kind !== 'string') throw invalid('an element is not a string', node, file, describeNode(node));
  const text = node.value;
  try {
    return parseElement(text);
  } catch (error) {
    if (error instanceof Misread) throw invalid(error.message, node, file, text, error.hint);
    throw error;
  }
}

class Misread extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

function parseElement(text: string): SpecElement {
  if (!text.startsWith('$')) {
    const test = parseCall(text);
    return test ? { text, test } : { text, literal: text };
  }
  const [, dollars, variable, rest] = /^(\$\$?)([^$=()\s]+)(?:=([\s\S]*))?$/.exec(text) ?? [];
  if (dollars === undefined || variable === undefined) {
    throw new Misread('a variable has no proper name', 'a variable is $name, $$name or $name=function(…)');
  }
  const element = { text, variable, forced: dollars === '$$' };
  if (rest === undefined) return element;
  return { ...element, test: mustBeCall(rest) };
}

function mustBeCall(text: string): SpecTest {
  const test = parseCall(text);
  if (test) return test;
  throw new Misread(`${text} is not a function`, 'to compare with a word, use in(word)');
}

type TestMaker = (argument: string) => SpecTest;

/** Every function, by its name; the argument is the text between its brackets. */
const functions: Record<string, TestMaker> = {
  gt: (argument) => compare(argument, (word, limit) => word > limit),
  ge: (argument) => compare(argument, (word, limit) => word >= limit),
  lt: (argument) => compare(argument, (word, limit) => word < limit),
  le: (argument) => compare(argument, (word, limit) => word <= limit),
  range(argument) {
    const [low, high] = exactly(2, argument).map(limitOf);
    return (word) => numberOf(word) >= (low ?? 0) && numberOf(word) <= (high ?? 0);
  },
  in(argument) {
    const words = new Set(splitArguments(argument).map(unquote));
    return (word) => words.has(word);
  },
  network: (argument) => inNetwork(unquote(argument)),
  regexp: (argument) => matchesRegexp(unquote(argument)),
  and(argument) {
    const tests = splitArguments(argument).map(unquote).map(mustBeCall);
    return (word) => tests.every((test) => test(word));
  },
  or(argument) {
    const tests = splitArguments(argument).map(unquote).map(mustBeCall);
    return (word) => tests.some((test) => test(word));
  },
  not(argument) {
    const test = mustBeCall(unquote(argument));
    return (word) => !test(word);
  },
};

/** The test of `name(argument)`; undefined where the text is no call, as in `Xeon(R)`. */
function parseCall(text: string): SpecTest | undefined {
  const [, name, argument] = /^\s*([a-z_]+)\(([\s\S]*)\)\s*$/.exec(text) ?? [];
  if (name === undefined || argument === undefined) return undefined;
  const make = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!make) throw new Misread(`there is no function ${name}`, `the functions are ${Object.keys(functions).join(' ')}`);
  return make(argument);
}

function compare(argument: string, holds: (word: number, limit: number) => boolean): SpecTest {
  const [limit = 0] = exactly(1, argument).map(limitOf);
  return (word) => holds(numberOf(word), limit);
}

const numberPattern = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function limitOf(argument: string): number {
  if (!numberPattern.test(argument))
    throw new Misread(`${argument} is not a number`, 'write a number such as 4 or 1.5');
  return Number(argument);
}

function numberOf(word: string): number {
  if (!numberPattern.test(word.trim())) throw new NotApplicable('is not a number');
  return Number(word);
}

function inNetwork(cidr: string): SpecTest {
  if (!ipaddr.isValidCIDR(cidr)) {
    throw new Misread(`${cidr} is not a network`, 'write a network such as 192.168.122.0/24');
  }
  const [network, length] = ipaddr.parseCIDR(cidr);
  return (word) => {
    if (!ipaddr.IPv4.isValidFourPartDecimal(word) && !ipaddr.IPv6.isValid(word))
      throw new NotApplicable('is not an IP address');
    const address = ipaddr.parse(word);
    return address.kind() === network.kind() && address.match(network, length);
  };
}

function matchesRegexp(pattern: string): SpecTest {
  try {
    // What Python writes otherwise: flags at the beginning, and named groups.
    const [, flags = '', rest = pattern] = /^\(\?([ims]+)\)([\s\S]*)$/.exec(pattern) ?? [];
    const expression = new RegExp(rest.replaceAll('(?P<', '(?<'), flags);
    return (word) => expression.test(word);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Misread(`the regular expression is wrong: ${why}`, 'write a regular expression as JavaScript has it');
  }
}

function exactly(count: number, argument: string): string[] {
  const found = splitArguments(argument).map(unquote);
  if (found.length === count) return found;
  throw new Misread(`${count} arguments are wanted and ${found.length} are there`, 'separate arguments with commas');
}

/** Splits at commas that stand in no brackets, quotes or after a backslash. */
function splitArguments(text: string): string[] {
  const parts: string[] = [];
  let current = '';
  let depth = 0;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') {
      current += char + text.charAt(++at);
      continue;
    }
    if (char === ',' && depth === 0 && quote === '') {
      parts.push(current);
      current = '';
      continue;
    }
    if (quote !== '') quote = char === quote ? '' : quote;
    // A quote opens only where an argument begins: "it's" is a word.
    else if ((char === "'" || char === '"') && /(^|[(,])\s*$/.test(current)) quote = char;
    else if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth--;
    current += char;
  }
  return [...parts, current];
}

function unquote(argument: string): string {
  const text = argument.trim();
  const [, , inner] = /^(['"])([\s\S]*)\1$/.exec(text) ?? [];
  return inner ?? text;
}

function invalid(message: string, node: PythonNode, file: string, value: string, hint?: string): StackwrightError {
  const { line, column } = node;
  const advice = hint ?? "a spec is a tuple such as ('disk', '$disk', 'size', 'gt(4)')";
  return new StackwrightError('SpecInvalid', message, { file, line, column, value, hint: advice });
}
