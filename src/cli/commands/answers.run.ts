import { StackwrightError } from '../../base/errors.js';
import {
  type AnswerFinding,
  answersFromInventory,
  checkAnswers,
  diffAnswers,
  type FindMachines,
  generateAnswers,
  inventoryMachines,
  overridesForHosts,
  parameterReference,
  rotateAnswers,
  showAnswers,
} from '../../deploy/index.js';
import { mayWriteOver, parseSetting } from '../answer-source.js';
import { outputColors } from '../colors.js';
import { type CliContext, command } from '../context.js';
import { lazyDatabase } from '../lazy-database.js';
import { plainTable } from '../table.js';
import type { AnswersFlags, GenerateFlags, RotateFlags } from './answers.js';

export async function check(this: CliContext, flags: AnswersFlags, file: string): Promise<void> {
  await withInventory(this, flags, async (findMachines) => {
    const findings = await checkAnswers(file, { findMachines });
    if (flags.json) {
      this.printJson(findings.map(({ line, ...finding }) => ({ ...finding, line: line ?? null })));
    } else for (const finding of findings) this.print(findingLine(file, finding));
    const wrong = findings.filter((finding) => finding.level === 'error').length;
    if (wrong > 0) {
      const message = `${wrong === 1 ? 'an answer is' : `${wrong} answers are`} wrong`;
      throw new StackwrightError('AnswersWrong', message, { file });
    }
    if (!flags.json) this.print(`${file} is right`);
  });
}

export async function generate(this: CliContext, flags: GenerateFlags, file: string): Promise<void> {
  await command(this, flags.json, async () => {
    const overrides = new Map([...(await hostOverrides(this, flags)), ...(flags.set ?? []).map(parseSetting)]);
    await generateAnswers(file, { overwrite: await mayWriteOver(this, file, flags.force), overrides });
    if (flags.json) this.printJson({ file });
    else this.print(`wrote ${file}`);
  });
}

export async function show(this: CliContext, flags: AnswersFlags, file: string): Promise<void> {
  await withInventory(this, flags, async (findMachines) => {
    const answers = await showAnswers(file, { findMachines });
    if (flags.json) {
      this.printJson(answers);
      return;
    }
    const table = plainTable(['group', 'name', 'value', 'from']);
    for (const { group, name, value, from } of answers) table.push([group, name, value, from]);
    this.print(table.toString());
  });
}

export async function diff(this: CliContext, flags: AnswersFlags, before: string, after: string): Promise<void> {
  await withInventory(this, flags, async (findMachines) => {
    const differences = await diffAnswers(before, after, { findMachines });
    if (flags.json) this.printJson(differences);
    else if (differences.length === 0) this.print(`${before} and ${after} give the same values`);
    else {
      const table = plainTable(['name', before, after]);
      for (const one of differences) table.push([one.name, one.before, one.after]);
      this.print(table.toString());
    }
  });
}

export async function rotate(this: CliContext, flags: RotateFlags, ...names: string[]): Promise<void> {
  await command(this, flags.json, async () => {
    const rotated = await rotateAnswers(flags.answerFile, names);
    if (flags.json) this.printJson({ file: flags.answerFile, rotated });
    else {
      this.print(`${rotated.join(', ')}: new in ${flags.answerFile}`);
      this.print(`to bring it to the hosts: stackwright deploy --answer-file ${flags.answerFile}`);
    }
  });
}

export async function options(this: CliContext): Promise<void> {
  await command(this, false, async () => this.print((await parameterReference()).trimEnd()));
}

/** Answers about hosts, from the inventory or from the command line. */
async function hostOverrides(context: CliContext, flags: GenerateFlags): Promise<Map<string, string>> {
  if (flags.installHosts !== undefined)
    return overridesForHosts(flags.installHosts.split(',').map((one) => one.trim()));
  if (!flags.fromInventory) return new Map();
  const state = await context.openState(context.reporter(flags));
  await using database = lazyDatabase(async () => state);
  return await answersFromInventory(await database.open(), state);
}

/** For commands that look at answers: a query on the inventory opens the database, nothing else does. */
async function withInventory(
  context: CliContext,
  flags: AnswersFlags,
  body: (findMachines: FindMachines) => Promise<void>,
): Promise<void> {
  await command(context, flags.json, async () => {
    await using database = lazyDatabase(() => context.openState(context.reporter(flags)));
    await body(inventoryMachines(database.open));
  });
}

function findingLine(file: string, { level, code, line, message }: AnswerFinding): string {
  const place = line === undefined ? file : `${file}:${line}`;
  const label = level === 'error' ? outputColors.red(level) : outputColors.yellow(level);
  return `${place}: ${label} ${message} ${outputColors.dim(`[${code}]`)}`;
}
