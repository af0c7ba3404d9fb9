// Debian hosts that boot in systemd-nspawn, with sshd, apt and puppet as they are, to deploy on. All traffic stays in
// network namespaces, but for what apt fetches through a proxy of ours.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, shellQuote } from '../../src/base/command.js';
import { StackwrightError } from '../../src/base/errors.js';
import { listenInNamespace } from '../../src/base/listen.js';
import { packageRoot } from '../../src/base/package-root.js';
import { identifyProcess } from '../../src/base/process.js';
import { type StateDirectory, stateDirectory } from '../../src/base/state.js';
import { openTemporary } from '../../src/base/temporary.js';
import { stopCluster } from '../../src/engine/index.js';
import { openRecorder, type Recorder } from '../../src/image/bundle/recorder.js';
import { upstreamProxies } from '../../src/image/bundle/upstream.js';

/** Of the first host; the others follow it. */
export const HOST_ADDRESS = '192.0.2.10';
/** Where apt of a host with the archive fetches from. */
export const PROXY_PORT = 3142;
/** A file system that all hosts have together, in which anybody may write. */
export const SHARED = '/srv/shared';
/** The bridge between the hosts, and this machine's place on it. */
const middle = `swdeploy${process.pid}`;
const OWN_ADDRESS = '192.0.2.1';

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
  'augeas-tools',
];

/** The kernel makes the nodes of loop devices in the `/dev` of this machine alone. */
const loopDevices = 'mknod /dev/loop-control c 10 237; for n in $(seq 0 63); do mknod /dev/loop$n b 7 $n; done';

/** What all hosts of a test have together. */
interface Site {
  state: StateDirectory;
  sshConfig: string;
  /** An answer file with the first host as controller, in a directory of its own. */
  answers: string;
  stackwright(args: string[]): { child: ChildProcess; ended: Promise<unknown> };
  outputOf(args: string[], okStatuses?: number[]): Promise<string>;
  /** Ends all hosts and removes what was theirs. */
  stop(): Promise<void>;
}

export interface NspawnHost extends Site {
  /** Its root directory, as this machine sees it. */
  tree: string;
  /** Runs a program on the host; what it prints. */
  onHost(words: string[], okStatuses?: number[]): Promise<string>;
  /** Takes its address away, or gives it back: nothing reaches the host without it. */
  setNetwork(to: 'up' | 'down'): Promise<void>;
}

interface Place {
  name: string;
  address: string;
  tree: string;
  namespace: string;
}

/** Makes the tree of a host called `ctl` and boots it. */
export async function bootHost(offered: Offered): Promise<NspawnHost> {
  const [host] = await bootHosts(offered, ['ctl']);
  if (!host) throw new Error('no host');
  return host;
}

