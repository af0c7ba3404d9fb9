import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseAnswers } from '../base/ini.js';
import { mask } from '../base/mask.js';
import { checkAnswers, showAnswers } from './answer-files.js';
import { hostsOf, requireRight, resolveAnswers } from './answers.js';
import { loadPlugins } from './load-plugins.js';
import type { Parameter } from './parameter.js';
import type { DeployPlugin } from './plugin.js';
import { PASSWORD_PLACEHOLDER, password } from './processors.js';
import { integer } from './validators.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
  writeFileSync(join(directory, 'key.pub'), 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF test\n');
});

afterEach(() => rmSync(directory, { recursive: true }));

function answerFile(...lines: string[]): string {
  const path = join(directory, 'answers.txt');
  writeFileSync(path, ['[general]', `CONFIG_SSH_KEY=${directory}/key.pub`, ...lines, ''].join('\n'));
  return path;
}

function pluginWith(...parameters: Partial<Parameter>[]): DeployPlugin {
  const defaults = { cmdOption: 'x', prompt: 'Enter it', usage: 'It.' };
  return {
    name: 'test',
    groups: [
      {
        name: 'TEST',
        description: 'Test',
        parameters: parameters.map((parameter) => ({ name: 'CONFIG_X', ...defaults, ...parameter })),
      },
    ],
    sequences: () => ({}),
  };
}

async function resolved(text: string, ...parameters: Partial<Parameter>[]) {
  const file = parseAnswers(`[general]\n${text}`, 'f');
  return await resolveAnswers(file, [pluginWith(...parameters)], { mayCreate: false });
}

it('collects everything that is wrong, with its line, and not what only follows from it', async () => {
  const path = answerFile(
    'CONFIG_CONTROLLER_HOST=not a host',
    'CONFIG_NOVA_COMPUTE_HOSTS=c1,c2',
    'CONFIG_MANILA_INSTALL=y',
    'CONFIG_TYPO=1',
    'CONFIG_DEBUG_MODE=perhaps',
    'CONFIG_MEMCACHED_MAX_MEMORY=lots',
  );

  const findings = await checkAnswers(path);

  expect(findings.map(({ code, level, name, line }) => [code, level, name, line])).toEqual([
    ['InvalidValue', 'error', 'CONFIG_CONTROLLER_HOST', 3],
    ['DeprecatedParameter', 'warn', 'CONFIG_NOVA_COMPUTE_HOSTS', 4],
    ['UnsupportedParameter', 'warn', 'CONFIG_MANILA_INSTALL', 5],
    ['UnknownParameter', 'error', 'CONFIG_TYPO', 6],
    ['InvalidValue', 'error', 'CONFIG_DEBUG_MODE', 7],
    ['InvalidValue', 'error', 'CONFIG_MEMCACHED_MAX_MEMORY', 8],
  ]);
  expect(() => requireRight(path, findings)).toThrow(
    expect.objectContaining({ code: 'AnswersWrong', place: `${path}:3` }),
  );
});

it('says which parameter is missing', async () => {
  expect(await checkAnswers(answerFile())).toContainEqual({
    code: 'MissingValue',
    level: 'error',
    name: 'CONFIG_CONTROLLER_HOST',
    message: 'CONFIG_CONTROLLER_HOST is missing: Enter the controller host',
  });
});

it('reads the names of old files and says which name to use', async () => {
  const path = answerFile('CONFIG_KEYSTONE_HOST=172.16.1.190', 'CONFIG_GLANCE_HOST=172.16.1.190');

  const findings = await checkAnswers(path);

  expect(findings.map((finding) => finding.message)).toEqual([
    'CONFIG_KEYSTONE_HOST is an old name: use CONFIG_CONTROLLER_HOST',
    'CONFIG_GLANCE_HOST is an old name: use CONFIG_CONTROLLER_HOST',
  ]);
  const shown = await showAnswers(path);
  expect(shown).toContainEqual({
    group: 'GLOBAL',
    name: 'CONFIG_CONTROLLER_HOST',
    value: '172.16.1.190',
    from: 'file',
  });
});

it('refuses two old names with different values', async () => {
  const path = answerFile('CONFIG_KEYSTONE_HOST=172.16.1.190', 'CONFIG_GLANCE_HOST=172.16.1.191');

  expect((await checkAnswers(path)).filter((finding) => finding.level === 'error')).toEqual([
    {
      code: 'InvalidValue',
      level: 'error',
      name: 'CONFIG_GLANCE_HOST',
      line: 4,
      message:
        'CONFIG_KEYSTONE_HOST (line 3) and CONFIG_GLANCE_HOST are both old names of CONFIG_CONTROLLER_HOST and differ',
    },
  ]);
});

it('prefers the current name to an old one', async () => {
  const { configuration, findings } = await resolved('CONFIG_OLD=1\nCONFIG_X=2\n', { deprecates: ['CONFIG_OLD'] });

  expect(configuration.get('CONFIG_X')).toBe('2');
  expect(findings).toMatchObject([{ code: 'DeprecatedParameter', line: 2 }]);
});

it('takes the file before the default, and processes before it validates', async () => {
  const processor = (value: string) => ({ value: value.replace('six', '6'), message: 'a word became a number' });
  const parameter = { default: 'five', processors: [processor], validators: [integer] };

  const given = await resolved('config_x=six\n', parameter);
  const left = await resolved('', parameter);

  expect(given.configuration.get('CONFIG_X')).toBe('6');
  expect(given.findings).toMatchObject([{ code: 'ChangedValue', level: 'warn', line: 2 }]);
  expect(left.findings.at(-1)).toMatchObject({ code: 'InvalidValue', level: 'error' });
});

