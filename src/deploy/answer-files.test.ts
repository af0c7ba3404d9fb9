import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseAnswers } from '../base/ini.js';
import {
  checkAnswers,
  diffAnswers,
  generateAnswers,
  keepAnswers,
  overridesForHosts,
  rotateAnswers,
} from './answer-files.js';
import { groupsOf, resolveAnswers } from './answers.js';
import { loadPlugins } from './load-plugins.js';
import { packstackParameters } from './packstack.js';
import { password } from './processors.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
  path = join(directory, 'answers.txt');
  writeFileSync(join(directory, 'key.pub'), 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF test\n');
});

afterEach(() => rmSync(directory, { recursive: true }));

/** With a key of its own, so that no key of whoever runs the test is needed. */
async function generate(more: [string, string][] = []): Promise<void> {
  await generateAnswers(path, { overrides: new Map([['CONFIG_SSH_KEY', join(directory, 'key.pub')], ...more]) });
}

async function valuesOf(file: string): Promise<[string, string][]> {
  const answers = parseAnswers(readFileSync(file, 'utf8'), file);
  const { configuration } = await resolveAnswers(answers, await loadPlugins(), { mayCreate: false });
  return configuration.entries();
}

it('generates a file, mode 0600, that needs no change to be right and gives the values that it says', async () => {
  await generate();

  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toContain(`
# Set to 'y' if services are to write debug logs. ['y', 'n']
CONFIG_DEBUG_MODE=n
`);
  expect(await checkAnswers(path)).toEqual([]);
  const written = parseAnswers(readFileSync(path, 'utf8'), path).answers.map(({ name, value }) => [name, value]);
  expect(await valuesOf(path)).toEqual(written);
  await expect(generateAnswers(path)).rejects.toMatchObject({ code: 'AnswerFileExists' });
});

it('generates what is given instead of a default, a query as it is', async () => {
  await generate([
    ['CONFIG_CONTROLLER_HOST', 'role=controller'],
    ['CONFIG_DEBUG_MODE', 'y'],
  ]);

  expect(readFileSync(path, 'utf8')).toMatch(/^CONFIG_CONTROLLER_HOST=role=controller$/m);
  expect(readFileSync(path, 'utf8')).toMatch(/^CONFIG_DEBUG_MODE=y$/m);
});

it('makes the first of several hosts the controller, and a single one everything', () => {
  expect([...overridesForHosts(['a', 'b', 'c'])]).toEqual([
    ['CONFIG_CONTROLLER_HOST', 'a'],
    ['CONFIG_COMPUTE_HOSTS', 'b,c'],
  ]);
  expect(overridesForHosts(['a']).get('CONFIG_COMPUTE_HOSTS')).toBe('a');
});

it('knows every name of packstack: each is declared, or not supported with a reason', async () => {
  const names = packstackParameters.map(({ name }) => name);
  const lines = names.map((name) => `${name}=x`);
  writeFileSync(path, ['[general]', ...lines, ''].join('\n'));
  const declared = groupsOf(await loadPlugins()).flatMap(({ parameters }) => parameters);
  const ours = new Set(declared.flatMap(({ name, deprecates = [] }) => [name, ...deprecates]));

  const findings = await checkAnswers(path);

  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(307);
  expect(findings.filter(({ code }) => code === 'UnknownParameter')).toEqual([]);
  const unsupported = findings.filter(({ code }) => code === 'UnsupportedParameter');
  expect(unsupported.map(({ name }) => name)).toEqual(names.filter((name) => !ours.has(name)));
  expect(unsupported.filter(({ message }) => !/ has no effect: \w/.test(message))).toEqual([]);
});

it('gives every parameter the option that packstack has for it', async () => {
  const options = new Map(packstackParameters.map(({ name, option }) => [name, option]));
  const declared = groupsOf(await loadPlugins()).flatMap(({ parameters }) => parameters);
  const shared = declared.filter(({ name }) => options.has(name));

  expect(shared.map(({ name, cmdOption }) => [name, cmdOption])).toEqual(
    shared.map(({ name }) => [name, options.get(name)]),
  );
  expect(new Set(declared.map(({ cmdOption }) => cmdOption)).size).toBe(declared.length);
});

it('tells two files apart by the values that they give', async () => {
  const other = join(directory, 'other.txt');
  const lines = [`CONFIG_SSH_KEY=${directory}/key.pub`, 'CONFIG_KEYSTONE_INSTALL=n', 'CONFIG_CONTROLLER_HOST=ctl'];
  writeFileSync(path, ['[general]', ...lines, 'CONFIG_NOVA_COMPUTE_HOSTS=c1', ''].join('\n'));
  const secret = 'CONFIG_DEFAULT_PASSWORD=sesame';
  writeFileSync(
    other,
    ['[general]', ...lines, secret, 'CONFIG_COMPUTE_HOSTS=c1,c2', 'CONFIG_DEBUG_MODE=n', ''].join('\n'),
  );

  expect(await diffAnswers(path, path)).toEqual([]);
  expect(await diffAnswers(path, other)).toEqual([
    { name: 'CONFIG_DEFAULT_PASSWORD', before: '', after: '********' },
    { name: 'CONFIG_COMPUTE_HOSTS', before: 'c1', after: 'c1,c2' },
  ]);
});

it('rotates passwords in their lines, and nothing else', async () => {
  await generate();
  const [rotatable] = groupsOf(await loadPlugins())
    .flatMap(({ parameters }) => parameters)
    .filter(({ processors }) => processors?.includes(password));
  const before = readFileSync(path, 'utf8').split('\n');
  const name = rotatable?.name ?? '';

  expect(await rotateAnswers(path, [name.toLowerCase()])).toEqual([name]);

  const after = readFileSync(path, 'utf8').split('\n');
  const changed = after.filter((line, index) => line !== before[index]);
  expect(changed).toEqual([expect.stringMatching(new RegExp(`^${name}=[0-9a-f]{16}$`))]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(rotateAnswers(path, ['CONFIG_DEBUG_MODE'])).rejects.toMatchObject({ code: 'AnswerNotRotatable' });
});

it('keeps what was made up: the next reading of the file gives the same passwords', async () => {
  writeFileSync(path, `[general]\n# mine\nCONFIG_SSH_KEY=${directory}/key.pub\nCONFIG_CONTROLLER_HOST=ctl\n`);
  const read = async () => {
    const answers = parseAnswers(readFileSync(path, 'utf8'), path);
    return await resolveAnswers(answers, await loadPlugins(), { mayCreate: false });
  };
  const first = await read();

  await keepAnswers(path, first.generated);

  const second = await read();
  expect(first.generated.size).toBeGreaterThan(5);
  expect(second.generated.size).toBe(0);
  expect(second.configuration.entries()).toEqual(first.configuration.entries());
  expect(readFileSync(path, 'utf8')).toContain('# mine\n');
});
