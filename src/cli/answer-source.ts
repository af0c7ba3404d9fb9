import { existsSync } from 'node:fs';
import type { Reporter } from '../base/events.js';
import { localAddress } from '../base/local-address.js';
import {
  type FindMachines,
  type FirstContact,
  generateAnswers,
  interview,
  newAnswerFilePath,
  type Overrides,
  overridesForHosts,
} from '../deploy/index.js';
import type { CliContext } from './context.js';
import { wrongUsage } from './failure.js';
import { terminalInterviewer } from './interviewer.js';

/** How a command was told what to deploy: a file, hosts, or nothing of it. */
export interface AnswerSource {
  answerFile?: string;
  allinone: boolean;
  /** Separated by commas. */
  installHosts?: string;
  overrides: Overrides;
  findMachines?: FindMachines;
  /** Whose plugins count. */
  site?: string;
  reporter: Reporter;
}

/** An answer file, and what counts before it. */
export interface ChosenAnswers {
  answerFile: string;
  overrides: Overrides;
}

/**
 * The file that was named; else one that is written now, from hosts or from what a person answers. A written one is
 * kept, so that the same can be deployed again.
 * @throws StackwrightError `WrongUsage` for two sources at once, and for none without a terminal
 */
export async function chooseAnswers(context: CliContext, source: AnswerSource): Promise<ChosenAnswers> {
  const { answerFile, allinone, installHosts, overrides, site, reporter } = source;
  const named = [answerFile, allinone || undefined, installHosts].filter((one) => one !== undefined);
  if (named.length > 1) throw wrongUsage('--answer-file, --allinone and --install-hosts exclude one another');
  if (answerFile !== undefined) return { answerFile, overrides };

  const hosts = allinone ? [localAddress()] : splitHosts(installHosts);
  const path = newAnswerFilePath();
  const given = hosts.length > 0 ? new Map([...overridesForHosts(hosts), ...overrides]) : await ask(context, source);
  await generateAnswers(path, { overrides: given, reporter, site });
  return { answerFile: path, overrides: new Map() };
}

/** Unknown host keys are taken from a file, or a person is asked. */
export function firstContact(context: CliContext, hostKeys: string | undefined): FirstContact {
  return {
    ...(hostKeys === undefined ? {} : { hostKeys }),
    ...(isInteractive(context) ? { confirm: agrees } : {}),
  };
}

/** Asks before a file is written over; without a terminal it is not. */
export async function mayWriteOver(context: CliContext, path: string, force: boolean): Promise<boolean> {
  if (force || !existsSync(path) || !isInteractive(context)) return force;
  return await agrees(`There is a file ${path}. Write over it?`);
}

async function agrees(question: string): Promise<boolean> {
  const { confirm } = await import('@clack/prompts');
  return (await confirm({ message: question, initialValue: false })) === true;
}

/** The password of `--default-password`: `-` is asked for, or read from standard input where that is no terminal. */
export async function readDefaultPassword(context: CliContext, given: string): Promise<string> {
  if (given !== '-') return given;
  if (isInteractive(context)) {
    const { password } = await import('@clack/prompts');
    const answer = await password({ message: 'Default password' });
    return typeof answer === 'string' ? answer : '';
  }
  const chunks: Buffer[] = [];
  for await (const chunk of context.process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8').split('\n')[0] ?? '';
}

async function ask(context: CliContext, { overrides, findMachines, site }: AnswerSource): Promise<Map<string, string>> {
  if (!isInteractive(context)) {
    throw wrongUsage('nothing says what to deploy', 'give --answer-file, --allinone or --install-hosts');
  }
  const { stdin: input, stdout: output } = context.process;
  return await interview(terminalInterviewer({ input, output }), { overrides, findMachines, site });
}

function isInteractive({ process }: CliContext): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

function splitHosts(hosts = ''): string[] {
  return hosts
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '');
}

/** `NAME=VALUE` as a name in upper case and its value. */
export function parseSetting(text: string): [string, string] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw wrongUsage(`${text} is not NAME=VALUE`);
  return [name.toUpperCase(), value];
}
