// 50 hosts on this machine, each an sshd with a place of its own for what a deployment leaves: how long a wave over all of
// them takes, by us and by Debian's ansible with as many forks and pipelining. A wave is counted as the difference between
// runs with few and with many of them, so what a run does once is not in it.
//   command   a step that runs `true` on every host, beside a task of ansible that does
//   manifest  an empty manifest for `puppet apply`, beside tasks that copy it and apply it
//   again     the same once more, when nothing has changed since: ours then starts no puppet
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { stopCluster } from './cluster.mjs';

const program = join(dirname(dirname(fileURLToPath(import.meta.url))), 'bin', 'stackwright');
const COUNT = 50;
const PORT = 2222;
const hosts = Array.from({ length: COUNT }, (_, number) => `h${number + 1}`);
const addressOf = (host) => `127.1.0.${host.slice(1)}`;
const needed = {
  'ansible-core': '/usr/bin/ansible-playbook',
  'puppet-agent': '/usr/bin/puppet',
  'augeas-tools': '/usr/bin/augparse',
  'openssh-server': '/usr/sbin/sshd',
};

/** Few and many waves of each kind. */
const waves = { command: [0, 8], manifest: [1, 2], again: [1, 2] };

export async function bench(rounds) {
  const missing = Object.keys(needed).filter((name) => !existsSync(needed[name]));
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}; apt install ${missing.join(' ')}`);
  const scratch = mkdtempSync(join(tmpdir(), 'stackwright-bench-'));
  // PostgreSQL's user must be able to enter it.
  chmodSync(scratch, 0o755);
  const daemons = [];
  try {
    await prepare(scratch);
    for (const host of hosts) daemons.push(startHost(scratch, host));
    await Promise.all(hosts.map((host) => answers(scratch, host)));
    for (const [kind, counts] of Object.entries(waves)) await benchWaves(scratch, kind, counts, rounds);
  } finally {
    for (const daemon of daemons) daemon.kill('SIGTERM');
    await stopCluster(stateOf(scratch));
    rmSync(scratch, { recursive: true });
  }
}

/** Prints the best round of each way. */
async function benchWaves(scratch, kind, [few, many], rounds) {
  const best = {};
  for (let round = 1; round <= rounds; round++) {
    for (const [way, run] of Object.entries({ stackwright: ours, ansible })) {
      const short = await run(scratch, kind, few);
      const long = await run(scratch, kind, many);
      console.log(`round ${round}, ${way}, ${kind}: ${few} in ${short.toFixed(1)} s, ${many} in ${long.toFixed(1)} s`);
      best[way] = Math.min(best[way] ?? Number.POSITIVE_INFINITY, (long - short) / (many - few));
    }
  }
  const [mine, theirs] = [best.stackwright, best.ansible];
  console.log(
    `a wave of ${kind} over ${COUNT} hosts: ${mine.toFixed(2)} s, ansible ${theirs.toFixed(2)} s, ratio ${(mine / theirs).toFixed(2)}`,
  );
}

async function prepare(scratch) {
  const key = (name) => execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(scratch, name)]);
  await Promise.all([key('user'), key('host')]);
  const hostKey = (await execa('cat', [join(scratch, 'host.pub')])).stdout.split(' ').slice(0, 2).join(' ');
  const known = hosts.map((host) => `[${addressOf(host)}]:${PORT} ${hostKey}\n`);
  writeFileSync(join(scratch, 'known_hosts'), known.join(''));
  const blocks = hosts.map((host) =>
    [
      `Host ${host}`,
      `  HostName ${addressOf(host)}`,
      `  Port ${PORT}`,
      '  User root',
      `  IdentityFile ${join(scratch, 'user')}`,
      `  UserKnownHostsFile ${join(scratch, 'known_hosts')}`,
      '',
    ].join('\n'),
  );
  writeFileSync(join(scratch, 'ssh_config'), blocks.join(''));
  writeFileSync(join(scratch, 'inventory'), `${hosts.join('\n')}\n`);
  writeFileSync(
    join(scratch, 'ansible.cfg'),
    `[defaults]\nforks = ${COUNT}\ngathering = explicit\ninterpreter_python = /usr/bin/python3\n[ssh_connection]\npipelining = True\nssh_args = -F ${join(scratch, 'ssh_config')} -o ControlMaster=auto -o ControlPersist=60s\n`,
  );
  writeFileSync(join(scratch, 'empty.pp'), '# Nothing.\n');
}

/** A login of its own directories, and with no settings of this machine's shell; the rest it shares with this machine. */
function startHost(scratch, host) {
  const places = ['/var/tmp', '/run/stackwright', '/run/puppet', '/var/lib/puppet', '/root', '/run/sshd'];
  const lines = [
    'set -e',
    `hostname ${host}`,
    ...places.map((place) => `mkdir -p ${place} && mount -t tmpfs -o mode=0755 tmpfs ${place}`),
    'chmod 1777 /var/tmp',
    `exec ${needed['openssh-server']} -D -e -f /dev/null -o ListenAddress=${addressOf(host)} -o Port=${PORT} -o PidFile=none ` +
      `-o HostKey=${join(scratch, 'host')} -o AuthorizedKeysFile=${join(scratch, 'user.pub')} -o StrictModes=no ` +
      '-o PermitRootLogin=yes -o UsePAM=no -o MaxSessions=100 -o "Subsystem=sftp internal-sftp"',
  ];
  return spawn('unshare', ['--mount', '--uts', 'sh', '-c', lines.join('\n')], { stdio: 'ignore' });
}

async function answers(scratch, host) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { exitCode } = await execa('ssh', ['-F', join(scratch, 'ssh_config'), host, 'true'], { reject: false });
    if (exitCode === 0) return;
    await delay(200);
  }
  throw new Error(`${host} does not answer`);
}

async function seconds(work) {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

function stateOf(scratch) {
  return join(scratch, 'state');
}

/** A deployment with a plugin of its own, and nothing else; how long it takes. */
async function ours(scratch, kind, count) {
  const site = mkdtempSync(join(scratch, 'site-'));
  const plugin = join(site, 'plugins/500-waves');
  mkdirSync(join(plugin, 'manifests'), { recursive: true });
  for (let wave = 0; wave < count; wave++) writeFileSync(join(plugin, `manifests/empty${wave}.pp`), '# Nothing.\n');
  writeFileSync(join(plugin, 'index.ts'), `export const plugin = ${wavesPlugin(kind, count)};\n`);
  const file = join(site, 'answers.txt');
  const settings = ['CONFIG_KEYSTONE_INSTALL=n', 'CONFIG_MEMCACHED_INSTALL=n', 'CONFIG_CONTROLLER_HOST=h1'];
  settings.push(`CONFIG_COMPUTE_HOSTS=${hosts.slice(1)}`, `CONFIG_SSH_KEY=${join(scratch, 'user.pub')}`);
  writeFileSync(file, `[general]\n${settings.join('\n')}\n`, { mode: 0o600 });
  const words = ['deploy', '--answer-file', file, '--ssh-config', join(scratch, 'ssh_config'), '--json'];
  const deploy = (...more) => execa(program, [...words, ...more], { env: { STACKWRIGHT_STATE: stateOf(scratch) } });
  if (kind !== 'again') return await seconds(() => deploy('--reapply'));
  await deploy('--reapply');
  return await seconds(deploy);
}

const wavesPlugin = (kind, count) => `(kit) => ({
  name: 'waves',
  groups: [],
  sequences: (configuration, hosts) => ${kind !== 'command'}
    ? { manifests: Array.from({ length: ${count} }, (_, wave) => kit.manifestsOn(hosts, { name: 'empty' + wave })).flat() }
    : {
        prepare: Array.from({ length: ${count} }, (_, wave) => ({
          title: 'wave ' + wave,
          steps: hosts.map((host) => ({
            id: 'wave' + wave + '@' + host,
            title: 'true',
            host,
            work: async ({ ssh, reach, logFile }) => {
              await ssh.run(reach(host), ['true'], { logFile });
            },
          })),
        })),
      },
})`;

async function ansible(scratch, kind, count) {
  const task =
    kind === 'command'
      ? ['    - command: "true"']
      : [
          `    - copy: {src: ${join(scratch, 'empty.pp')}, dest: /var/tmp/empty.pp}`,
          '    - command: puppet apply --detailed-exitcodes --vardir /var/tmp/puppet /var/tmp/empty.pp',
        ];
  const tasks = Array.from({ length: count }, () => task).flat();
  const playbook = join(scratch, 'playbook.yml');
  const text = ['- hosts: all', '  strategy: linear', '  tasks:', '    - ping:', ...tasks, ''];
  writeFileSync(playbook, text.join('\n'));
  const env = { ANSIBLE_CONFIG: join(scratch, 'ansible.cfg') };
  return await seconds(() => execa('ansible-playbook', ['-i', join(scratch, 'inventory'), playbook], { env }));
}
