import {
  Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { z } from 'zod';
import { messageOf, StackwrightError } from '../base/errors.js';
import { type PythonNode, parsePythonLiteral } from '../base/python-literal.js';

const Word = z.union([z.string(), z.number(), z.boolean()]).describe('A word, a $variable or a function(…)');

const SpecsYaml = z
  .array(z.tuple([Word, Word, Word, Word]))
  .max(2000)
  .describe('NAME.specs.yaml: what the hardware of a machine must have to be a NAME');

const Entry = z.record(z.string(), z.json());
const Generate = z.strictObject({ generate: Entry }).describe('Ranges such as 10.0.0.1-20 expand in step');
const Entries = z
  .array(Entry)
  .describe('One machine each; an entry with only the key generate is expanded in its place');
const CmdbYaml = z.union([Generate, Entries]).describe('NAME.cmdb.yaml: settings for the machines of a profile');

const StateYaml = z
  .array(
    z.strictObject({
      profile: z.string().describe('Its files are NAME.specs.yaml, NAME.configure, …'),
      count: z
        .union([z.int().min(0).max(1_000_000), z.literal('*')])
        .describe('How many more may be installed; "*" is without limit'),
    }),
  )
  .describe('state.yaml: the profiles in order of preference');

/** The formats that have a YAML form, by the ending of their file. Published below `schemas/`. */
export const yamlSchemas = { specs: SpecsYaml, cmdb: CmdbYaml, state: StateYaml };
export type SiteFormat = keyof typeof yamlSchemas;

/** Longest text that is read, in UTF-16 code units, as of a Python literal. */
const MAXIMUM_LENGTH = 16 * 1024 * 1024;

/**
 * Reads a file of a site in the form that its name tells: YAML where it ends with `.yaml`, else a
 * Python literal. A file in YAML becomes the nodes of its Python form, so that both are understood,
 * and refused, by the same reader.
 * @throws StackwrightError `YamlInvalid`, `PythonLiteralInvalid` with file, line, value
 */
export function parseForm(text: string, file: string, format: SiteFormat): PythonNode {
  return isYaml(file) ? parseYaml(text, file, format) : parsePythonLiteral(text, file);
}

export function isYaml(file: string): boolean {
  return file.endsWith('.yaml');
}

function parseYaml(text: string, file: string, format: SiteFormat): PythonNode {
  const counter = new LineCounter();
  const placeOf = (offset = 0) => {
    const { line, col } = counter.linePos(offset);
    return { file, line, column: col };
  };
  const hint = `its form is schemas/${format}.schema.json`;
  if (text.length > MAXIMUM_LENGTH) {
    throw new StackwrightError('YamlInvalid', 'the file is too long', { file, value: `${text.length}`, hint });
  }
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const [problem] = document.errors;
  if (problem) {
    const value = text.slice(...problem.pos).split('\n')[0];
    throw new StackwrightError('YamlInvalid', problem.message, { ...placeOf(problem.pos[0]), value, hint });
  }
  visit(document, {
    Alias(_key, alias) {
      const value = `*${alias.source}`;
      throw new StackwrightError('YamlInvalid', 'references are not read', {
        ...placeOf(alias.range?.[0]),
        value,
        hint: 'write the value itself',
      });
    },
  });
  const schema = format === 'cmdb' ? (isMap(document.contents) ? Generate : Entries) : yamlSchemas[format];
  const result = schema.safeParse(plainValue(document, file));
  const [issue] = result.success ? [] : result.error.issues;
  if (issue) {
    const node = nodeAt(document, issue.path);
    const value = text.slice(...(node?.range ?? [0, 0])).split('\n')[0];
    throw new StackwrightError('YamlInvalid', `the form is wrong: ${issue.message}`, {
      ...placeOf(node?.range?.[0]),
      value,
      hint,
    });
  }
  const contents = document.contents as ParsedNode;
  return new Builder(counter, format).build(contents);
}

function plainValue(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new StackwrightError('YamlInvalid', messageOf(error), { file, hint: 'write plain values' });
  }
}

/** The node at a path, or the innermost one that is there. */
function nodeAt(document: Document.Parsed, path: readonly PropertyKey[]): ParsedNode | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node as ParsedNode;
  }
  return document.contents ?? undefined;
}

/** Turns YAML that has the form of its schema into nodes of the Python form. */
class Builder {
  private readonly counter: LineCounter;
  private readonly format: SiteFormat;

  constructor(counter: LineCounter, format: SiteFormat) {
    this.counter = counter;
    this.format = format;
  }

  build(node: ParsedNode | null): PythonNode {
    const { line, col: column } = this.counter.linePos(node?.range[0] ?? 0);
    const place = { line, column };
    if (isSeq(node)) {
      return { kind: 'list', items: node.items.map((item) => this.build(item as ParsedNode)), ...place };
    }
    if (isMap(node)) return this.buildMap(node as YAMLMap<ParsedNode, ParsedNode | null>, place);
    if (!isScalar(node)) return { kind: 'constant', value: null, ...place };
    const { value } = node;
    // A fact is text: 4, 0x1af4 and true are the words that stand there.
    if (this.format === 'specs' && typeof value !== 'string') {
      return { kind: 'string', value: node.source, ...place };
    }
    if (typeof value === 'string') return { kind: 'string', value, ...place };
    // 007 and 1.50 would lose their zeros, and a long number its last digits.
    if (typeof value === 'number' && String(value) !== node.source)
      return { kind: 'string', value: node.source, ...place };
    if (typeof value === 'number') return { kind: 'number', value, ...place };
    return { kind: 'constant', value: value === true ? true : value === false ? false : null, ...place };
  }

  private buildMap(
    { items }: YAMLMap<ParsedNode, ParsedNode | null>,
    place: { line: number; column: number },
  ): PythonNode {
    const keyed = items.map(({ key, value }) => ({ key: asString(this.build(key)), value: this.build(value) }));
    if (this.format === 'state') {
      const pair = ['profile', 'count'].flatMap((name) => keyed.filter(({ key }) => key.value === name));
      return { kind: 'tuple', items: pair.map(({ value }) => value), ...place };
    }
    const [first] = keyed;
    if (
      this.format === 'cmdb' &&
      keyed.length === 1 &&
      first?.key.value === 'generate' &&
      first.value.kind === 'dict'
    ) {
      return { kind: 'call', name: 'generate', arguments: [first.value], ...place };
    }
    return { kind: 'dict', entries: keyed, ...place };
  }
}

/** A key such as 10 is the text "10", as in the value that the schema has seen. */
function asString(node: PythonNode): PythonNode & { kind: 'string' } {
  const { line, column } = node;
  if (node.kind === 'string') return node;
  const value = node.kind === 'number' || node.kind === 'constant' ? String(node.value ?? '') : '';
  return { kind: 'string', value, line, column };
}

/** A plain value as YAML; the lists of specs on a line each. */
export function formatYaml(value: unknown, format: SiteFormat): string {
  const document = new Document(value);
  if (format === 'specs' && isSeq(document.contents)) {
    for (const item of document.contents.items) if (isSeq(item)) item.flow = true;
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** What the Python form says, as a value of the YAML form: `generate` is kept as it is. */
export function yamlOfNode(node: PythonNode): unknown {
  switch (node.kind) {
    case 'string':
    case 'number':
    case 'constant':
      return node.value;
    case 'call':
      return { generate: node.arguments.map(yamlOfNode)[0] };
    case 'dict':
      return Object.fromEntries(node.entries.map(({ key, value }) => [String(yamlOfNode(key)), yamlOfNode(value)]));
    default:
      return node.items.map(yamlOfNode);
  }
}
