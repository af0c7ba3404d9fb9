// Deploys memcached on a Debian host that boots in systemd-nspawn, with sshd, apt and puppet as they are, and kills
// the deployment in the middle of its manifest. All traffic stays in one network namespace.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { identifyProcess } from '../../src/base/process.js';
import { type StateDirectory, stateDirectory } from '../../src/base/state.js';
import { openTemporary, type TemporaryState } from '../../src/base/temporary.js';
import { stopCluster } from '../../src/engine/index.js';

const HOST = 'ctl';
const ADDRESS = '192.0.2.10';
const namespace = `swdeploy${process.pid}`;
const canRun = process.getuid?.() === 0 && existsSync('/usr/bin/systemd-nspawn') && existsSync('/usr/bin/mmdebstrap');

/** Of the host before the deployment; the services and their puppet modules are in a local package source. */
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
const offered = [
  'memcached',
  'puppet-module-saz-memcached',
  'mariadb-server',
  'puppet-module-puppetlabs-mysql',
  'rabbitmq-server',
  'puppet-module-puppetlabs-rabbitmq',
];

interface StepRow {
  title: string;
  state: string;
  starts: number;
}

describe.skipIf(!canRun)('a deployment on a host of its own', () => {
  let state: StateDirectory;
  let temporary: TemporaryState;
  let sshConfig: string;
  let answers: string;

  beforeAll(async () => {
    state = stateDirectory(mkdtempSync(join(tmpdir(), 'sw-')));
    chmodSync(state.root, 0o755);
    temporary = openTemporary(state, 'deploy test');
    const tree = join(temporary.directory('host'), 'tree');
    await makeTree(tree);
    ({ sshConfig, answers } = await writeAccess(tree));
    await boot(tree);
  });

  afterAll(async () => {
    await temporary.undo();
    await stopCluster(state);
    rmSync(state.root, { recursive: true });
  });

  it('goes on after kill -9 in the middle of a manifest, repeating only that, and memcached answers', async () => {
    const deployment = stackwright(['deploy', '--answer-file', answers, '--ssh-config', sshConfig, '--json']);
    await until(() => manifestLog().includes(' anew'));
    // Puppet compiles now; it goes on while nobody watches.
    await onHost(['sh', '-c', 'until pgrep -f "[p]uppet apply" > /dev/null; do sleep 0.1; done']);
    deployment.child.kill('SIGKILL');
    await deployment.ended;
    const [interrupted] = JSON.parse(await outputOf(['deploy', 'list', '--json']));
    expect(interrupted).toMatchObject({ state: 'interrupted' });

    const outcome = JSON.parse(await outputOf(['deploy', 'resume', '--json']));

    expect(outcome).toMatchObject({ run: interrupted.run, state: 'done', failures: [] });
    const starts = outcome.steps.map((step: StepRow) => [step.title, step.state, step.starts]);
    expect(starts).toEqual([
      ['install the SSH key', 'done', 1],
      ['discover the host', 'done', 1],
      ['make the work directory', 'done', 1],
      ['install puppet and its modules', 'done', 1],
      ['send manifests and values', 'done', 1],
      ['apply the manifest memcached', 'done', 2],
      ['see whether memcached answers', 'done', 1],
      ['see whether a reboot is needed', 'done', 1],
    ]);
    expect(manifestLog()).toContain('the interrupted application has ended well and counts');
    const config = await onHost(['cat', '/etc/memcached.conf']);
    expect(config).toContain(`-l ${ADDRESS}`);
    expect(config).toContain('-U 0');
    const modes = await onHost(['stat', '-c', '%a', `/var/tmp/stackwright/${interrupted.run}`]);
    expect(modes.trim()).toBe('700');
  });

  it('changes nothing when it is done again, and leaves one line of the key', async () => {
    const outcome = JSON.parse(
      await outputOf(['deploy', '--answer-file', answers, '--ssh-config', sshConfig, '--json']),
    );

    expect(outcome).toMatchObject({ state: 'done' });
    expect(manifestLog()).not.toMatch(/Notice: \/Stage/);
    expect((await onHost(['cat', '/root/.ssh/authorized_keys'])).trim().split('\n')).toHaveLength(1);
  });

  it('deploys database and broker, whose services do not start before they are configured', async () => {
    const file = state.path('services.txt');
    const lines = ['CONFIG_MARIADB_INSTALL=y', 'CONFIG_AMQP_INSTALL=y', 'CONFIG_AMQP_AUTH_PASSWORD=s3cr3t-of-amqp'];
    writeFileSync(file, `${readFileSync(answers, 'utf8')}${lines.join('\n')}\n`, { mode: 0o600 });

    const outcome = JSON.parse(await outputOf(['deploy', '--answer-file', file, '--ssh-config', sshConfig, '--json']));

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    const password = /^CONFIG_MARIADB_PW=([0-9a-f]{16})$/m.exec(readFileSync(file, 'utf8'))?.[1];
    expect(password).toBeDefined();
    const login = ['mariadb', '--user=root', `--password=${password}`, '--execute=SELECT 6 * 7'];
    expect(await onHost(login)).toContain('42');
    expect(
      await onHost(['rabbitmqctl', '-n', 'rabbit@localhost', 'authenticate_user', 'openstack', 's3cr3t-of-amqp']),
    ).toContain('Success');
    expect(await onHost(['ls', '/usr/sbin'])).not.toContain('policy-rc.d');
    const run = state.path('runs', outcome.run, 'logs');
    for (const name of readdirSync(run)) {
      const log = readFileSync(join(run, name), 'utf8');
      expect([name, log.includes('s3cr3t-of-amqp'), log.includes(password ?? '')]).toEqual([name, false, false]);
    }
  });

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
    writeFileSync(join(tree, 'etc/hosts'), `127.0.0.1 localhost\n${ADDRESS} ${HOST}\n`);
    const hostKey = readFileSync(join(tree, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8').split(' ');
    writeFileSync(state.path('known_hosts'), `${HOST} ${hostKey[0]} ${hostKey[1]}\n`);
    const lines = [
      `Host ${HOST}`,
      `  ProxyCommand ip netns exec ${namespace} nc ${ADDRESS} 22`,
      '  User root',
      `  IdentityFile ${key}`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile ${state.path('known_hosts')}`,
      `  HostKeyAlias ${HOST}`,
      '',
    ];
    writeFileSync(state.path('ssh_config'), lines.join('\n'));
    const wanted = ['CONFIG_KEYSTONE_INSTALL=n', `CONFIG_SSH_KEY=${key}.pub`, `CONFIG_CONTROLLER_HOST=${HOST}`];
    writeFileSync(state.path('answers.txt'), ['[general]', ...wanted, ''].join('\n'));
    return { sshConfig: state.path('ssh_config'), answers: state.path('answers.txt') };
  }

  async function boot(tree: string): Promise<void> {
    temporary.add({ kind: 'namespace', name: namespace });
    await run('ip', ['netns', 'add', namespace]);
    const inside = (...args: string[]) => run('ip', ['-n', namespace, ...args]);
    // Both ends of the cable are inside: nothing leaves the namespace.
    await inside('link', 'set', 'lo', 'up');
    await inside('link', 'add', 'host0', 'type', 'veth', 'peer', 'name', 'other0');
    await inside('address', 'add', `${ADDRESS}/24`, 'dev', 'host0');
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

  async function onHost(words: string[]): Promise<string> {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const { stdout } = await run('ssh', ['-F', state.path('ssh_config'), '-o', 'BatchMode=yes', HOST, quoted]);
    return stdout;
  }

  function stackwright(args: string[]): { child: ChildProcess; ended: Promise<unknown> } {
    const env = { ...process.env, STACKWRIGHT_STATE: state.root };
    const child = spawn(join(packageRoot(), 'bin/stackwright'), args, { stdio: 'ignore', env });
    return { child, ended: new Promise((resolve) => child.once('close', resolve)) };
  }

  async function outputOf(args: string[]): Promise<string> {
    const env = { STACKWRIGHT_STATE: state.root };
    return (await run(join(packageRoot(), 'bin/stackwright'), args, { env, timeout: 400 })).stdout;
  }

  /** The log of the latest run's manifest; empty before it begins. */
  function manifestLog(): string {
    const runs = existsSync(state.path('runs')) ? readdirSync(state.path('runs')).sort() : [];
    const logs = state.path('runs', runs.at(-1) ?? 'none', 'logs');
    const name = existsSync(logs) ? readdirSync(logs).find((file) => file.includes('manifest.memcached')) : undefined;
    return name ? readFileSync(join(logs, name), 'utf8') : '';
  }
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come');
    await delay(100);
  }
}
