import { expect, it } from 'vitest';
import { silentReporter } from '../base/events.js';
import { openTranscript } from './transcript.js';

const mark = '\x1emark ';
const record = (...fields: string[]) => `${mark}${fields.join('\x1f')}\n`;

it('shows with a failure what comes after it on the other stream', () => {
  const said: string[] = [];
  const transcript = openTranscript({
    mark,
    reporter: silentReporter,
    onOutput: (text) => said.push(text),
    place: (path) => path,
  });

  transcript.feed(record('begin', '70-x.sh', 'source'), 'stdout');
  transcript.feed(`trying\n${record('failure', 'command', '/x', '3', '1', 'cat /nowhere', '', '/x:3')}`, 'stdout');
  transcript.feed('cat: /nowhere: No such file or directory\n', 'stderr');
  transcript.end();

  expect(transcript.failure()).toMatchObject({
    code: 'HookFailed',
    message: '70-x.sh in the phase source failed: cat /nowhere ended with status 1',
    details: {
      file: '/x',
      line: 3,
      hint: 'its last output:\n  trying\n  cat: /nowhere: No such file or directory',
    },
  });
  expect(said).toEqual(['trying\n', 'cat: /nowhere: No such file or directory\n']);
});
