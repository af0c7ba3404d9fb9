import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  changeAnswerFile,
  overrideAnswers,
  parseAnswers,
  readAnswerFile,
  renderAnswers,
  writeAnswerFile,
} from './ini.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

it('takes a value verbatim to the end of its line', () => {
  const file = parseAnswers('[general]\nCONFIG_A=a;b#c "d" %(x)s = e\nCONFIG_B =  spaced out \nCONFIG_C=\n', 'f');

  expect(file.answers).toEqual([
    { name: 'CONFIG_A', value: 'a;b#c "d" %(x)s = e', line: 2 },
    { name: 'CONFIG_B', value: 'spaced out', line: 3 },
    { name: 'CONFIG_C', value: '', line: 4 },
  ]);
});

it('finds names in any case and passes over comments and group headings', () => {
  const text =
    '\uFEFF; top\r\n[General]\r\n[***group***] GLOBAL \r\n# usage\r\nconfig_mysql_install=y\r\n[*group*] MYSQL\r\n';

  const file = parseAnswers(text, 'f');

  expect(file.get('CONFIG_MYSQL_INSTALL')).toEqual({ name: 'config_mysql_install', value: 'y', line: 5 });
});

it.each([
  ['CONFIG_A=1\n', 1, 'before the section'],
  ['[general]\n[other]\n', 2, 'no section [other]'],
  ['[general]\n\njust words\n', 3, 'neither NAME=value'],
  ['[general]\nCONFIG_A=1\nconfig_a=2\n', 3, 'given twice, first on line 2'],
])('says file and line of what is wrong: %j', (text, line, message) => {
  expect(() => parseAnswers(text, '/etc/answers')).toThrow(
    expect.objectContaining({
      code: 'AnswerFileInvalid',
      place: `/etc/answers:${line}`,
      message: expect.stringContaining(message),
    }),
  );
});

it('names a file that is not there', async () => {
  await expect(readAnswerFile(join(directory, 'none'))).rejects.toMatchObject({ code: 'AnswerFileMissing' });
});

it('writes comments wrapped at 72 columns', () => {
  const comment =
    'Comma-separated list of NTP servers that every host asks for the time. Leave it empty where the hosts have the right time by other means.';

  expect(renderAnswers([{ name: 'CONFIG_NTP_SERVERS', value: '', comment }])).toBe(`[general]

# Comma-separated list of NTP servers that every host asks for the time.
# Leave it empty where the hosts have the right time by other means.
CONFIG_NTP_SERVERS=
`);
});

it('writes mode 0600 and never over a file without being told', async () => {
  const path = join(directory, 'answers.txt');
  await writeAnswerFile(path, [{ name: 'CONFIG_A', value: '1' }]);

  await expect(writeAnswerFile(path, [])).rejects.toMatchObject({ code: 'AnswerFileExists' });

  expect(readFileSync(path, 'utf8')).toBe('[general]\n\nCONFIG_A=1\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await writeAnswerFile(path, [], { overwrite: true });
  expect(readFileSync(path, 'utf8')).toBe('[general]\n');
});

it('reads back what it wrote, whatever the values and comments', () => {
  const value = fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text) && text === text.trim());
  const name = fc.stringMatching(/^CONFIG_[A-Z0-9_]{1,20}$/);
  const answers = fc.uniqueArray(fc.record({ name, value, comment: fc.string() }), { selector: (a) => a.name });
  fc.assert(
    fc.property(answers, (written) => {
      const read = parseAnswers(renderAnswers(written), 'f').answers;

      expect(read.map((a) => [a.name, a.value])).toEqual(written.map((a) => [a.name, a.value]));
    }),
  );
});

it('never fails but by AnswerFileInvalid, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        parseAnswers(`[general]\n${text}`, 'f');
      } catch (error) {
        expect(error).toMatchObject({ code: 'AnswerFileInvalid' });
      }
    }),
  );
});

it('changes answers in their lines, adds others at the end, and leaves the rest', async () => {
  const path = join(directory, 'answers.txt');
  writeFileSync(path, '[general]\n# one\nconfig_a=1\n\n# two\nCONFIG_B=2\n', { mode: 0o644 });

  await changeAnswerFile(
    path,
    new Map([
      ['CONFIG_A', 'x=y'],
      ['CONFIG_C', '3'],
    ]),
  );

  expect(readFileSync(path, 'utf8')).toBe('[general]\n# one\nconfig_a=x=y\n\n# two\nCONFIG_B=2\nCONFIG_C=3\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(changeAnswerFile(path, new Map([['CONFIG_A', 'a\nb']]))).rejects.toMatchObject({
    code: 'AnswerFileInvalid',
  });
});

it('overrides answers by name in any case, and keeps their lines', () => {
  const file = overrideAnswers(
    parseAnswers('[general]\nconfig_a=1\nCONFIG_B=2\n', 'f'),
    new Map([
      ['CONFIG_A', '9'],
      ['CONFIG_C', '3'],
    ]),
  );

  expect(file.get('config_a')).toMatchObject({ value: '9', line: 2 });
  expect(file.answers.map(({ value }) => value)).toEqual(['2', '9', '3']);
});
