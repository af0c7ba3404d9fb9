// Two machines work on one deployment, as far as one machine can be two: state directories of their own, one database, and
// the answers fetched by SSH. Either is killed with -9 while puppet works, and the other goes on.
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/base/command.js';
import { databaseUrl } from '../../src/engine/cluster.js';
import { bootHosts, canBootHost, type NspawnHost } from '../conformance/nspawn-host.js';
import { freePort } from '../e2e/machine.js';
import { json, makeState, removeState, start, until } from '../e2e/rig.js';

const HOUR = 3_600_000;

interface Step {
  title: string;
  host: string;
  state: string;
  starts: number;
  worker: string | null;
  logFile: string;
}

describe.skipIf(!canBootHost)('two machines that share a deployment', () => {
  let ctl: NspawnHost;
  let c1: NspawnHost;
  let first: string;
  let second: string;
  let answers: string;
  let sshd: ChildProcess;
  /** What nobody but a worker that is told of it knows of this machine. */
  let hostKeys: string;

  beforeAll(async () => {
    const packages = ['memcached', 'puppet-module-saz-memcached', 'chrony'];
    const broker = ['rabbitmq-server', 'puppet-module-puppetlabs-rabbitmq'];
    [ctl, c1] = (await bootHosts([...packages, ...broker], ['ctl', 'c1'])) as [NspawnHost, NspawnHost];
    first = ctl.state.root;
    hostKeys = join(first, 'begun.keys');
    second = makeState();
    vi.stubEnv('DATABASE_URL', await databaseUrl(ctl.state));
    answers = join(first, 'site', 'two.txt');
    const lines = ['CONFIG_NTP_SERVERS=192.0.2.1', 'CONFIG_AMQP_INSTALL=y', 'CONFIG_AMQP_HOST=c1'];
    writeFileSync(answers, `${readFileSync(ctl.answers, 'utf8')}${lines.join('\n')}\n`, { mode: 0o600 });
    writePlugin(join(first, 'site', 'plugins', '700-slow'));
    sshd = await serveThisMachine();
  }, HOUR);

  afterAll(async () => {
    sshd?.kill();
    vi.unstubAllEnvs();
    await removeState(second);
    await ctl.stop();
  }, HOUR);

  it('goes on with what a killed worker had, where its puppet is still at work', { timeout: HOUR }, async () => {
    const leader = start(first, ['deploy', '--answer-file', answers, '--ssh-config', ctl.sshConfig, '--json']);
    const id = await runUnderWay(leader);
    // It keeps the keys: the next worker of this machine needs no file of them.
    const words = ['deploy', 'worker', id, '--from', 'begun', '--ssh-config', ctl.sshConfig, '--host-keys', hostKeys];
    const worker = start(second, [...words, '--json']);
    await until(async () => (await stepOf(id, 'apply the manifest slow', 'c1')).state === 'running');
    await c1.onHost(['sh', '-c', 'until pgrep -f "[p]uppet apply" > /dev/null; do sleep 0.1; done']);
    worker.child.kill('SIGKILL');

    const { stdout, stderr } = await leader.ended;

    expect(JSON.parse(stdout || stderr)).toMatchObject({ state: 'done', failures: [] });
    const steps = await stepsOf(id);
    const shared = steps.filter((step) => step.worker !== null).map(({ title, host }) => `${host}: ${title}`);
    expect(shared).toEqual([
      'c1: install puppet and its modules',
      'c1: send the manifests',
      'c1: apply the manifest prescript',
      'ctl: begin to install packages',
    ]);
    const taken = await stepOf(id, 'apply the manifest slow', 'c1');
    expect(taken).toMatchObject({ state: 'done', starts: 2, worker: null });
    expect(readFileSync(taken.logFile, 'utf8')).toContain('the interrupted application has ended well and counts');
    expect(leader.events.map(({ code }) => code)).toContain('run.worker.lost');
    // What the worker did was told where the run is led.
    expect(leader.events.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^c1: install puppet and its modules: done/),
    );
    expect(statSync(join(second, 'runs', id, 'answers.txt')).mode & 0o777).toBe(0o600);
    expect(await c1.onHost(['rabbitmqctl', '-n', 'rabbit@localhost', 'list_users'])).toContain('openstack');
    expect(await ctl.onHost(['systemctl', 'is-active', 'memcached', 'chrony'])).toBe('active\nactive\n');
  });

  it('is led to its end by the worker when the machine that led it is lost', { timeout: HOUR }, async () => {
    const words = ['deploy', '--answer-file', answers, '--ssh-config', ctl.sshConfig, '--reapply', '--json'];
    const leader = start(first, words);
    const id = await runUnderWay(leader);
    const worker = start(second, ['deploy', 'worker', id, '--from', 'begun', '--ssh-config', ctl.sshConfig, '--json']);
    await until(async () => (await stepOf(id, 'apply the manifest slow', 'ctl')).state === 'running');
    leader.child.kill('SIGKILL');

    const { stdout, stderr } = await worker.ended;

    expect(JSON.parse(stdout || stderr)).toMatchObject({ run: id, state: 'done' });
    const steps = await stepsOf(id);
    expect(steps.map(({ state }) => state)).toEqual(steps.map(() => 'done'));
    expect(steps.filter(({ starts }) => starts > 2)).toEqual([]);
    expect(await stepOf(id, 'apply the manifest slow', 'ctl')).toMatchObject({ starts: 2 });
    expect(await json<unknown[]>(second, 'deploy', 'list')).toMatchObject([{ run: id, state: 'done' }, {}]);
  });

  /** The run that a command has begun, once it is in the database. */
  async function runUnderWay(leader: ReturnType<typeof start>): Promise<string> {
    await until(() => {
      if (leader.child.exitCode !== null) throw new Error('the deployment has ended');
      return leader.events.some(({ code }) => code === 'run.started');
    });
    return String(leader.events.find(({ code }) => code === 'run.started')?.data.run);
  }

  async function stepsOf(id: string): Promise<Step[]> {
    return (await json<{ report: Step[] }>(first, 'deploy', 'show', id)).report;
  }

  async function stepOf(id: string, title: string, host: string): Promise<Step> {
    const found = (await stepsOf(id)).find((step) => step.title === title && step.host === host);
    if (!found) throw new Error(`no step ${title} on ${host}`);
    return found;
  }

  /** An sshd for this machine, `begun` in the SSH configuration of the hosts, with keys of the test. */
  async function serveThisMachine(): Promise<ChildProcess> {
    const port = await freePort();
    const directory = join(first, 'sshd');
    mkdirSync(directory, { mode: 0o700 });
    mkdirSync('/run/sshd', { recursive: true });
    const key = join(directory, 'host');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const settings = [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${key}`,
      `AuthorizedKeysFile ${join(first, 'id.pub')}`,
      'PermitRootLogin prohibit-password',
      'StrictModes no',
      'PidFile none',
      '',
    ];
    writeFileSync(join(directory, 'config'), settings.join('\n'));
    writeFileSync(hostKeys, `begun ${readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')}\n`);
    const block = [
      'Host begun',
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      `  User ${process.env.USER ?? 'root'}`,
      `  IdentityFile ${join(first, 'id')}`,
      '  IdentitiesOnly yes',
      '  UserKnownHostsFile /nonexistent',
      '  HostKeyAlias begun',
      '',
    ];
    appendFileSync(ctl.sshConfig, block.join('\n'));
    return spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(directory, 'config')], { stdio: 'ignore' });
  }
});

/** It gives a worker time to join, and puppet time to be killed in. */
function writePlugin(folder: string): void {
  mkdirSync(join(folder, 'manifests'), { recursive: true });
  writeFileSync(join(folder, 'manifests', 'slow.pp'), "exec { 'wait': command => '/bin/sleep 15' }\n");
  const plugin = `export const plugin = (kit) => ({
  name: 'slow',
  groups: [],
  sequences: (configuration, hosts) => ({
    prepare: [
      kit.hostSequence('slow.wait', 'wait', hosts, async ({ ssh, reach, logFile }, host) => {
        await ssh.run(reach(host), ['sleep', '10'], { logFile });
      }),
    ],
    manifests: kit.manifestsOn(hosts, { name: 'slow' }),
  }),
});
`;
  writeFileSync(join(folder, 'index.ts'), plugin);
}
