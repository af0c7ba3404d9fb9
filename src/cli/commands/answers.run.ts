import { StackwrightError } from '../../base/errors.js';
import { type AnswerFinding, checkAnswers, generateAnswers, showAnswers } from '../../deploy/index.js';
import { outputColors } from '../colors.js';
import { type CliContext, command } from '../context.js';
import { plainTable } from '../table.js';
import type { AnswersFlags, GenerateFlags } from './answers.js';

export async function check(this: CliContext, flags: AnswersFlags, file: string): Promise<void> {
  await command(this, flags.json, async () => {
    const findings = await checkAnswers(file);
    if (flags.json) this.printJson(findings);
    else for (const finding of findings) this.print(findingLine(file, finding));
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
    await generateAnswers(file, { overwrite: flags.force });
    if (flags.json) this.printJson({ file });
    else this.print(`wrote ${file}`);
  });
}

export async function show(this: CliContext, flags: AnswersFlags, file: string): Promise<void> {
  await command(this, flags.json, async () => {
    const answers = await showAnswers(file);
    if (flags.json) {
      this.printJson(answers);
      return;
    }
    const table = plainTable(['group', 'name', 'value', 'from']);
    for (const { group, name, value, from } of answers) table.push([group, name, value, from]);
    this.print(table.toString());
  });
}

function findingLine(file: string, { level, code, line, message }: AnswerFinding): string {
  const place = line === undefined ? file : `${file}:${line}`;
  const label = level === 'error' ? outputColors.red(level) : outputColors.yellow(level);
  return `${place}: ${label} ${message} ${outputColors.dim(`[${code}]`)}`;
}
