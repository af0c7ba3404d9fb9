// A Debian host of its own that boots in systemd-nspawn, with sshd, apt and puppet as they are, to deploy on. All
// traffic stays in one network namespace.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, shellQuote } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { identifyProcess } from '../../src/base/process.js';
import { type StateDirectory, stateDirectory } from '../../src/base/state.js';
import { openTemporary } from '../../src/base/temporary.js';
import { stopCluster } from '../../src/engine/index.js';

const HOST = 'ctl';
export const HOST_ADDRESS = '192.0.2.10';
const namespace = `swdeploy${process.pid}`;

export const canBootHost =
  process.getuid?.() === 0 && existsSync('/usr/bin/systemd-nspawn') && existsSync('/usr/bin/mmdebstrap');

/** Of the host before a deployment; what is offered is in a local package source. */
const packages = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'openssh-server',
  'iproute2',
  'hostname',
  'procps',
  'puppet-agent',
];

export interface NspawnHost {
  state: StateDirectory;
  sshConfig: string;
  /** An answer file with the host as controller, in a directory of its own. */
  answers: string;
  /** Runs a program on the host; what it prints. */
  onHost(words: string[], okStatuses?: number[]): Promise<string>;
  stackwright(args: string[]): { child: ChildProcess; ended: Promise<unknown> };
  outputOf(args: string[], okStatuses?: number[]): Promise<string>;
  stop(): Promise<void>;
}

/** Makes a host's tree and boots it. */
export async function bootHost(offered: string[]): Promise<NspawnHost> {
  const state = stateDirectory(mkdtempSync(join(tmpdir(), 'sw-')));
  chmodSync(state.root, 0o755);
  const temporary = openTemporary(state, 'deploy test');
  const tree = join(temporary.directory('host'), 'tree');
  await makeTree(tree);
  const { sshConfig, answers } = await writeAccess(tree);
  await boot(tree);
  return {
    state,
    sshConfig,
    answers,
    onHost,
    stackwright,
    outputOf,
    async stop() {
      await temporary.undo();
      await stopCluster(state);
      rmSync(state.root, { recursive: true });
    },
  };

  async function makeTree(tree: string): Promise<void> {
    const names = offered.join(' ');
    const repository = [
      'set -eu',
      'mkdir -p /srv/packages && cd /srv/packages',
      `apt-get download ${names}`,
      // What they depend on stays; they themselves are the deployment's to install.
      `apt-get install --yes --no-install-recommends ${names}`,
      `dpkg --purge ${names}`,
      'for deb in *.deb; do',
      '  dpkg-deb -f "$deb"; echo "Filename: ./$deb"; stat -c "Size: %s" "$deb"',
      '  sha256sum "$deb" | { read -r sum rest; echo "SHA256: $sum"; }; echo',
      'done > Packages',
      'rm -f /etc/apt/sources.list.d/*',
      'echo "deb [trusted=yes] file:/srv/packages ./" > /etc/apt/sources.list',
      '',
    ];
    const script = join(state.root, 'repository.sh');
    writeFileSync(script, repository.join('\n'));
    const hooks = [
      `--customize-hook=upload ${script} /repository.sh`,
      '--customize-hook=chroot "$1" sh /repository.sh',
    ];
    const lean = ['--variant=minbase', '--aptopt=APT::Install-Recommends "false"', `--include=${packages.join(',')}`];
    await run('mmdebstrap', [...lean, ...hooks, 'bookworm', tree], { timeout: 500 });
  }

  async function writeAccess(tree: string): Promise<{ sshConfig: string; answers: string }> {
    const key = state.path('id');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    mkdirSync(join(tree, 'root/.ssh'), { mode: 0o700, recursive: true });
    writeFileSync(join(tree, 'root/.ssh/authorized_keys'), readFileSync(`${key}.pub`), { mode: 0o600 });
    writeFileSync(join(tree, 'etc/hostname'), `${HOST}\n`);
    writeFileSync(join(tree, 'etc/hosts'), `127.0.0.1 localhost\n${HOST_ADDRESS} ${HOST}\n`);
    const hostKey = readFileSync(join(tree, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8').split(' ');
    writeFileSync(state.path('known_hosts'), `${HOST} ${hostKey[0]} ${hostKey[1]}\n`);
    const lines = [
      `Host ${HOST}`,
      `  ProxyCommand ip netns exec ${namespace} nc ${HOST_ADDRESS} 22`,
      '  User root',
      `  IdentityFile ${key}`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile ${state.path('known_hosts')}`,
      `  HostKeyAlias ${HOST}`,
      '',
    ];
    writeFileSync(state.path('ssh_config'), lines.join('\n'));
    mkdirSync(state.path('site'));
    const wanted = [
      '[general]',
      'CONFIG_KEYSTONE_INSTALL=n',
      `CONFIG_SSH_KEY=${key}.pub`,
      `CONFIG_CONTROLLER_HOST=${HOST}`,
      '',
    ];
    writeFileSync(state.path('site', 'answers.txt'), wanted.join('\n'));
    return { sshConfig: state.path('ssh_config'), answers: state.path('site', 'answers.txt') };
  }

  async function boot(tree: string): Promise<void> {
    temporary.add({ kind: 'namespace', name: namespace });
    await run('ip', ['netns', 'add', namespace]);
    const inside = (...args: string[]) => run('ip', ['-n', namespace, ...args]);
    // Both ends of the cable are inside: nothing leaves the namespace.
    await inside('link', 'set', 'lo', 'up');
    await inside('link', 'add', 'host0', 'type', 'veth', 'peer', 'name', 'other0');
    await inside('address', 'add', `${HOST_ADDRESS}/24`, 'dev', 'host0');
    await inside('link', 'set', 'host0', 'up');
    await inside('link', 'set', 'other0', 'up');
    const mode = ['-b', '--register=no', '--keep-unit', '--resolv-conf=off', '--console=passive'];
    const log = openSync(state.path('console.log'), 'w');
    const args = ['-D', tree, '-M', HOST, ...mode, `--network-namespace-path=/run/netns/${namespace}`];
    const env = { ...process.env, SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network' };
    const container = spawn('systemd-nspawn', args, { stdio: ['ignore', log, log], env });
    const identity = identifyProcess(container.pid ?? 0);
    if (!identity) throw new Error(readFileSync(state.path('console.log'), 'utf8'));
    temporary.add({ kind: 'process', process: identity, what: 'systemd-nspawn' });
    await until(async () => {
      const { status } = await run('ssh', ['-F', state.path('ssh_config'), '-o', 'BatchMode=yes', HOST, 'true'], {
        okStatuses: [0, 255],
        timeout: 30,
      });
      return status === 0;
    });
  }

  async function onHost(words: string[], okStatuses = [0]): Promise<string> {
    const line = words.map(shellQuote).join(' ');
    const args = ['-F', state.path('ssh_config'), '-o', 'BatchMode=yes', HOST, line];
    return (await run('ssh', args, { okStatuses })).stdout;
  }

  function stackwright(args: string[]): { child: ChildProcess; ended: Promise<unknown> } {
    const env = { ...process.env, STACKWRIGHT_STATE: state.root };
    const child = spawn(join(packageRoot(), 'bin/stackwright'), args, { stdio: 'ignore', env });
    return { child, ended: new Promise((resolve) => child.once('close', resolve)) };
  }

  async function outputOf(args: string[], okStatuses = [0]): Promise<string> {
    const env = { STACKWRIGHT_STATE: state.root };
    return (await run(join(packageRoot(), 'bin/stackwright'), args, { env, timeout: 400, okStatuses })).stdout;
  }
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come');
    await delay(100);
  }
}
