import { distance } from 'fastest-levenshtein';
import { StackwrightError } from '../base/errors.js';
import type { AnswerFile } from '../base/ini.js';
import { registerSecret } from '../base/mask.js';
import { packstackParameter } from './packstack.js';
import {
  type Configuration,
  configurationOf,
  type Parameter,
  type ParameterGroup,
  type ProcessorContext,
  splitList,
} from './parameter.js';
import type { DeployPlugin } from './plugin.js';

export type FindingCode =
  | 'UnknownParameter'
  | 'UnsupportedParameter'
  | 'DeprecatedParameter'
  | 'ChangedValue'
  | 'InvalidValue'
  | 'MissingValue'
  | 'ConditionNotMet'
  | 'AnswerFileInvalid';

/** Something to know about an answer file. */
export interface AnswerFinding {
  code: FindingCode;
  /** With an error there is no deployment. */
  level: 'error' | 'warn';
  /** The parameter, by the name that stands on the line. */
  name: string;
  line?: number;
  message: string;
}

export interface ResolvedAnswers {
  configuration: Configuration;
  findings: AnswerFinding[];
  /** Parameters whose group or condition does not apply; their values are not checked. */
  unused: Set<string>;
  /** Passwords that were made up, and what was found on hosts, by name: they must be kept. */
  generated: Map<string, string>;
}

/** How answers are looked at. */
export type ResolveOptions = Omit<ProcessorContext, 'known'>;

/**
 * Turns a file's answers into values: from the file, else from a deprecated name, else the default; then processors,
 * then validators. All findings are collected. Secrets are masked from here on.
 */
export async function resolveAnswers(
  file: AnswerFile,
  plugins: DeployPlugin[],
  options: ResolveOptions,
): Promise<ResolvedAnswers> {
  const values = new Map<string, string>();
  const known = configurationOf(values);
  const findings: AnswerFinding[] = [];
  const unused = new Set<string>();
  const generated = new Map<string, string>();
  const wrong = new Set<string>();
  for (const group of groupsOf(plugins)) {
    const groupApplies = group.preCondition?.(known) ?? true;
    for (const parameter of group.parameters) {
      const applies = groupApplies && (parameter.condition?.(known) ?? true);
      if (!applies) unused.add(parameter.name);
      const { value, wasGenerated } = await resolveParameter(parameter, file, {
        ...options,
        known,
        applies,
        findings,
        wrong,
      });
      values.set(parameter.name, value);
      if (wasGenerated) generated.set(parameter.name, value);
    }
    const problem = groupApplies ? group.postCondition?.(known) : undefined;
    if (problem) findings.push({ code: 'ConditionNotMet', level: 'error', name: group.name, message: problem });
  }
  findings.push(...strangeNames(file, plugins));
  findings.sort((a, b) => (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER));
  return { configuration: known, findings, unused, generated };
}

/** @throws StackwrightError `AnswersWrong` naming every wrong answer with file and line */
export function requireRight(file: string, findings: AnswerFinding[]): void {
  const wrong = findings.filter((finding) => finding.level === 'error');
  const first = wrong[0];
  if (!first) return;
  const count = wrong.length === 1 ? 'an answer is' : `${wrong.length} answers are`;
  throw new StackwrightError('AnswersWrong', `${count} wrong`, {
    file,
    line: first.line,
    hint: wrong.map((finding) => `${placeOf(file, finding)}: ${finding.message}`).join('\n'),
  });
}

/** The hosts of a deployment in the order in which parameters name them, without EXCLUDE_SERVERS. */
export function hostsOf(plugins: DeployPlugin[], { configuration, unused }: ResolvedAnswers): string[] {
  const excluded = configuration.list('EXCLUDE_SERVERS');
  const named = groupsOf(plugins)
    .flatMap((group) => group.parameters)
    .filter(({ name, namesHosts }) => {
      const names = typeof namesHosts === 'function' ? namesHosts(configuration) : namesHosts;
      return names && !unused.has(name);
    })
    .flatMap((parameter) => configuration.list(parameter.name));
  return [...new Set(named)].filter((host) => !excluded.includes(host));
}

/** What parameters want said at the end, for the values that they have. */
export function messagesOf(plugins: DeployPlugin[], { configuration, unused }: ResolvedAnswers): string[] {
  return parametersOf(plugins).flatMap(({ name, message }) => {
    const applies = message && !unused.has(name);
    const said = applies && (message.values?.includes(configuration.get(name)) ?? true);
    return said ? [`${name}: ${message.text}`] : [];
  });
}

export function groupsOf(plugins: DeployPlugin[]): ParameterGroup[] {
  return plugins.flatMap((plugin) => plugin.groups);
}

export function parametersOf(plugins: DeployPlugin[]): Parameter[] {
  return groupsOf(plugins).flatMap((group) => group.parameters);
}

export interface ProcessedAnswer {
  value: string;
  /** What processors say of the value. */
  notes: string[];
  /** What is wrong with it, without the value. */
  problem?: string;
  wasGenerated: boolean;
}

