// A Debian host of its own that boots in systemd-nspawn, with sshd, apt and puppet as they are, to deploy on. All
// traffic stays in one network namespace, but for what apt fetches through a proxy of ours.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, shellQuote } from '../../src/base/command.js';
import { listenInNamespace } from '../../src/base/listen.js';
import { packageRoot } from '../../src/base/package-root.js';
import { identifyProcess } from '../../src/base/process.js';
import { type StateDirectory, stateDirectory } from '../../src/base/state.js';
import { openTemporary } from '../../src/base/temporary.js';
import { stopCluster } from '../../src/engine/index.js';
import { openRecorder, type Recorder } from '../../src/image/bundle/recorder.js';
import { upstreamProxies } from '../../src/image/bundle/upstream.js';

const HOST = 'ctl';
export const HOST_ADDRESS = '192.0.2.10';
/** Where apt of a host with the archive fetches from. */
export const PROXY_PORT = 3142;
const namespace = `swdeploy${process.pid}`;

export const canBootHost =
  process.getuid?.() === 0 && existsSync('/usr/bin/systemd-nspawn') && existsSync('/usr/bin/mmdebstrap');

/** What apt on a host can install: these packages of Debian, in a local source, or all of Debian's archive. */
type Offered = string[] | 'archive';

/** Of the host before a deployment. */
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

/** The kernel makes the nodes of loop devices in the `/dev` of this machine alone. */
const loopDevices = 'mknod /dev/loop-control c 10 237; for n in $(seq 0 63); do mknod /dev/loop$n b 7 $n; done';

export interface NspawnHost {
  state: StateDirectory;
  /** Its root directory, as this machine sees it. */
  tree: string;
  sshConfig: string;
  /** An answer file with the host as controller, in a directory of its own. */
  answers: string;
  /** Runs a program on the host; what it prints. */
  onHost(words: string[], okStatuses?: number[]): Promise<string>;
  /** Takes its address away, or gives it back: nothing reaches the host without it. */
  setNetwork(to: 'up' | 'down'): Promise<void>;
  stackwright(args: string[]): { child: ChildProcess; ended: Promise<unknown> };
  outputOf(args: string[], okStatuses?: number[]): Promise<string>;
  stop(): Promise<void>;
}

/** Makes a host's tree and boots it. */
export async function bootHost(offered: Offered): Promise<NspawnHost> {
  const state = stateDirectory(mkdtempSync(join(tmpdir(), 'sw-')));
  chmodSync(state.root, 0o755);
  const temporary = openTemporary(state, 'deploy test');
  const tree = join(temporary.directory('host'), 'tree');
  await makeTree(tree);
  const { sshConfig, answers } = await writeAccess(tree);
  let proxy: Recorder | undefined;
  await boot(tree);
  return {
    state,
    tree,
    sshConfig,
    answers,
    onHost,
    setNetwork,
    stackwright,
    outputOf,
    async stop() {
      await temporary.undo();
      await proxy?.[Symbol.asyncDispose]();
      await stopCluster(state);
      rmSync(state.root, { recursive: true });
    },
  };

  async function makeTree(tree: string): Promise<void> {
    const lean = ['--variant=minbase', '--aptopt=APT::Install-Recommends "false"', `--include=${packages.join(',')}`];
    const more = offered === 'archive' ? [] : localSource(offered);
    await run('mmdebstrap', [...lean, ...more, 'bookworm', tree], { timeout: 500 });
    if (offered !== 'archive') return;
    const proxyLine = `Acquire::http::Proxy "http://127.0.0.1:${PROXY_PORT}";\n`;
    writeFileSync(join(tree, 'etc/apt/apt.conf.d/80proxy'), proxyLine);
  }

  function localSource(packages: string[]): string[] {
    const names = packages.join(' ');
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
    return [`--customize-hook=upload ${script} /repository.sh`, '--customize-hook=chroot "$1" sh /repository.sh'];
  }

  /** In the namespace, in front of a proxy of this machine, which fetches each package once. */
  async function serveArchive(): Promise<void> {
    proxy = await openRecorder(temporary.directory('fetched'), await upstreamProxies({}));
    const { port } = new URL(proxy.url);
    const listener = await listenInNamespace(`/run/netns/${namespace}`, '127.0.0.1', PROXY_PORT);
    listener.on('connection', (socket) => {
      const upstream = connect(Number(port), '127.0.0.1');
      socket.on('error', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    listener.unref();
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
    // Both ends of the cable are inside: nothing leaves the namespace.
    await inside('link', 'set', 'lo', 'up');
    await inside('link', 'add', 'host0', 'type', 'veth', 'peer', 'name', 'other0');
    await setNetwork('up');
    await inside('link', 'set', 'host0', 'up');
    await inside('link', 'set', 'other0', 'up');
    if (offered === 'archive') await serveArchive();
    const mode = ['-b', '--register=no', '--keep-unit', '--resolv-conf=off', '--console=passive'];
    // As a machine has it: routers and bridges of its own, and instances with interfaces.
    mode.push('--capability=all', '--bind=/dev/net/tun');
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
    await onHost(['mount', '-o', 'remount,rw', '/sys/devices']);
    await onHost(['sh', '-c', loopDevices]);
  }

  async function inside(...args: string[]): Promise<void> {
    await run('ip', ['-n', namespace, ...args]);
  }

  async function setNetwork(to: 'up' | 'down'): Promise<void> {
    await inside('address', to === 'up' ? 'add' : 'delete', `${HOST_ADDRESS}/24`, 'dev', 'host0');
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
    return (await run(join(packageRoot(), 'bin/stackwright'), args, { env, timeout: 7200, okStatuses })).stdout;
  }
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come');
    await delay(100);
  }
}
