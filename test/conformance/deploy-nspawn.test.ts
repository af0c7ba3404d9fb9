// Deploys services on a host that boots in systemd-nspawn, and kills a deployment in the middle of its manifest.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { bootHost, canBootHost, HOST_ADDRESS, type NspawnHost, until } from './nspawn-host.js';

interface StepRow {
  title: string;
  state: string;
  starts: number;
}

/** Waits for what installs packages on a host to unpack some, and kills it with all that it runs. */
const killInstaller = `
until pgrep --exact dpkg > /dev/null && pgrep --full '[i]nstall work' > /dev/null; do sleep 0.1; done
pkill --signal KILL --full '[i]nstall (run|work)'
pkill --signal KILL --exact 'apt-get|dpkg'
echo killed
`;

/** Makes a source with one package, and prints what is to be signed. */
const probeSource = `
mkdir -p /srv/probe/tree/DEBIAN
cd /srv/probe
printf '%s\\n' 'Package: stackwright-probe' 'Version: 1.0' 'Architecture: all' 'Maintainer: nobody' 'Description: probe' > tree/DEBIAN/control
dpkg-deb --build tree probe.deb > /dev/null
{
  dpkg-deb --field probe.deb
  echo 'Filename: ./probe.deb'
  stat --format 'Size: %s' probe.deb
  sha256sum probe.deb | sed 's/ .*//; s/^/SHA256: /'
} > Packages
printf 'Date: %s\\nSHA256:\\n %s %s Packages\\n' "$(date --utc --rfc-email)" "$(sha256sum Packages | cut -d ' ' -f 1)" "$(stat --format %s Packages)"
`;

