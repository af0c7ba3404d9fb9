import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../base/package-root.js';
import { packstackParameters } from '../deploy/packstack.js';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stackwright-'));
  mkdirSync(join(home, '.ssh'));
  writeFileSync(join(home, '.ssh/id_ed25519.pub'), 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF test\n');
});

afterEach(() => rmSync(home, { recursive: true }));

function run(program: string, args: string[], input = '') {
  const env = { ...process.env, CI: 'true', HOME: home, STACKWRIGHT_STATE: join(home, 'state') };
  return spawnSync(join(packageRoot(), 'bin', program), args, { encoding: 'utf8', env, input });
}

const packstack = (...args: string[]) => run('packstack', args);

/** The answers that the latest run was planned with. */
function plannedAnswers(): string {
  const runs = join(home, 'state/runs');
  return readFileSync(join(runs, readdirSync(runs).sort().at(-1) ?? '', 'answers.txt'), 'utf8');
}

it('writes an answer file with the parameters that are given, and validates it', () => {
  const file = join(home, 'answers.txt');

  const generated = packstack('--gen-answer-file', file, '--os-controller-host=ctl', '--os-debug-mode', 'y');

  expect(generated.stdout).toBe(`wrote ${file}\n`);
  expect(readFileSync(file, 'utf8')).toMatch(/^CONFIG_CONTROLLER_HOST=ctl$/m);
  expect(readFileSync(file, 'utf8')).toMatch(/^CONFIG_DEBUG_MODE=y$/m);
  expect(packstack('--validate-answer-file', file)).toMatchObject({ status: 0 });
  expect(packstack('--gen-answer-file', file).stderr).toContain('[AnswerFileExists]');
});

it('does not validate a file with an unexpected option', () => {
  const file = join(home, 'answers.txt');
  writeFileSync(file, '[general]\nCONFIG_CONTROLLER_HOST=ctl\nCONFIG_TYPO=1\n');

  const { status, stderr } = packstack('--validate-answer-file', file);

  expect(status).toBe(1);
  expect(stderr).toContain('line 3: there is no parameter CONFIG_TYPO');
});

it('takes every option of packstack, and says which have no effect', () => {
  const file = join(home, 'answers.txt');
  const words = packstackParameters.map(({ option }) => `--${option}=n`);

  const { status, stderr } = packstack('--gen-answer-file', file, ...words);

  expect(status).toBe(0);
  expect(stderr).toContain('--os-manila-install is not supported and has no effect: no plugin installs this service');
});

it.each([
  [
    ['--install-hosts', 'ctl,c1,c2'],
    ['CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_COMPUTE_HOSTS=c1,c2'],
  ],
  [['--install-hosts=one'], ['CONFIG_CONTROLLER_HOST=one', 'CONFIG_COMPUTE_HOSTS=one']],
  [['--install-hosts=a,b', '--exclude-servers=b'], ['EXCLUDE_SERVERS=b']],
])('plans for %j, executes nothing and keeps the answer file', (words, lines) => {
  const { status, stdout } = packstack(...words, '-y', '-t', '60');

  expect(status).toBe(0);
  expect(stdout).toContain('discover the host');
  expect(plannedAnswers().split('\n')).toEqual(expect.arrayContaining(lines));
  const kept = readdirSync(home).filter((name) => /^packstack-answers-\d{8}-\d{6}\.txt$/.test(name));
  expect(readFileSync(join(home, kept[0] ?? ''), 'utf8').split('\n')).toEqual(expect.arrayContaining(lines));
  expect(existsSync(join(home, 'state/postgres'))).toBe(false);
});

it('plans for this machine with --allinone', () => {
  expect(packstack('--allinone', '--dry-run').status).toBe(0);

  const host = /^CONFIG_CONTROLLER_HOST=(.*)$/m.exec(plannedAnswers())?.[1] ?? '';
  expect(host).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  expect(plannedAnswers()).toContain(`CONFIG_COMPUTE_HOSTS=${host}\n`);
});

it.each([
  [['--answer-file', 'a', '--os-debug-mode', 'y'], '--answer-file excludes'],
  [['--answer-file', 'a', '--allinone'], 'exclude one another'],
  [['--no-such-option'], "Unknown option '--no-such-option'"],
  [['--timeout', 'soon', '--allinone'], 'soon is no number of seconds'],
  [[], 'nothing says what to deploy'],
])('ends with status 2 for %j', (words, message) => {
  const { status, stderr } = packstack(...words);

  expect(stderr).toContain(message);
  expect(status).toBe(2);
});

it('lists its options, and describes every parameter', () => {
  expect(packstack('--help').stdout).toContain('  -y, --dry-run write manifests, execute nothing');
  expect(packstack('--version').stdout).toMatch(/^packstack, by stackwright \d/);
  expect(packstack('--options').stdout).toBe(readFileSync(join(packageRoot(), 'docs/reference/parameters.md'), 'utf8'));
});

it('stackwright deploy takes the same, and any parameter by --set', () => {
  const file = join(home, 'answers.txt');
  writeFileSync(file, '[general]\nCONFIG_CONTROLLER_HOST=ctl\nCONFIG_COMPUTE_HOSTS=c1\n');
  const more = ['--exclude-servers', 'c1', '--default-password', '-', '--set', 'config_debug_mode=y'];

  const { stdout, status } = run(
    'stackwright',
    ['deploy', '--answer-file', file, '--dry-run', ...more],
    'sesame-open\n',
  );

  expect(status).toBe(0);
  expect(stdout).not.toContain('c1: ');
  expect(plannedAnswers()).toContain('CONFIG_DEFAULT_PASSWORD=sesame-open\n');
  expect(plannedAnswers()).toContain('CONFIG_DEBUG_MODE=y\n');
  expect(readFileSync(file, 'utf8')).not.toContain('sesame');
});

it('stackwright answers check --json prints every problem with code, name, line and message', () => {
  const file = join(home, 'answers.txt');
  const lines = [
    '[general]',
    'CONFIG_NOVA_COMPUTE_HOSTS=c1',
    'CONFIG_TYPO=1',
    'CONFIG_RH_USER=x',
    'CONFIG_DEBUG_MODE=?',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);

  const { stdout, status } = run('stackwright', ['answers', 'check', file, '--json']);

  const problems = JSON.parse(stdout).map(({ code, name, line }: Record<string, unknown>) => [code, name, line]);
  expect(problems.slice(0, 4)).toEqual([
    ['DeprecatedParameter', 'CONFIG_NOVA_COMPUTE_HOSTS', 2],
    ['UnknownParameter', 'CONFIG_TYPO', 3],
    ['UnsupportedParameter', 'CONFIG_RH_USER', 4],
    ['InvalidValue', 'CONFIG_DEBUG_MODE', 5],
  ]);
  expect(problems).toContainEqual(['MissingValue', 'CONFIG_CONTROLLER_HOST', null]);
  expect(status).toBe(1);
});
