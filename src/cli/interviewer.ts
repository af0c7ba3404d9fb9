import type { Readable, Writable } from 'node:stream';
import { confirm, isCancel, log, note, password, select, text } from '@clack/prompts';
import { StackwrightError } from '../base/errors.js';
import { type Interviewer, type Question, secretProposal } from '../deploy/index.js';

/** Where a person sits. */
export interface Terminal {
  input: Readable;
  output: Writable;
}

/**
 * Asks on a terminal. Ctrl-C ends the interview.
 * @throws StackwrightError `InterviewEnded` from every question
 */
export function terminalInterviewer(terminal: Terminal): Interviewer {
  const { output } = terminal;
  return {
    begin: (title) => log.step(title, { output }),
    say: (message) => log.warn(message, { output }),
    text: async (question) => {
      const { proposal } = question;
      const answer = await text({
        ...terminal,
        message: messageOf(question),
        ...(proposal === '' ? {} : { placeholder: proposal, defaultValue: proposal }),
      });
      return answered(answer) ?? '';
    },
    secret: async (question) => {
      const message = `${messageOf(question)} (${secretProposal(question.proposal)})`;
      return answered(await password({ ...terminal, message })) ?? '';
    },
    choose: async (question) => {
      const options = question.options.map((value) => ({ value }));
      return answered(
        await select({ ...terminal, message: messageOf(question), options, initialValue: question.proposal }),
      );
    },
    accept: async (summary) => {
      note(summary.map(({ prompt, value }) => `${prompt}=${value}`).join('\n'), 'Answers', { output });
      return answered(await confirm({ ...terminal, message: 'Deploy with these answers?' }));
    },
  };
}

function messageOf({ prompt, name }: Question): string {
  return `${prompt} [${name}]`;
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (!isCancel(answer)) return answer as Exclude<T, symbol>;
  throw new StackwrightError('InterviewEnded', 'the questions were ended, and nothing was done', {
    hint: 'stackwright answers generate FILE writes all answers into a file to edit',
  });
}