/** The same for several hosts on one network. None can resolve the name of another. */
export async function bootHosts(offered: Offered, names: string[]): Promise<NspawnHost[]> {
  const state = stateDirectory(mkdtempSync(join(tmpdir(), 'sw-')));
  chmodSync(state.root, 0o755);
  const temporary = openTemporary(state, 'deploy test');
  const trees = temporary.directory('hosts');
  const shared = temporary.directory('shared');
  temporary.add({ kind: 'mount', path: shared });
  await run('mount', ['-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', shared]);
  const places = names.map((name, index) => ({
    name,
    address: HOST_ADDRESS.replace(/\d+$/, (last) => String(Number(last) + index)),
    tree: join(trees, name),
    namespace: `${middle}${name}`,
  }));
  let proxy: Recorder | undefined;
  await makeTrees();
  const site: Site = { state, ...(await writeAccess()), stackwright, outputOf, stop };
  await makeNetwork();
  return Promise.all(places.map(boot));

  async function stop(): Promise<void> {
    await temporary.undo();
    await proxy?.[Symbol.asyncDispose]();
    for (const { namespace } of places) await removeGroups(namespace);
    await stopCluster(state);
    rmSync(state.root, { recursive: true });
  }

  async function makeTrees(): Promise<void> {
    const [first, ...others] = places.map(({ tree }) => tree);
    if (!first) return;
    const lean = ['--variant=minbase', '--aptopt=APT::Install-Recommends "false"', `--include=${packages.join(',')}`];
    const more = offered === 'archive' ? [] : localSource(offered);
    await run('mmdebstrap', [...lean, ...more, 'bookworm', first], { timeout: 500 });
    if (offered === 'archive') {
      const proxyLine = `Acquire::http::Proxy "http://127.0.0.1:${PROXY_PORT}";\n`;
      writeFileSync(join(first, 'etc/apt/apt.conf.d/80proxy'), proxyLine);
    }
    for (const tree of others) {
      await run('cp', ['--archive', first, tree]);
      await run('sh', ['-c', 'rm "$1"/etc/ssh/ssh_host_* && ssh-keygen -A -f "$1"', 'sh', tree]);
    }
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

  async function writeAccess(): Promise<{ sshConfig: string; answers: string }> {
    const key = state.path('id');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const known = places.map((place) => letIn(place, readFileSync(`${key}.pub`)));
    writeFileSync(state.path('known_hosts'), known.join(''));
    const lines = places.flatMap(({ name, address }) => [
      `Host ${name}`,
      `  ProxyCommand ip netns exec ${middle} nc ${address} 22`,
      '  User root',
      `  IdentityFile ${key}`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile ${state.path('known_hosts')}`,
      `  HostKeyAlias ${name}`,
      '',
    ]);
    writeFileSync(state.path('ssh_config'), lines.join('\n'));
    mkdirSync(state.path('site'));
    const wanted = [
      '[general]',
      'CONFIG_KEYSTONE_INSTALL=n',
      `CONFIG_SSH_KEY=${key}.pub`,
      `CONFIG_CONTROLLER_HOST=${names[0]}`,
      '',
    ];
    writeFileSync(state.path('site', 'answers.txt'), wanted.join('\n'));
    return { sshConfig: state.path('ssh_config'), answers: state.path('site', 'answers.txt') };
  }

  /** Both ends of every cable are inside: nothing leaves the namespaces. */
  async function makeNetwork(): Promise<void> {
    for (const namespace of [middle, ...places.map(({ namespace }) => namespace)]) {
      temporary.add({ kind: 'namespace', name: namespace });
      await run('ip', ['netns', 'add', namespace]);
      await inside(namespace, 'link', 'set', 'lo', 'up');
    }
    await inside(middle, 'link', 'add', 'between', 'type', 'bridge');
    await inside(middle, 'address', 'add', `${OWN_ADDRESS}/24`, 'dev', 'between');
    await inside(middle, 'link', 'set', 'between', 'up');
    if (offered === 'archive') proxy = await openRecorder(temporary.directory('fetched'), await upstreamProxies({}));
    for (const place of places) {
      const peer = ['peer', 'name', 'host0', 'netns', place.namespace];
      await inside(middle, 'link', 'add', `to-${place.name}`, 'type', 'veth', ...peer);
      await inside(middle, 'link', 'set', `to-${place.name}`, 'master', 'between', 'up');
      await setNetwork(place, 'up');
      await inside(place.namespace, 'link', 'set', 'host0', 'up');
      if (proxy) await serveArchive(place.namespace, Number(new URL(proxy.url).port));
    }
  }

  async function boot(place: Place): Promise<NspawnHost> {
    const { name, tree, namespace } = place;
    const mode = ['-b', '--register=no', '--keep-unit', '--resolv-conf=off', '--console=passive'];
    // As a machine has it: routers and bridges of its own, and instances with interfaces.
    mode.push('--capability=all', '--bind=/dev/net/tun', `--bind=${shared}:${SHARED}`);
    const log = openSync(state.path(`console-${name}.log`), 'w');
    const args = ['-D', tree, '-M', name, ...mode, `--network-namespace-path=/run/netns/${namespace}`];
    const env = { ...process.env, SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network' };
    const joined = ['-c', enterGroups, 'sh', makeGroups(namespace).join(' '), 'systemd-nspawn', ...args];
    const container = spawn('sh', joined, { stdio: ['ignore', log, log], env });
    const identity = identifyProcess(container.pid ?? 0);
    if (!identity) throw new Error(readFileSync(state.path(`console-${name}.log`), 'utf8'));
    temporary.add({ kind: 'process', process: identity, what: 'systemd-nspawn' });
    await until(async () => {
      const { status } = await run('ssh', ['-F', site.sshConfig, '-o', 'BatchMode=yes', name, 'true'], {
        okStatuses: [0, 255],
        timeout: 30,
      });
      return status === 0;
    });
    const host = {
      ...site,
      tree,
      onHost: (words: string[], okStatuses?: number[]) => onHost(name, words, okStatuses),
      setNetwork: (to: 'up' | 'down') => setNetwork(place, to),
    };
    await host.onHost(['mount', '-o', 'remount,rw', '/sys/devices']);
    await host.onHost(['sh', '-c', loopDevices]);
    return host;
  }

  async function onHost(name: string, words: string[], okStatuses = [0]): Promise<string> {
    const line = words.map(shellQuote).join(' ');
    const args = ['-F', site.sshConfig, '-o', 'BatchMode=yes', name, line];
    return (await run('ssh', args, { okStatuses })).stdout;
  }

  function stackwright(args: string[]): { child: ChildProcess; ended: Promise<unknown> } {
    const env = { ...process.env, STACKWRIGHT_STATE: state.root };
    const child = spawn(join(packageRoot(), 'bin/stackwright'), args, { stdio: 'ignore', env });
    return { child, ended: new Promise((resolve) => child.once('close', resolve)) };
  }

  async function outputOf(args: string[], okStatuses = [0]): Promise<string> {
    const env = { STACKWRIGHT_STATE: state.root };
    try {
      return (await run(join(packageRoot(), 'bin/stackwright'), args, { env, timeout: 7200, okStatuses })).stdout;
    } catch (error) {
      // What it said is why it failed.
      if (error instanceof StackwrightError) throw new Error(`${error.message}\n${error.details.hint}`);
      throw error;
    }
  }
}

/** Lets the key in, and names the host; its line for `known_hosts`. */
function letIn({ name, address, tree }: Place, publicKey: Buffer): string {
  mkdirSync(join(tree, 'root/.ssh'), { mode: 0o700, recursive: true });
  writeFileSync(join(tree, 'root/.ssh/authorized_keys'), publicKey, { mode: 0o600 });
  writeFileSync(join(tree, 'etc/hostname'), `${name}\n`);
  writeFileSync(join(tree, 'etc/hosts'), `127.0.0.1 localhost\n${address} ${name}\n`);
  const hostKey = readFileSync(join(tree, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8').split(' ');
  return `${name} ${hostKey[0]} ${hostKey[1]}\n`;
}

async function inside(namespace: string, ...args: string[]): Promise<void> {
  await run('ip', ['-n', namespace, ...args]);
}

async function setNetwork({ namespace, address }: Place, to: 'up' | 'down'): Promise<void> {
  await inside(namespace, 'address', to === 'up' ? 'add' : 'delete', `${address}/24`, 'dev', 'host0');
}

/** In the namespace of a host, in front of a proxy of this machine, which fetches each package once. */
async function serveArchive(namespace: string, port: number): Promise<void> {
  const listener = await listenInNamespace(`/run/netns/${namespace}`, '127.0.0.1', PROXY_PORT);
  listener.on('connection', (socket) => {
    const upstream = connect(port, '127.0.0.1');
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  listener.unref();
}

/** Enters control groups, the first argument, and becomes the program after it. */
const enterGroups = 'for group in $1; do echo $$ > "$group/cgroup.procs"; done; shift; exec "$@"';

/** Control groups of its own: without, the systemd of one host would find and end what runs on another. */
function makeGroups(name: string): string[] {
  const groups = groupsOf(name);
  for (const group of groups) mkdirSync(group);
  return groups;
}

async function removeGroups(name: string): Promise<void> {
  for (const group of groupsOf(name)) {
    const words = [group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+'];
    await until(async () => !existsSync(group) || (await run('find', words, { okStatuses: [0, 1] })).status === 0);
  }
}

/** In both hierarchies that systemd uses where there are two, else in the one that there is. */
function groupsOf(name: string): string[] {
  const two = ['systemd', 'unified'].map((hierarchy) => join('/sys/fs/cgroup', hierarchy));
  const places = existsSync('/sys/fs/cgroup/systemd') ? two : ['/sys/fs/cgroup'];
  return places.map((place) => join(place, name));
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come');
    await delay(100);
  }
}
