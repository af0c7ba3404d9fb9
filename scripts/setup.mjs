// From a fresh clone to running: npm packages, build, host programs; then the job that npm was asked for.
//   node scripts/setup.mjs --then quickstart|test|test:full|bench [ARGUMENT…]
// Only Node's own modules can be used here: nothing else may be installed yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stackwright = join(root, 'bin', 'stackwright');

/** Peers that the conformance tests run side by side, beside the programs that doctor knows. */
const testPackages = [
  'gpg',
  'gpg-agent',
  'mujs',
  'ovmf',
  'python3',
  'python3-diskimage-builder',
  'systemd-container',
  'puppet-agent',
  'augeas-tools',
  'openssh-server',
];

const jobs = {
  quickstart: (words) => must(process.execPath, [stackwright, 'quickstart', ...words]),
  bench: (words) => {
    must(process.execPath, [join(root, 'bench', 'run.mjs'), ...words]);
  },
  // What takes longer than a change can wait for is in test/full.
  test: (words) => test(words, ['unit', 'conformance', 'e2e']),
  'test:full': (words) => test(words, ['unit', 'conformance', 'e2e', 'full']),
};

const [flag, job, ...words] = process.argv.slice(2);
if (flag !== '--then' || !(job in jobs)) {
  console.error('usage: node scripts/setup.mjs --then quickstart|test|test:full|bench [ARGUMENT…]');
  process.exit(2);
}
requireNode();
installPackages();
await (await import('./build.mjs')).build();
// Says what is missing and how to get it, and stops with status 1, where we are not root.
must(process.execPath, [stackwright, 'doctor', '--install']);
await jobs[job](words);

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Node ${process.versions.node} is too old: Stackwright needs 20.19 or later`);
  process.exit(1);
}

function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.stackwright-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  must('npm', ['ci', '--no-audit', '--no-fund']);
  writeFileSync(stamp, lock);
}

function test(words, projects) {
  installTestPackages();
  const bin = (name) => join(root, 'node_modules', '.bin', name);
  const checks =
    words.length > 0
      ? []
      : [
          [bin('biome'), ['ci', '.']],
          [bin('tsc'), ['--noEmit']],
          [bin('knip'), []],
        ];
  let failed = checks.filter(([program, args]) => !succeeds(program, args)).length;
  let passed = checks.length - failed;
  const directory = mkdtempSync(join(tmpdir(), 'stackwright-test-'));
  const report = join(directory, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const fine = succeeds(bin('vitest'), [
    'run',
    ...projects.flatMap((name) => ['--project', name]),
    ...reporters,
    ...words,
  ]);
  const counts = existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : { numPassedTests: 0, numFailedTests: 1 };
  rmSync(directory, { recursive: true });
  passed += counts.numPassedTests;
  failed += counts.numFailedTests;
  // A file that cannot be loaded has no tests that could fail.
  if (!fine && failed === 0) failed = 1;
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

function installTestPackages() {
  const status = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}\n', ...testPackages], { encoding: 'utf8' });
  const installed = status.stdout.split('\n').filter((line) => line.startsWith('ii')).length;
  if (installed === testPackages.length) return;
  const install = ['install', '--yes', '--no-install-recommends', ...testPackages];
  if (process.getuid() !== 0) {
    console.error(`the tests need packages: sudo apt-get ${install.join(' ')}`);
    process.exit(1);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  must('apt-get', ['update', '-q'], env);
  must('apt-get', [...install, '-q', '-o', 'Dpkg::Use-Pty=0'], env);
}

function must(program, args, env = process.env) {
  if (!succeeds(program, args, env)) process.exit(1);
}

function succeeds(program, args, env = process.env) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', env });
  if (error) console.error(`${program}: ${error.message}`);
  return status === 0;
}
