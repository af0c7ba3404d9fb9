import { MASK } from '../base/mask.js';
import type { Overrides } from './answer-files.js';
import { processAnswer } from './answers.js';
import { loadPlugins } from './load-plugins.js';
import {
  type Configuration,
  configurationOf,
  type FindMachines,
  type Parameter,
  type ParameterGroup,
} from './parameter.js';
import type { DeployPlugin } from './plugin.js';
import { PASSWORD_PLACEHOLDER } from './processors.js';

/** Asks a person; how is its own affair. Whatever it is asked, it may throw to end the interview. */
export interface Interviewer {
  /** A new group begins. */
  begin(title: string): void;
  /** A line of text; Enter gives the proposal. */
  text(question: Question): Promise<string>;
  /** A secret, not shown; Enter gives an empty text. */
  secret(question: Question): Promise<string>;
  /** One of the options. */
  choose(question: Question & { options: string[] }): Promise<string>;
  /** An answer was not right, and is asked for again; or something else a person should know. */
  say(message: string): void;
  /** Shows what was answered, secrets masked, and asks whether it is to be used. */
  accept(summary: { prompt: string; value: string }[]): Promise<boolean>;
}

export interface Question {
  name: string;
  prompt: string;
  proposal: string;
}

/**
 * Asks for every parameter that applies, group by group, and judges each answer at once; a wrong one is asked for again.
 * Parameters that are overridden, and those that take their default, are not asked for.
 * @returns what the person gave, by name, for an answer file
 */
export async function interview(
  interviewer: Interviewer,
  options: { overrides?: Overrides; findMachines?: FindMachines; site?: string } = {},
): Promise<Map<string, string>> {
  const plugins = await loadPlugins(options.site);
  let proposals = new Map<string, string>();
  for (;;) {
    const asked = await askOnce(plugins, interviewer, { ...options, proposals });
    if (await interviewer.accept(asked.summary)) return asked.given;
    proposals = asked.given;
  }
}

interface Asking {
  overrides?: Overrides;
  findMachines?: FindMachines;
  /** Of an earlier round, which was not accepted. */
  proposals: Map<string, string>;
}

interface Asked {
  given: Map<string, string>;
  summary: { prompt: string; value: string }[];
}

async function askOnce(plugins: DeployPlugin[], interviewer: Interviewer, asking: Asking): Promise<Asked> {
  const values = new Map<string, string>();
  const known = configurationOf(values);
  const asked: Asked = { given: new Map(asking.overrides), summary: [] };
  for (const group of plugins.flatMap((plugin) => plugin.groups)) {
    for (;;) {
      const before = asked.summary.length;
      await askGroup(group, interviewer, asking, { known, values, asked });
      const applies = group.preCondition?.(known) ?? true;
      const problem = applies ? group.postCondition?.(known) : undefined;
      if (!problem) break;
      interviewer.say(problem);
      asked.summary.length = before;
    }
  }
  return asked;
}

interface Progress {
  known: Configuration;
  values: Map<string, string>;
  asked: Asked;
}

async function askGroup(
  group: ParameterGroup,
  interviewer: Interviewer,
  asking: Asking,
  { known, values, asked }: Progress,
): Promise<void> {
  const groupApplies = group.preCondition?.(known) ?? true;
  let begun = false;
  for (const parameter of group.parameters) {
    const applies = groupApplies && (parameter.condition?.(known) ?? true);
    const override = asking.overrides?.get(parameter.name);
    if (!applies || parameter.useDefault || override !== undefined) {
      values.set(parameter.name, override ?? proposalOf(parameter, known, asking.proposals));
      continue;
    }
    if (!begun) interviewer.begin(group.description);
    begun = true;
    const { given, value } = await askParameter(parameter, interviewer, asking, known);
    values.set(parameter.name, value);
    asked.given.set(parameter.name, given);
    asked.summary.push({ prompt: parameter.name, value: parameter.mask && given !== '' ? MASK : given });
  }
}

/** Asks until the answer is right. */
async function askParameter(
  parameter: Parameter,
  interviewer: Interviewer,
  { findMachines, proposals }: Asking,
  known: Configuration,
): Promise<{ given: string; value: string }> {
  const proposal = proposalOf(parameter, known, proposals);
  const { name, prompt } = parameter;
  for (;;) {
    const given = await askParameterOnce(parameter, interviewer, { name, prompt, proposal });
    if (given === undefined) {
      interviewer.say('the two are not the same');
      continue;
    }
    const { value, notes, problem, wasGenerated } = await processAnswer(parameter, given, {
      known,
      mayCreate: false,
      findMachines,
    });
    for (const note of notes) interviewer.say(note);
    if (problem) interviewer.say(`${parameter.mask || value === '' ? name : value} ${problem}`);
    if (!problem || parameter.looseValidation) return { given: wasGenerated ? value : given, value };
  }
}

/** @returns undefined where a secret was repeated wrongly */
async function askParameterOnce(
  parameter: Parameter,
  interviewer: Interviewer,
  question: Question,
): Promise<string | undefined> {
  if (!parameter.mask) {
    return parameter.options && !parameter.severalOptions
      ? await interviewer.choose({ ...question, options: parameter.options })
      : await interviewer.text(question);
  }
  const secret = await interviewer.secret(question);
  if (secret === '') return question.proposal;
  if (!parameter.needConfirm) return secret;
  const again = await interviewer.secret({ ...question, prompt: 'Once more, to be sure' });
  return again === secret ? secret : undefined;
}

function proposalOf(parameter: Parameter, known: Configuration, earlier: Map<string, string>): string {
  const before = earlier.get(parameter.name);
  if (before !== undefined) return before;
  if (parameter.default === undefined) return parameter.suggest?.() ?? '';
  return typeof parameter.default === 'string' ? parameter.default : parameter.default(known);
}

/** What to show of a proposed secret: none of it. */
export function secretProposal(proposal: string): string {
  if (proposal === '') return 'Enter for none';
  return proposal === PASSWORD_PLACEHOLDER ? 'Enter for a random one' : 'Enter for the one before';
}
