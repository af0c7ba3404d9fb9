// OpenStack on one bare Debian, an nspawn host with packages from Debian's mirror through a cache of ours: how long our
// deployment takes, and how long the same manifests take on another such host when puppet applies them one by one and
// installs their packages by itself, as packstack does. Ours comes first and fills the cache for the other, so what it takes to
// download is taken off it. Then ours again, without a change.
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
  const [host, other] = await bootHosts('archive', ['ctl', 'peer']);
  try {
    const env = { STACKWRIGHT_STATE: host.state.root };
    const key = `CONFIG_SSH_KEY=${host.state.path('id.pub')}`;
    const deploy = async (name, ...more) => {
      const answers = host.state.path('site', `${name}.txt`);
      const words = ['--answer-file', answers, '--ssh-config', host.sshConfig, '--set', key, '--json', ...more];
      return JSON.parse((await execa(program, ['deploy', ...words], { env })).stdout);
    };
    for (const name of ['ctl', 'peer']) {
      await execa(program, ['answers', 'generate', '--install-hosts', name, host.state.path('site', `${name}.txt`)]);
    }

    const [ours, outcome] = await seconds(() => deploy('ctl'));
    const work = outcome.steps.filter(({ title }) => /^(apply the manifest|install)/.test(title));
    const puppet = work.reduce((sum, step) => sum + step.seconds, 0);
    const downloads = downloadSeconds(outcome.directory);
    const parts = `puppet and apt ${puppet.toFixed(0)} s, downloads ${downloads} s of these`;
    console.log(`stackwright: ${ours.toFixed(0)} s; ${parts}`);

    const [again] = await seconds(() => deploy('ctl'));
    console.log(`stackwright again, nothing changed: ${again.toFixed(1)} s`);

    const log = (await execa(program, ['deploy', 'log', '--json', outcome.run], { env })).stdout.split('\n');
    const modules = log.map((line) => JSON.parse(line)).find(({ code }) => code === 'deploy.packages.installed');
    const plan = await deploy('peer', '--dry-run');
    const [theirs] = await seconds(() => oneByOne(other, plan, modules.message.split(' installed ')[1].split(' ')));
    console.log(`the manifests one by one: ${theirs.toFixed(0)} s, ratio ${((ours - downloads) / theirs).toFixed(2)}`);
  } finally {
    await host.stop();
  }
}

/** What apt says that it took to fetch packages, in the logs of a run. */
function downloadSeconds(directory) {
  const logs = readdirSync(join(directory, 'logs')).map((name) => readFileSync(join(directory, 'logs', name), 'utf8'));
  const times = logs.flatMap((text) => [...text.matchAll(/^Fetched .* in (?:(\d+)min )?(\d+)s/gm)]);
  return times.reduce((sum, [, minutes, rest]) => sum + Number(minutes ?? 0) * 60 + Number(rest), 0);
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
  await execa('tar', ['-C', join(directory, 'hosts', 'peer'), '-cf', state.path('peer.tar'), '.']);
  const ssh = (words, options) => execa('ssh', ['-F', sshConfig, '-o', 'BatchMode=yes', 'peer', ...words], options);
  await ssh(['tar', '-C', place, '-xf', '-'], { inputFile: state.path('peer.tar') });
  const address = (await onHost(['hostname', '-I'])).trim().split(' ')[0];
  const values = `---\n${stringify(
    {
      ...answersOf(directory),
      HOST_NAME: 'peer',
      HOST_ADDRESS: address,
      HOST_ADDRESSES: { peer: address },
      EXEC_TIMEOUT: 300,
    },
    { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 },
  )}`;
  const names = stages.flatMap(({ steps }) => steps.flatMap(({ id }) => /^manifest\.(.*)@/.exec(id)?.[1] ?? []));
  const files = readdirSync(join(directory, 'hosts', 'peer', 'manifests'));
  for (const name of names) {
    const file = files.find((one) => one === `peer_${name}.pp`);
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
