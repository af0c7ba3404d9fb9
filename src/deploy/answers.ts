import { networkInterfaces } from 'node:os';
import { StackwrightError } from '../base/errors.js';
import { type AnswerFile, readAnswerFile, type WrittenAnswer, writeAnswerFile } from '../base/ini.js';
import { MASK, registerSecret } from '../base/mask.js';
import { isPackstackName } from './packstack.js';
import { type Configuration, configurationOf, type Parameter, type ParameterGroup } from './parameter.js';
import { type DeployPlugin, loadPlugins } from './plugin.js';

export type FindingCode =
  | 'UnknownParameter'
  | 'UnsupportedParameter'
  | 'DeprecatedParameter'
  | 'ChangedValue'
  | 'InvalidValue'
  | 'MissingValue'
  | 'ConditionNotMet';

/** Something to know about an answer file. */
export interface AnswerFinding {
  code: FindingCode;
  /** With an error there is no deployment. */
  level: 'error' | 'warn';
  name: string;
  line?: number;
  message: string;
}

export interface ResolvedAnswers {
  configuration: Configuration;
  findings: AnswerFinding[];
  /** Parameters whose group or condition does not apply; their values are not checked. */
  unused: Set<string>;
}

/** Examines an answer file; nothing is made or changed. */
export async function checkAnswers(path: string): Promise<AnswerFinding[]> {
  const { findings } = await resolveAnswers(await readAnswerFile(path), await loadPlugins(), { mayCreate: false });
  return findings;
}

export interface ShownAnswer {
  group: string;
  name: string;
  /** Masked where it is a secret. */
  value: string;
  /** Where the value comes from. */
  from: 'file' | 'default';
}

/** Every parameter with the value that a deployment would use, secrets masked. */
export async function showAnswers(path: string): Promise<ShownAnswer[]> {
  const file = await readAnswerFile(path);
  const plugins = await loadPlugins();
  const { configuration } = await resolveAnswers(file, plugins, { mayCreate: false });
  return groupsOf(plugins).flatMap((group) =>
    group.parameters.map((parameter) => {
      const value = configuration.get(parameter.name);
      const given = [parameter.name, ...(parameter.deprecates ?? [])].some((name) => file.get(name));
      return {
        group: group.name,
        name: parameter.name,
        value: parameter.mask && value !== '' ? MASK : value,
        from: given ? ('file' as const) : ('default' as const),
      };
    }),
  );
}

/**
 * Writes an answer file with every parameter's default, mode 0600; generated passwords stand in it, so that it can be
 * used again.
 * @throws StackwrightError `AnswerFileExists`
 */
export async function generateAnswers(path: string, options: { overwrite?: boolean } = {}): Promise<void> {
  const plugins = await loadPlugins();
  const proposed = groupsOf(plugins)
    .flatMap((group) => group.parameters)
    .filter((parameter) => parameter.suggest !== undefined && parameter.default === undefined)
    .map((parameter) => ({ name: parameter.name, value: parameter.suggest?.() ?? '', line: 0 }));
  const file: AnswerFile = {
    path,
    answers: proposed,
    get: (name) => proposed.find((answer) => answer.name === name.toUpperCase()),
  };
  const { configuration } = await resolveAnswers(file, plugins, { mayCreate: false });
  await writeAnswerFile(path, writtenAnswers(plugins, configuration), options);
}

/** The configuration as an answer file that gives the same configuration. */
export function writtenAnswers(plugins: DeployPlugin[], configuration: Configuration): WrittenAnswer[] {
  return groupsOf(plugins)
    .flatMap((group) => group.parameters)
    .map((parameter) => ({
      name: parameter.name,
      value: configuration.get(parameter.name),
      comment: parameter.usage + (parameter.options ? ` [${parameter.options.map((o) => `'${o}'`).join(', ')}]` : ''),
    }));
}

/**
 * Turns a file's answers into values: from the file, else from a deprecated name, else the default; then processors,
 * then validators. All findings are collected. Secrets are masked from here on.
 */
export async function resolveAnswers(
  file: AnswerFile,
  plugins: DeployPlugin[],
  options: { mayCreate: boolean },
): Promise<ResolvedAnswers> {
  const values = new Map<string, string>();
  const known = configurationOf(values);
  const findings: AnswerFinding[] = [];
  const unused = new Set<string>();
  for (const group of groupsOf(plugins)) {
    const groupApplies = group.preCondition?.(known) ?? true;
    for (const parameter of group.parameters) {
      const applies = groupApplies && (parameter.condition?.(known) ?? true);
      if (!applies) unused.add(parameter.name);
      const value = await resolveParameter(parameter, file, known, { ...options, applies, findings });
      values.set(parameter.name, value);
    }
    const problem = groupApplies ? group.postCondition?.(known) : undefined;
    if (problem) findings.push({ code: 'ConditionNotMet', level: 'error', name: group.name, message: problem });
  }
  findings.push(...strangeNames(file, plugins));
  findings.sort((a, b) => (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER));
  return { configuration: known, findings, unused };
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
    .filter((parameter) => parameter.namesHosts && !unused.has(parameter.name))
    .flatMap((parameter) => configuration.list(parameter.name));
  return [...new Set(named)].filter((host) => !excluded.includes(host));
}

