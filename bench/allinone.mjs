// OpenStack on one bare Debian, an nspawn host with packages from Debian's mirror: how long our deployment takes, then ours
// again, without a change; and how long the same manifests take on another such host when puppet applies them one by one and
// installs their packages by itself, as packstack does. Both download everything, and neither runs beside the other's cloud.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { execa } from 'execa';
import { stringify } from 'yaml';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const program = join(root, 'bin', 'stackwright');

export async function bench() {
  const { bootHosts } = await nspawnHosts();
  const ours = await onNewHost(bootHosts, async (host, deploy) => {
    const [time, outcome] = await seconds(deploy);
    const work = outcome.steps.filter(({ title }) => title.startsWith('apply the manifest'));
    for (const step of work) console.log(`  ${step.title.split(' ').at(-1)}: ${step.seconds.toFixed(0)} s`);
    console.log(`stackwright: ${time.toFixed(0)} s`);
    const [again] = await seconds(deploy);
    console.log(`stackwright again, nothing changed: ${again.toFixed(1)} s`);
    return { time, modules: await modulesInstalled(host.state, outcome.run) };
  });
  const theirs = await onNewHost(bootHosts, async (host, deploy) => {
    const plan = await deploy('--dry-run');
    const [time] = await seconds(() => oneByOne(host, plan, ours.modules));
    return time;
  });
  console.log(`the manifests one by one: ${theirs.toFixed(0)} s, ratio ${(ours.time / theirs).toFixed(2)}`);
}

/** @param work gets the host, and a function that deploys on it */
async function onNewHost(bootHosts, work) {
  const [host] = await bootHosts('archive', ['ctl']);
  try {
    const { state, sshConfig } = host;
    const answers = state.path('site', 'ctl.txt');
    await execa(program, ['answers', 'generate', '--install-hosts', 'ctl', answers]);
    const key = `CONFIG_SSH_KEY=${state.path('id.pub')}`;
    const words = ['deploy', '--answer-file', answers, '--ssh-config', sshConfig, '--set', key, '--json'];
    const env = { STACKWRIGHT_STATE: state.root };
    const deploy = async (...more) => JSON.parse((await execa(program, [...words, ...more], { env })).stdout);
    return await work(host, deploy);
  } finally {
    await host.stop();
  }
}

/** Puppet and the packages of its modules that a run has installed. */
async function modulesInstalled(state, run) {
  const { stdout } = await execa(program, ['deploy', 'log', '--json', run], { env: { STACKWRIGHT_STATE: state.root } });
  const events = stdout.split('\n').map((line) => JSON.parse(line));
  const { message } = events.find(({ code }) => code === 'deploy.packages.installed');
  return message.split(' installed ')[1].split(' ');
}

/** Puppet with its modules, then each manifest in the order of the plan. */
async function oneByOne({ state, sshConfig, onHost }, { directory, stages }, modules) {
  const place = '/var/tmp/stackwright/bench';
  await onHost([
    'sh',
    '-c',
    'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"',
    'sh',
    ...modules,
  ]);
  await onHost(['mkdir', '-p', '-m', '0700', place]);
  await execa('tar', ['-C', join(directory, 'hosts', 'ctl'), '-cf', state.path('ctl.tar'), '.']);
  const ssh = (words, options) => execa('ssh', ['-F', sshConfig, '-o', 'BatchMode=yes', 'ctl', ...words], options);
  await ssh(['tar', '-C', place, '-xf', '-'], { inputFile: state.path('ctl.tar') });
  const address = (await onHost(['hostname', '-I'])).trim().split(' ')[0];
  const values = `---\n${stringify(
    {
      ...answersOf(directory),
      HOST_NAME: 'ctl',
      HOST_ADDRESS: address,
      HOST_ADDRESSES: { ctl: address },
      EXEC_TIMEOUT: 300,
    },
    { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 },
  )}`;
  const names = stages.flatMap(({ steps }) => steps.flatMap(({ id }) => /^manifest\.(.*)@/.exec(id)?.[1] ?? []));
  const files = readdirSync(join(directory, 'hosts', 'ctl', 'manifests'));
  for (const name of names) {
    const file = files.find((one) => one === `ctl_${name}.pp`);
    const [time, { exitCode, stdout }] = await seconds(() =>
      ssh(['sh', `${place}/apply`, file, 'bench', '7200', 'anew', 'whole'], { input: values, reject: false }),
    );
    if (exitCode !== 0 && exitCode !== 2) throw new Error(`${name} ended with ${exitCode}: ${stdout.slice(-4000)}`);
    console.log(`  ${name}: ${time.toFixed(0)} s`);
  }
}

function answersOf(directory) {
  const lines = readFileSync(join(directory, 'answers.txt'), 'utf8').split('\n');
  return Object.fromEntries(lines.flatMap((line) => (/^[A-Z]\w*=/.test(line) ? [splitAnswer(line)] : [])));
}

function splitAnswer(line) {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

async function seconds(work) {
  const began = performance.now();
  const result = await work();
  return [(performance.now() - began) / 1000, result];
}

/** The hosts of the tests. */
async function nspawnHosts() {
  const outfile = join(root, 'node_modules', '.cache', `nspawn-host.${process.pid}.mjs`);
  mkdirSync(dirname(outfile), { recursive: true });
  const entry = join(root, 'test/conformance/nspawn-host.ts');
  const options = { bundle: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external' };
  await build({ entryPoints: [entry], outfile, logLevel: 'error', ...options });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile);
  }
}
