import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { terminalInterviewer } from './interviewer.js';

const question = { name: 'CONFIG_X', prompt: 'Enter it', proposal: 'five' };

/** A terminal of which both ends are ours. */
function terminal() {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 200, rows: 50 });
  let seen = '';
  output.on('data', (chunk) => {
    seen += String(chunk);
  });
  /** Presses keys when the screen shows something. */
  async function on(text: string, keys: string): Promise<void> {
    await expect.poll(() => seen, { timeout: 30_000 }).toContain(text);
    seen = '';
    for (const key of keys) input.write(key);
  }
  return { interviewer: terminalInterviewer({ input, output }), on, seen: () => seen };
}

it('takes what is typed, and the proposal for Enter', async () => {
  const { interviewer, on } = terminal();

  const typed = interviewer.text(question);
  await on('Enter it [CONFIG_X]', 'seven\r');
  expect(await typed).toBe('seven');
  const left = interviewer.text(question);
  await on('Enter it', '\r');
  expect(await left).toBe('five');
});

it('does not show a secret', async () => {
  const { interviewer, on, seen } = terminal();

  const secret = interviewer.secret({ ...question, proposal: 'PW_PLACEHOLDER' });
  await on('Enter for a random one', 'sesame\r');

  expect(await secret).toBe('sesame');
  expect(seen()).not.toContain('s');
});

it('offers options, the proposed one first in hand', async () => {
  const { interviewer, on } = terminal();

  const chosen = interviewer.choose({ ...question, proposal: 'n', options: ['y', 'n'] });
  await on('Enter it', '\r');

  expect(await chosen).toBe('n');
});

it('shows all answers before it asks whether to use them', async () => {
  const { interviewer, on } = terminal();

  const accepted = interviewer.accept([{ prompt: 'CONFIG_X', value: 'seven' }]);
  await on('CONFIG_X=seven', 'n');

  expect(await accepted).toBe(false);
});

it('ends with Ctrl-C', async () => {
  const { interviewer, on } = terminal();

  const ended = expect(interviewer.text(question)).rejects.toMatchObject({ code: 'InterviewEnded' });
  await on('Enter it', '\x03');

  await ended;
});
