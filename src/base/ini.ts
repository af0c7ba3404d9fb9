import { chmod, readFile, writeFile } from 'node:fs/promises';
import { hasCode, StackwrightError } from './errors.js';
import { writeFileAtomic } from './files.js';

/** One `NAME=value` of an answer file. */
export interface Answer {
  /** As it is written in the file; names are compared in upper case. */
  name: string;
  /** Everything after `=` to the end of the line; blanks at both ends are not part of it. */
  value: string;
  /** Counts from 1. */
  line: number;
}

export interface AnswerFile {
  path: string;
  answers: Answer[];
  /** The answer to a name in any case. */
  get(name: string): Answer | undefined;
}

/**
 * Reads an answer file: INI with the one section `[general]`. A value goes verbatim to the end of its line, so `;`,
 * `#`, quotes and `%` inside it belong to it. Comments stand on lines of their own. The group headings
 * `[***group***] NAME` of old files are ignored.
 * @throws StackwrightError `AnswerFileInvalid` with file and line, `AnswerFileMissing`
 */
export async function readAnswerFile(path: string): Promise<AnswerFile> {
  return parseAnswers(await readText(path), path);
}

/** As `readAnswerFile`, on text; `path` is named in errors. */
export function parseAnswers(text: string, path: string): AnswerFile {
  const byName = new Map<string, Answer>();
  let inGeneral = false;
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue;
    if (content.startsWith('[')) {
      if (isGroupHeading(content)) continue;
      if (content.toLowerCase() !== '[general]') throw unknownSection(content, path, line);
      inGeneral = true;
      continue;
    }
    const answer = parseAnswer(content, path, line);
    if (!inGeneral) {
      throw invalid('an answer stands before the section [general]', path, line, {
        value: answer.name,
        hint: 'put a line [general] at the top of the file',
      });
    }
    const earlier = byName.get(answer.name.toUpperCase());
    if (earlier) {
      throw invalid(`${answer.name} is given twice, first on line ${earlier.line}`, path, line, {
        value: answer.name,
        hint: 'remove one of the two lines',
      });
    }
    byName.set(answer.name.toUpperCase(), answer);
  }
  return { path, answers: [...byName.values()], get: (name) => byName.get(name.toUpperCase()) };
}

/** One parameter as it is written: its comment, then `NAME=value`. */
export interface WrittenAnswer {
  name: string;
  value: string;
  comment?: string;
}

/** Columns after which a comment is wrapped. */
const COMMENT_WIDTH = 72;

/** The text of an answer file. A value with a line break cannot be written. */
export function renderAnswers(answers: WrittenAnswer[]): string {
  const lines = ['[general]'];
  for (const { name, value, comment } of answers) {
    requireOneLine(name, value);
    lines.push('');
    if (comment) lines.push(...wrapComment(comment));
    lines.push(`${name}=${value}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Writes an answer file, mode 0600.
 * @throws StackwrightError `AnswerFileExists` where there is one and `overwrite` is not set
 */
export async function writeAnswerFile(
  path: string,
  answers: WrittenAnswer[],
  options: { overwrite?: boolean } = {},
): Promise<void> {
  const text = renderAnswers(answers);
  if (options.overwrite) {
    await writeFileAtomic(path, text, 0o600);
    return;
  }
  try {
    // `wx` decides in one step: a file that appears meanwhile is not lost.
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
    await chmod(path, 0o600);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) {
      throw new StackwrightError('AnswerFileExists', `there is a file ${path} already`, {
        value: path,
        hint: 'give another name, or --force to write over it',
      });
    }
    if (hasCode(error, 'ENOENT')) {
      throw new StackwrightError('AnswerFileMissing', `the directory of ${path} does not exist`, { value: path });
    }
    throw error;
  }
}

/** The same file with other answers in the place of its own; what it lacks is added, without a line. */
export function overrideAnswers(file: AnswerFile, values: ReadonlyMap<string, string>): AnswerFile {
  if (values.size === 0) return file;
  const kept = file.answers.filter((answer) => !values.has(answer.name.toUpperCase()));
  const given = [...values].map(([name, value]) => ({ ...(file.get(name) ?? { name, line: 0 }), value }));
  const byName = new Map([...kept, ...given].map((answer) => [answer.name.toUpperCase(), answer]));
  return { path: file.path, answers: [...byName.values()], get: (name) => byName.get(name.toUpperCase()) };
}

/**
 * Writes values into an answer file, mode 0600: on the line of the answer with that name, else at the end. Comments,
 * order and everything else stay.
 * @throws StackwrightError `AnswerFileInvalid`, `AnswerFileMissing`
 */
export async function changeAnswerFile(path: string, values: ReadonlyMap<string, string>): Promise<void> {
  if (values.size === 0) return;
  const text = await readText(path);
  const file = parseAnswers(text, path);
  const lines = text.replace(/\n$/, '').split('\n');
  for (const [name, value] of values) {
    requireOneLine(name, value);
    const answer = file.get(name);
    if (answer) lines[answer.line - 1] = `${answer.name}=${value}`;
    else lines.push(`${name}=${value}`);
  }
  await writeFileAtomic(path, `${lines.join('\n')}\n`, 0o600);
}

function requireOneLine(name: string, value: string): void {
  if (!/[\r\n]/.test(value)) return;
  throw new StackwrightError('AnswerFileInvalid', `the value of ${name} has a line break`, {
    hint: 'an answer file holds one line a value',
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EISDIR')) throw error;
    throw new StackwrightError('AnswerFileMissing', `there is no answer file ${path}`, {
      value: path,
      hint: `stackwright answers generate ${path} writes one`,
    });
  }
}

function isGroupHeading(line: string): boolean {
  return /^\[\*+group\*+\]/i.test(line) || /^\[\*group\*\]/i.test(line);
}

function parseAnswer(content: string, path: string, line: number): Answer {
  const separator = content.indexOf('=');
  const name = separator < 0 ? content : content.slice(0, separator).trim();
  if (separator < 0 || !/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) {
    throw invalid('this line is neither NAME=value nor a comment', path, line, {
      // What is not understood may hold a password: only its beginning is shown.
      value: separator < 0 ? `${content.slice(0, 20)}${content.length > 20 ? '…' : ''}` : name,
      hint: 'a comment starts with #',
    });
  }
  return { name, value: content.slice(separator + 1).trim(), line };
}

function unknownSection(content: string, path: string, line: number): StackwrightError {
  return invalid(`there is no section ${content}`, path, line, {
    value: content,
    hint: 'an answer file has the one section [general]',
  });
}

function invalid(
  message: string,
  file: string,
  line: number,
  details: { value?: string; hint?: string },
): StackwrightError {
  return new StackwrightError('AnswerFileInvalid', message, { file, line, ...details });
}

function wrapComment(text: string): string[] {
  const lines: string[] = [];
  let current = '#';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (current !== '#' && current.length + 1 + word.length > COMMENT_WIDTH) {
      lines.push(current);
      current = '#';
    }
    current += ` ${word}`;
  }
  return current === '#' ? lines : [...lines, current];
}