it('does not check what a condition leaves out', async () => {
  const { findings, unused } = await resolved('CONFIG_X=five\n', { validators: [integer], condition: () => false });

  expect(findings).toEqual([]);
  expect(unused).toEqual(new Set(['CONFIG_X']));
});

it('neither shows a wrong secret nor lets it out later', async () => {
  const { findings } = await resolved('CONFIG_X=hunter2hunter2\n', { mask: true, validators: [integer] });

  expect(findings[0]?.message).toBe('CONFIG_X is not a whole number');
  expect(mask('it is hunter2hunter2')).toBe('it is ********');
});

it('makes passwords from the placeholder: the default one, else a random one', async () => {
  const parameters = [
    { name: 'CONFIG_DEFAULT_PASSWORD', default: '' },
    { default: PASSWORD_PLACEHOLDER, processors: [password] },
  ];

  const random = await resolved('', ...parameters);
  const chosen = await resolved('CONFIG_DEFAULT_PASSWORD=sesame\n', ...parameters);

  expect(random.configuration.get('CONFIG_X')).toMatch(/^[0-9a-f]{16}$/);
  expect(chosen.configuration.get('CONFIG_X')).toBe('sesame');
});

it('deploys on every host that an active parameter names, once, without the excluded ones', async () => {
  const plugins = await loadPlugins();
  const lines = ['CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_COMPUTE_HOSTS=c1, c2,ctl', 'CONFIG_MEMCACHED_HOST=cache'];
  const hosts = async (...more: string[]) => {
    const text = readFileSync(answerFile(...lines, ...more), 'utf8');
    return hostsOf(plugins, await resolveAnswers(parseAnswers(text, 'f'), plugins, { mayCreate: false }));
  };

  expect(await hosts()).toEqual(['ctl', 'c1', 'c2', 'cache']);
  expect(await hosts('EXCLUDE_SERVERS=c1')).toEqual(['ctl', 'c2', 'cache']);
  expect(await hosts('CONFIG_MEMCACHED_INSTALL=n')).toEqual(['ctl', 'c1', 'c2']);
});

it('takes several options of a list', async () => {
  const parameter = { options: ['flat', 'vxlan'], severalOptions: true };

  const [right, wrong] = [
    await resolved('CONFIG_X=vxlan, flat\n', parameter),
    await resolved('CONFIG_X=gre\n', parameter),
  ];

  expect(right.findings).toEqual([]);
  expect(wrong.findings[0]?.message).toBe('CONFIG_X: gre has the entry gre, which is not one of flat, vxlan');
});

it('says what a slip of the pen may have meant, and why a parameter of packstack is not supported', async () => {
  const path = answerFile('CONFIG_CONTROLER_HOST=ctl', 'CONFIG_RH_USER=x', 'CONFIG_CONTROLLER_HOST=ctl');

  expect((await checkAnswers(path)).map((finding) => finding.message)).toEqual([
    'there is no parameter CONFIG_CONTROLER_HOST; there is CONFIG_CONTROLLER_HOST',
    'CONFIG_RH_USER is not supported and has no effect: it subscribes Red Hat hosts, and Debian needs no subscription',
  ]);
});

it('finds that a file cannot be read as an answer file', async () => {
  const path = answerFile('CONFIG_DEBUG_MODE=y', 'CONFIG_DEBUG_MODE=n');

  expect(await checkAnswers(path)).toEqual([
    {
      code: 'AnswerFileInvalid',
      level: 'error',
      name: 'CONFIG_DEBUG_MODE',
      line: 4,
      message: 'CONFIG_DEBUG_MODE is given twice, first on line 3',
    },
  ]);
});

it('reads the old names of the seeds: MySQL and Qpid are MariaDB and the message broker', async () => {
  const lines = ['CONFIG_CONTROLLER_HOST=172.16.1.190', 'CONFIG_MYSQL_INSTALL=y', 'CONFIG_MYSQL_HOST=172.16.1.191'];
  const path = answerFile(
    ...lines,
    'CONFIG_MYSQL_USER=root',
    'CONFIG_MYSQL_PW=6fef294e',
    'CONFIG_QPID_HOST=172.16.1.192',
  );

  const findings = await checkAnswers(path);

  expect(findings.map(({ code, name }) => [code, name])).toEqual([
    ['DeprecatedParameter', 'CONFIG_MYSQL_INSTALL'],
    ['DeprecatedParameter', 'CONFIG_MYSQL_HOST'],
    ['DeprecatedParameter', 'CONFIG_MYSQL_USER'],
    ['DeprecatedParameter', 'CONFIG_MYSQL_PW'],
    ['DeprecatedParameter', 'CONFIG_QPID_HOST'],
  ]);
  const values = new Map((await showAnswers(path)).map(({ name, value }) => [name, value]));
  expect(values.get('CONFIG_MARIADB_HOST')).toBe('172.16.1.191');
  expect(values.get('CONFIG_AMQP_HOST')).toBe('172.16.1.192');
  expect(values.get('CONFIG_MARIADB_PW')).toBe('********');
});

it('says what a service needs that is not installed', async () => {
  const path = answerFile('CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_GLANCE_INSTALL=n');

  expect(await checkAnswers(path)).toContainEqual({
    code: 'ConditionNotMet',
    level: 'error',
    name: 'SERVICES',
    message: 'CONFIG_NOVA_INSTALL=y needs CONFIG_GLANCE_INSTALL=y',
  });
});