/** A value as it will be used: processed, then judged. Its secret is masked from here on. */
export async function processAnswer(
  parameter: Parameter,
  given: string,
  context: ProcessorContext,
): Promise<ProcessedAnswer> {
  if (parameter.mask) registerSecret(given);
  const answer: ProcessedAnswer = { value: given, notes: [], wasGenerated: false };
  for (const processor of parameter.processors ?? []) {
    const { value, message, generated, problem } = await processor(answer.value, context);
    if (message) answer.notes.push(message);
    if (problem) return { ...answer, problem };
    answer.value = value;
    answer.wasGenerated ||= generated ?? false;
    if (parameter.mask) registerSecret(value);
  }
  const problem = await problemOf(parameter, answer.value, context.known);
  return problem ? { ...answer, problem } : answer;
}

function placeOf(file: string, finding: AnswerFinding): string {
  return finding.line === undefined ? file : `${file}:${finding.line}`;
}

interface Resolving extends ProcessorContext {
  applies: boolean;
  findings: AnswerFinding[];
  /** Values that were found wrong: a default that follows from one is not told again. */
  wrong: Set<string>;
}

interface Found {
  value: string;
  line?: number;
}

async function resolveParameter(
  parameter: Parameter,
  file: AnswerFile,
  { applies, findings, wrong, ...context }: Resolving,
): Promise<{ value: string; wasGenerated: boolean }> {
  const { name } = parameter;
  const found = fromFile(parameter, file, findings) ?? fromDefault(parameter, context.known);
  const note = (code: FindingCode, level: 'error' | 'warn', message: string) =>
    findings.push({ code, level, name, ...(found?.line === undefined ? {} : { line: found.line }), message });
  if (found === undefined) {
    if (applies) note('MissingValue', 'error', `${name} is missing: ${parameter.prompt}`);
    wrong.add('');
    return { value: '', wasGenerated: false };
  }
  if (!applies) {
    if (parameter.mask) registerSecret(found.value);
    return { value: found.value, wasGenerated: false };
  }

  const { value, notes, problem, wasGenerated } = await processAnswer(parameter, found.value, context);
  for (const message of notes) note('ChangedValue', 'warn', `${name}: ${message}`);
  const follows = found.line === undefined && typeof parameter.default === 'function' && wrong.has(found.value);
  if (problem && !follows) {
    wrong.add(found.value);
    // A wrong secret is not shown either.
    const shown = parameter.mask || value === '' ? name : `${name}: ${value}`;
    note('InvalidValue', parameter.looseValidation ? 'warn' : 'error', `${shown} ${problem}`);
  }
  return { value, wasGenerated };
}

function fromFile(parameter: Parameter, file: AnswerFile, findings: AnswerFinding[]): Found | undefined {
  const current = file.get(parameter.name);
  const old = (parameter.deprecates ?? []).flatMap((name) => file.get(name) ?? []);
  for (const { name, line } of old) {
    const ignored = current ? `, which is given too and counts` : '';
    const message = `${name} is an old name: use ${parameter.name}${ignored}`;
    findings.push({ code: 'DeprecatedParameter', level: 'warn', name, line, message });
  }
  if (current) return current;
  const first = old[0];
  const other = old.find((answer) => answer.value !== first?.value);
  if (first && other) {
    findings.push({
      code: 'InvalidValue',
      level: 'error',
      name: other.name,
      line: other.line,
      message: `${first.name} (line ${first.line}) and ${other.name} are both old names of ${parameter.name} and differ`,
    });
  }
  return first;
}

function fromDefault(parameter: Parameter, known: Configuration): Found | undefined {
  if (parameter.default === undefined) return undefined;
  return { value: typeof parameter.default === 'string' ? parameter.default : parameter.default(known) };
}

async function problemOf(parameter: Parameter, value: string, known: Configuration): Promise<string | undefined> {
  if (parameter.options) {
    const chosen = parameter.severalOptions ? splitList(value) : [value];
    const wrong = chosen.find((entry) => !parameter.options?.includes(entry));
    const subject = parameter.severalOptions ? `has the entry ${wrong}, which is` : 'is';
    if (wrong !== undefined) return `${subject} not one of ${parameter.options.join(', ')}`;
  }
  for (const validator of parameter.validators ?? []) {
    const problem = await validator(value, known);
    if (problem) return problem;
  }
  return undefined;
}

function strangeNames(file: AnswerFile, plugins: DeployPlugin[]): AnswerFinding[] {
  const parameters = parametersOf(plugins);
  const declared = new Set(parameters.flatMap(({ name, deprecates = [] }) => [name, ...deprecates]));
  return file.answers
    .filter((answer) => !declared.has(answer.name.toUpperCase()))
    .map(({ name, line }) => {
      const packstack = packstackParameter(name);
      if (packstack) {
        const message = `${name} is not supported and has no effect: ${packstack.why}`;
        return { code: 'UnsupportedParameter', level: 'warn', name, line, message };
      }
      const near = nearest(name.toUpperCase(), [...declared]);
      const hint = near ? `; there is ${near}` : '';
      return { code: 'UnknownParameter', level: 'error', name, line, message: `there is no parameter ${name}${hint}` };
    });
}

/** The name that a slip of the pen makes this one of. */
function nearest(name: string, names: string[]): string | undefined {
  const [best] = names.map((other) => ({ other, far: distance(name, other) })).sort((a, b) => a.far - b.far);
  return best && best.far <= 3 ? best.other : undefined;
}
