import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import {
  type AnswerFile,
  changeAnswerFile,
  overrideAnswers,
  readAnswerFile,
  type WrittenAnswer,
  writeAnswerFile,
} from '../base/ini.js';
import { MASK, registerSecret } from '../base/mask.js';
import { type AnswerFinding, groupsOf, parametersOf, type ResolveOptions, resolveAnswers } from './answers.js';
import type { DeployEvent } from './events.js';
import { loadPlugins } from './load-plugins.js';
import type { Configuration, FindMachines, Parameter } from './parameter.js';
import type { DeployPlugin } from './plugin.js';
import { PASSWORD_PLACEHOLDER, password, randomPassword } from './processors.js';

/** Values by name that count before those of a file or a default. */
export type Overrides = ReadonlyMap<string, string>;

export interface LookOptions {
  findMachines?: FindMachines;
}

/** Examines an answer file; nothing is made or changed. A file that cannot be read as one is a finding, too. */
export async function checkAnswers(path: string, options: LookOptions = {}): Promise<AnswerFinding[]> {
  try {
    const file = await readAnswerFile(path);
    const { findings } = await resolveAnswers(file, await loadPlugins(dirname(path)), { ...options, mayCreate: false });
    return findings;
  } catch (error) {
    if (!(error instanceof StackwrightError) || error.code !== 'AnswerFileInvalid') throw error;
    const { line, value = '' } = error.details;
    return [{ code: 'AnswerFileInvalid', level: 'error', name: value, line, message: error.message }];
  }
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
export async function showAnswers(path: string, options: LookOptions = {}): Promise<ShownAnswer[]> {
  const file = await readAnswerFile(path);
  const plugins = await loadPlugins(dirname(path));
  const { configuration } = await resolveAnswers(file, plugins, { ...options, mayCreate: false });
  return groupsOf(plugins).flatMap((group) =>
    group.parameters.map((parameter) => ({
      group: group.name,
      name: parameter.name,
      value: shown(parameter, configuration.get(parameter.name)),
      from: isGiven(parameter, file) ? ('file' as const) : ('default' as const),
    })),
  );
}

export interface AnswerDifference {
  name: string;
  /** Masked where it is a secret; the values differ all the same. */
  before: string;
  after: string;
}

/**
 * The parameters for which two files give different values, defaults and old names taken into account. A password that
 * neither file has is made anew for each deployment, and is no difference.
 */
export async function diffAnswers(
  before: string,
  after: string,
  options: LookOptions = {},
): Promise<AnswerDifference[]> {
  const plugins = await loadPlugins(dirname(after));
  const look: ResolveOptions = { ...options, mayCreate: false };
  const [old, young] = [await readAnswerFile(before), await readAnswerFile(after)];
  const [first, second] = [await resolveAnswers(old, plugins, look), await resolveAnswers(young, plugins, look)];
  return parametersOf(plugins).flatMap((parameter) => {
    const { name } = parameter;
    const [a, b] = [first, second].map(({ configuration, generated }) =>
      generated.has(name) ? PASSWORD_PLACEHOLDER : configuration.get(name),
    );
    if (a === undefined || b === undefined || a === b) return [];
    return [{ name, before: shown(parameter, a), after: shown(parameter, b) }];
  });
}

/**
 * Writes an answer file with every parameter, mode 0600: the overrides, else the defaults. Generated passwords stand in
 * it, so that it can be used again.
 * @throws StackwrightError `AnswerFileExists`
 */
export async function generateAnswers(
  path: string,
  options: { overwrite?: boolean; overrides?: Overrides; reporter?: Reporter; site?: string } = {},
): Promise<void> {
  const plugins = await loadPlugins(options.site ?? dirname(path));
  const file = overrideAnswers({ path, answers: [], get: () => undefined }, proposals(plugins, options.overrides));
  const { configuration } = await resolveAnswers(file, plugins, { mayCreate: false });
  // Values are written as they were given: a query on the inventory is asked again at each deployment.
  const given = (name: string, value: string) => options.overrides?.get(name) ?? value;
  const written = writtenAnswers(plugins, configuration).map((one) => ({ ...one, value: given(one.name, one.value) }));
  await writeAnswerFile(path, written, options);
  const event: DeployEvent = {
    code: 'deploy.answers.written',
    level: 'info',
    message: `the answers are in ${path}; deploy with them again by --answer-file ${path}`,
    data: { file: path },
  };
  options.reporter?.report(event);
}

/** The configuration as an answer file that gives the same configuration. */
export function writtenAnswers(plugins: DeployPlugin[], configuration: Configuration): WrittenAnswer[] {
  return parametersOf(plugins).map((parameter) => ({
    name: parameter.name,
    value: configuration.get(parameter.name),
    comment: parameter.usage + (parameter.options ? ` [${parameter.options.map((o) => `'${o}'`).join(', ')}]` : ''),
  }));
}

/**
 * Gives parameters new random passwords, in the file. The next deployment brings them to the services.
 * @returns the names that were changed
 * @throws StackwrightError `AnswerNotRotatable`, `AnswerFileMissing`, `AnswerFileInvalid`
 */
export async function rotateAnswers(path: string, names: string[]): Promise<string[]> {
  const parameters = parametersOf(await loadPlugins(dirname(path)));
  const rotatable = parameters.filter(({ processors }) => processors?.includes(password)).map(({ name }) => name);
  const changes = new Map<string, string>();
  for (const given of names) {
    const name = given.toUpperCase();
    if (!rotatable.includes(name)) {
      throw new StackwrightError('AnswerNotRotatable', `${given} is no password that is generated`, {
        value: given,
        hint: `these can be rotated: ${rotatable.join(', ')}`,
      });
    }
    const value = randomPassword();
    registerSecret(value);
    changes.set(name, value);
  }
  await keepAnswers(path, changes);
  return [...changes.keys()];
}

/** Writes values into an answer file, each in the place of its line; everything else in the file stays. */
export async function keepAnswers(path: string, values: Overrides): Promise<void> {
  await changeAnswerFile(path, values);
}

/**
 * The values by which one file deploys on given hosts: the first is the controller, the others are compute hosts, and a
 * single one is everything.
 */
export function overridesForHosts(hosts: string[]): Map<string, string> {
  const [controller = '', ...others] = hosts;
  return new Map([
    ['CONFIG_CONTROLLER_HOST', controller],
    ['CONFIG_COMPUTE_HOSTS', others.length === 0 ? controller : others.join(',')],
  ]);
}

/** `~/packstack-answers-20261121-120000.txt`: where a file goes that nobody has named. */
export function newAnswerFilePath(): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return join(homedir(), `packstack-answers-${time}.txt`);
}

/** What a file has where the user gives nothing: proposals of parameters without a default. */
function proposals(plugins: DeployPlugin[], overrides: Overrides = new Map()): Map<string, string> {
  const proposed = parametersOf(plugins)
    .filter((parameter) => parameter.default === undefined)
    .flatMap(({ name, suggest }): [string, string][] => (suggest ? [[name, suggest()]] : []));
  return new Map([...proposed, ...overrides]);
}

function shown(parameter: Parameter, value: string): string {
  return parameter.mask && value !== '' ? MASK : value;
}

function isGiven(parameter: Parameter, file: AnswerFile): boolean {
  return [parameter.name, ...(parameter.deprecates ?? [])].some((name) => file.get(name));
}