async function gpg(home: string, words: string[], input = ''): Promise<string> {
  const quietly = ['--batch', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', ''];
  return (await run('gpg', ['--homedir', home, ...quietly, ...words], { input })).stdout;
}

/** A key that signs, in a directory of its own, and in `keys.asc` what others get of it. */
async function makeKey(home: string): Promise<void> {
  mkdirSync(home, { mode: 0o700 });
  await gpg(home, ['--quick-generate-key', 'Probe <probe@example.org>', 'ed25519', 'sign']);
  writeFileSync(join(home, 'keys.asc'), await gpg(home, ['--armor', '--export']));
}

describe.skipIf(!canBootHost)('a deployment on a host of its own', () => {
  let host: NspawnHost;
  let answers: string;
  let sshConfig: string;
  let onHost: NspawnHost['onHost'];
  let outputOf: NspawnHost['outputOf'];

  beforeAll(async () => {
    host = await bootHost([
      'memcached',
      'puppet-module-saz-memcached',
      'mariadb-server',
      'puppet-module-puppetlabs-mysql',
      'rabbitmq-server',
      'puppet-module-puppetlabs-rabbitmq',
      'etcd-server',
    ]);
    ({ answers, sshConfig, onHost, outputOf } = host);
  });

  afterAll(async () => await host.stop());

  it('goes on after kill -9 in the middle of a manifest, repeating only that, and memcached answers', async () => {
    const deployment = host.stackwright(['deploy', '--answer-file', answers, '--ssh-config', sshConfig, '--json']);
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
      ['send the manifests', 'done', 1],
      ['begin to install packages', 'done', 1],
      ['apply the manifest memcached', 'done', 2],
      ['see whether memcached answers', 'done', 1],
      ['see whether a reboot is needed', 'done', 1],
      ['note how the host looks', 'done', 1],
    ]);
    expect(manifestLog()).toContain('the interrupted application has ended well and counts');
    const config = await onHost(['cat', '/etc/memcached.conf']);
    expect(config).toContain(`-l ${HOST_ADDRESS}`);
    expect(config).toContain('-U 0');
    const modes = await onHost(['stat', '-c', '%a', `/var/tmp/stackwright/${interrupted.run}`]);
    expect(modes.trim()).toBe('700');
  });

  it('changes nothing when it is done again, and leaves one line of the key', async () => {
    const outcome = await deployAgain('--reapply');

    expect(outcome).toMatchObject({ state: 'done' });
    expect(manifestLog()).toContain('Notice: Applied catalog');
    expect(manifestLog()).not.toMatch(/Notice: \/Stage/);
    expect((await onHost(['cat', '/root/.ssh/authorized_keys'])).trim().split('\n')).toHaveLength(1);
  });

  it('starts no puppet where nothing has changed, and puts right what somebody has changed or stopped', async () => {
    const config = await onHost(['cat', '/etc/memcached.conf']);
    await deployAgain();
    expect(manifestLog()).toContain('the host is as it was left');
    expect(manifestLog()).not.toContain('Notice: ');

    await onHost(['sed', '-i', 's/^-l .*/-l 127.0.0.1/', '/etc/memcached.conf']);
    await deployAgain();
    expect(manifestLog()).toContain('/etc/memcached.conf]/content');
    expect(await onHost(['cat', '/etc/memcached.conf'])).toBe(config);

    await onHost(['systemctl', 'stop', 'memcached']);
    await deployAgain();
    expect(manifestLog()).toContain("ensure changed 'stopped' to 'running'");
  });

  it('plans what another answer would change, changes nothing, and says what needs an earlier step', async () => {
    const before = await onHost(['cat', '/etc/memcached.conf']);
    const settings = ['--set', 'CONFIG_MEMCACHED_MAX_MEMORY=77', '--set', 'CONFIG_MARIADB_INSTALL=y'];
    const words = ['deploy', 'plan', '--answer-file', answers, '--ssh-config', sshConfig, '--json'];

    const plan = JSON.parse(await outputOf([...words, ...settings]));

    expect(plan.hosts).toMatchObject([{ host: 'ctl', packages: ['puppet-module-puppetlabs-mysql', 'mariadb-server'] }]);
    const [mariadb, memcached] = plan.hosts[0].manifests;
    expect(mariadb).toMatchObject({ manifest: 'mariadb', state: 'unknown', changes: [] });
    expect(mariadb.unknown[0].why).toContain('first installs puppet-module-puppetlabs-mysql');
    expect(memcached).toMatchObject({ manifest: 'memcached', state: 'changes', unknown: [] });
    expect(memcached.changes).toContainEqual(
      expect.objectContaining({ resource: 'File[/etc/memcached.conf]', property: 'content' }),
    );
    expect(memcached.changes).toContainEqual(
      expect.objectContaining({ resource: 'Service[memcached]', what: 'would be restarted' }),
    );
    expect(await onHost(['cat', '/etc/memcached.conf'])).toBe(before);
    expect(await onHost(['ls', '/run/stackwright'])).toBe('');
    const [same] = JSON.parse(await outputOf(words)).hosts;
    expect(same.manifests).toEqual([{ manifest: 'memcached', state: 'same', changes: [], unknown: [] }]);
  });

  it('deploys database and broker, whose services do not start before they are configured', async () => {
    const { state } = host;
    const file = state.path('services.txt');
    const lines = ['CONFIG_MARIADB_INSTALL=y', 'CONFIG_AMQP_INSTALL=y', 'CONFIG_AMQP_AUTH_PASSWORD=s3cr3t-of-amqp'];
    writeFileSync(file, `${readFileSync(answers, 'utf8')}${lines.join('\n')}\n`, { mode: 0o600 });

    const deployed = outputOf(['deploy', '--answer-file', file, '--ssh-config', sshConfig, '--json']);
    // What installs packages in the background is killed amid them; whoever needs them goes on with it.
    const killed = await onHost(['sh', '-c', killInstaller]);
    const outcome = JSON.parse(await deployed);

    expect(killed).toBe('killed\n');
    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    const password = /^CONFIG_MARIADB_PW=([0-9a-f]{16})$/m.exec(readFileSync(file, 'utf8'))?.[1];
    expect(password).toBeDefined();
    const login = ['mariadb', '--user=root', `--password=${password}`, '--execute=SELECT 6 * 7'];
    expect(await onHost(login)).toContain('42');
    expect(
      await onHost(['rabbitmqctl', '-n', 'rabbit@localhost', 'authenticate_user', 'openstack', 's3cr3t-of-amqp']),
    ).toContain('Success');
    expect(await onHost(['ls', '/usr/sbin'])).not.toContain('policy-rc.d');
    // The values were in memory while puppet worked, and nowhere else.
    const places = ['/run/stackwright', '/var/tmp/stackwright', '/var/lib/puppet', '/var/cache/puppet'];
    const search = ['grep', '-rlsF', '-e', 's3cr3t-of-amqp', '-e', password ?? ''];
    expect(await onHost([...search, ...places], [0, 1, 2])).toBe('');
    const run = state.path('runs', outcome.run, 'logs');
    for (const name of readdirSync(run)) {
      const log = readFileSync(join(run, name), 'utf8');
      expect([name, log.includes('s3cr3t-of-amqp'), log.includes(password ?? '')]).toEqual([name, false, false]);
    }
  });

  it('deploys the service of a plugin beside the answer file, that of the guide', async () => {
    const guide = readFileSync(join(packageRoot(), 'docs/guides/plugins.md'), 'utf8');
    const files = [...guide.matchAll(/^`(plugins\/[\w./-]+)`:\n\n```\w+\n([\s\S]*?)^```/gm)];
    for (const [, name = '', text = ''] of files) {
      const file = join(dirname(answers), name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }

    const outcome = await deployAgain('--set', 'CONFIG_ETCD_INSTALL=y', '--set', 'CONFIG_ETCD_QUOTA=1073741824');

    expect(files).toHaveLength(2);
    expect(outcome).toMatchObject({ state: 'done' });
    const settings = await onHost(['cat', '/etc/default/etcd']);
    expect(settings).toContain(`ETCD_LISTEN_CLIENT_URLS="http://${HOST_ADDRESS}:2379"`);
    expect(settings).toContain('ETCD_QUOTA_BACKEND_BYTES="1073741824"');
    expect(await onHost(['systemctl', 'is-active', 'etcd'])).toBe('active\n');
  });

  it('stops after the manifest that is being applied when another terminal cancels the run', async () => {
    const args = ['deploy', '--answer-file', answers, '--ssh-config', sshConfig, '--json'];
    const deployment = host.stackwright([...args, '--set', 'CONFIG_MEMCACHED_MAX_MEMORY=78']);
    const before = readdirSync(host.state.path('runs')).length;
    await until(() => readdirSync(host.state.path('runs')).length > before && manifestLog().includes(' anew'));
    const [{ run }] = JSON.parse(await outputOf(['deploy', 'list', '--json']));

    const cancelled = JSON.parse(await outputOf(['deploy', 'cancel', run, '--json']));
    await deployment.ended;

    expect(cancelled).toEqual({ run, state: 'cancelling' });
    const shown = JSON.parse(await outputOf(['deploy', 'show', run, '--json']));
    expect(shown).toMatchObject({ state: 'cancelled', cancelledBy: expect.stringMatching(/^operator root@/) });
    const last = shown.report.slice(-4).map((step: StepRow) => [step.title, step.state]);
    expect(last).toEqual([
      ['apply the manifest memcached', 'done'],
      ['see whether memcached answers', 'waiting'],
      ['see whether a reboot is needed', 'waiting'],
      ['note how the host looks', 'waiting'],
    ]);
    expect(await onHost(['cat', '/etc/memcached.conf'])).toContain('-m 78');
    expect(JSON.parse(await outputOf(['deploy', 'resume', run, '--json']))).toMatchObject({ state: 'done' });
  });

  it('believes no host key that is unknown, unless it is given, and then leaves the run to itself', async () => {
    const config = join(dirname(answers), 'strangers');
    const known = host.state.path('known_hosts');
    writeFileSync(config, readFileSync(sshConfig, 'utf8').replace(known, '/nonexistent'));
    const words = ['deploy', '--answer-file', answers, '--ssh-config', config, '--json'];
    const runs = readdirSync(host.state.path('runs')).length;

    await expect(outputOf(words)).rejects.toThrow(/HostKeysUnknown.*"ctl: ssh-ed25519 SHA256:/);
    expect(readdirSync(host.state.path('runs'))).toHaveLength(runs);
    const { run } = JSON.parse(await outputOf([...words, '--host-keys', known, '--detach']));

    expect(await outputOf(['deploy', 'log', '--follow', run])).toContain(`run ${run}: done after `);
    expect(JSON.parse(await outputOf(['deploy', 'status', run, '--json']))).toMatchObject({
      state: 'done',
      report: [],
    });
    // Known from now on.
    expect(JSON.parse(await outputOf(words))).toMatchObject({ state: 'done' });
  });

  it('takes packages from another source, if that is signed by a key that was given', async () => {
    const plugin = writePlugin('probe', ['stackwright-probe']);
    const keys = { theirs: host.state.path('gpg'), other: host.state.path('gpg-other') };
    for (const home of Object.values(keys)) await makeKey(home);
    const release = await onHost(['sh', '-ec', probeSource]);
    const signed = await gpg(keys.theirs, ['--clearsign'], release);
    for (const home of Object.values(keys)) await run('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
    await onHost(['sh', '-c', 'printf %s "$1" > /srv/probe/InRelease', 'sh', signed]);
    const source = 'deb [signed-by=/etc/apt/keyrings/stackwright.asc] file:/srv/probe ./';
    const deploy = async (key: string, okStatuses?: number[]) => {
      const settings = [`CONFIG_APT_SOURCES=${source}`, `CONFIG_APT_KEY=${join(key, 'keys.asc')}`];
      const words = ['deploy', '--answer-file', answers, '--ssh-config', sshConfig, '--json'];
      return await outputOf([...words, ...settings.flatMap((one) => ['--set', one])], okStatuses);
    };

    const strange = JSON.parse(await deploy(keys.other, [1]));
    const known = JSON.parse(await deploy(keys.theirs));

    rmSync(plugin, { recursive: true });
    expect(strange).toMatchObject({ state: 'failed', failures: [{ code: 'PackagesNotInstalled' }] });
    expect(JSON.stringify(strange.failures)).toMatch(/W: GPG error: file:\/srv\/probe .* NO_PUBKEY/);
    expect(known).toMatchObject({ state: 'done' });
    expect(await onHost(['dpkg-query', '--show', 'stackwright-probe'])).toBe('stackwright-probe\t1.0\n');
    expect(await onHost(['cat', '/etc/apt/sources.list.d/stackwright.list'])).toBe(`${source}\n`);
  });

  it('says which package of a manifest apt does not know, and what apt says', async () => {
    const plugin = writePlugin('lacking', ['memcached', 'no-such-package']);
    const words = ['deploy', '--answer-file', answers, '--ssh-config', sshConfig, '--json'];

    const { state, failures } = JSON.parse(await outputOf(words, [1]));

    rmSync(plugin, { recursive: true });
    expect(state).toBe('failed');
    expect(failures).toMatchObject([
      {
        step: 'manifest.lacking@ctl',
        code: 'PackagesNotInstalled',
        message: 'ctl cannot install the packages of lacking',
      },
    ]);
    expect(JSON.stringify(failures)).toContain('E: Unable to locate package no-such-package');
    const status = await outputOf(['deploy', 'status']);
    expect(status).toMatch(/│ ctl +│ apply the manifest lacking +│ failed │/);
    expect(status).not.toContain('│ done');
    expect(status).toContain('manifest.lacking@ctl: ctl cannot install the packages of lacking\n');
    expect(status).toMatch(/to go on with it: stackwright deploy resume \d{8}-\S+\n$/);
    // Who installs packages has ended, and lets packages start services again.
    await onHost(['sh', '-c', 'while [ -e /usr/sbin/policy-rc.d ]; do sleep 0.1; done']);
    expect(await deployAgain()).toMatchObject({ state: 'done' });
  });

  /** A plugin beside the answers that only installs packages; its folder. */
  function writePlugin(name: string, packages: string[]): string {
    const folder = join(dirname(answers), `plugins/900-${name}`);
    mkdirSync(join(folder, 'manifests'), { recursive: true });
    writeFileSync(join(folder, `manifests/${name}.pp`), '# Nothing.\n');
    writeFileSync(
      join(folder, 'index.ts'),
      `export const plugin = (kit) => ({
        name: '${name}',
        groups: [],
        sequences: (_, hosts) => ({
          manifests: kit.manifestsOn(hosts, { name: '${name}', packages: ${JSON.stringify(packages)} }),
        }),
      });\n`,
    );
    return folder;
  }

  async function deployAgain(...flags: string[]): Promise<{ state: string }> {
    const words = ['deploy', '--answer-file', answers, '--ssh-config', sshConfig, '--json'];
    return JSON.parse(await outputOf([...words, ...flags]));
  }

  /** The log of the latest run's manifest; empty before it begins. */
  function manifestLog(): string {
    const { state } = host;
    const runs = existsSync(state.path('runs')) ? readdirSync(state.path('runs')).sort() : [];
    const logs = state.path('runs', runs.at(-1) ?? 'none', 'logs');
    const name = existsSync(logs) ? readdirSync(logs).find((file) => file.includes('manifest.memcached')) : undefined;
    return name ? readFileSync(join(logs, name), 'utf8') : '';
  }
});