/** An address of this machine that others may reach; a proposal for generated files. */
export function localAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find((address) => !address.internal && address.family === 'IPv4')?.address ?? '127.0.0.1';
}

function groupsOf(plugins: DeployPlugin[]): ParameterGroup[] {
  return plugins.flatMap((plugin) => plugin.groups);
}

function placeOf(file: string, finding: AnswerFinding): string {
  return finding.line === undefined ? file : `${file}:${finding.line}`;
}

interface Resolving {
  mayCreate: boolean;
  applies: boolean;
  findings: AnswerFinding[];
}

interface Found {
  value: string;
  line?: number;
}

async function resolveParameter(
  parameter: Parameter,
  file: AnswerFile,
  known: Configuration,
  { mayCreate, applies, findings }: Resolving,
): Promise<string> {
  const { name } = parameter;
  const note = (code: FindingCode, level: 'error' | 'warn', message: string, line?: number) =>
    findings.push({ code, level, name, ...(line === undefined ? {} : { line }), message });
  const found = fromFile(parameter, file, note) ?? fromDefault(parameter, known);
  if (found === undefined) {
    if (applies) note('MissingValue', 'error', `${name} is missing: ${parameter.prompt}`);
    return '';
  }
  if (parameter.mask) registerSecret(found.value);
  if (!applies) return found.value;

  let value = found.value;
  for (const processor of parameter.processors ?? []) {
    const processed = await processor(value, { known, mayCreate });
    if (processed.message) note('ChangedValue', 'warn', `${name}: ${processed.message}`, found.line);
    value = processed.value;
    if (parameter.mask) registerSecret(value);
  }
  const problem = await problemOf(parameter, value, known);
  if (problem) {
    const level = parameter.looseValidation ? 'warn' : 'error';
    // A wrong secret is not shown either.
    const shown = parameter.mask || value === '' ? name : `${name}: ${value}`;
    note('InvalidValue', level, `${shown} ${problem}`, found.line);
  }
  return value;
}

function fromFile(
  parameter: Parameter,
  file: AnswerFile,
  note: (code: FindingCode, level: 'error' | 'warn', message: string, line?: number) => void,
): Found | undefined {
  const current = file.get(parameter.name);
  const old = (parameter.deprecates ?? []).flatMap((name) => file.get(name) ?? []);
  for (const answer of old) {
    const ignored = current ? `, which is given too and counts` : '';
    note('DeprecatedParameter', 'warn', `${answer.name} is an old name: use ${parameter.name}${ignored}`, answer.line);
  }
  if (current) return current;
  const first = old[0];
  const other = old.find((answer) => answer.value !== first?.value);
  if (first && other) {
    note(
      'InvalidValue',
      'error',
      `${first.name} (line ${first.line}) and ${other.name} are both old names of ${parameter.name} and differ`,
      other.line,
    );
  }
  return first;
}

function fromDefault(parameter: Parameter, known: Configuration): Found | undefined {
  if (parameter.default === undefined) return undefined;
  return { value: typeof parameter.default === 'string' ? parameter.default : parameter.default(known) };
}

async function problemOf(parameter: Parameter, value: string, known: Configuration): Promise<string | undefined> {
  if (parameter.options && !parameter.options.includes(value)) {
    return `is not one of ${parameter.options.join(', ')}`;
  }
  for (const validator of parameter.validators ?? []) {
    const problem = await validator(value, known);
    if (problem) return problem;
  }
  return undefined;
}

function strangeNames(file: AnswerFile, plugins: DeployPlugin[]): AnswerFinding[] {
  const declared = new Set(
    groupsOf(plugins).flatMap((group) =>
      group.parameters.flatMap((parameter) => [parameter.name, ...(parameter.deprecates ?? [])]),
    ),
  );
  return file.answers
    .filter((answer) => !declared.has(answer.name.toUpperCase()))
    .map(({ name, line }) =>
      isPackstackName(name)
        ? {
            code: 'UnsupportedParameter',
            level: 'warn',
            name,
            line,
            message: `${name} is a parameter of packstack that is not supported: it has no effect`,
          }
        : { code: 'UnknownParameter', level: 'error', name, line, message: `there is no parameter ${name}` },
    );
}
