import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { silentReporter } from '../base/events.js';
import { packageRoot } from '../base/package-root.js';
import { openSsh } from '../base/ssh.js';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { configurationOf } from './parameter.js';
import { manifestName, valuesOf, writeManifests } from './puppet.js';
import { deployContext, planRun, prepareRun } from './run.js';
import type { RunKind } from './stages.js';

let state: StateDirectory;
let answerFile: string;

beforeEach(() => {
  state = stateDirectory(mkdtempSync(join(tmpdir(), 'stackwright-')));
  answerFile = join(state.root, 'answers.txt');
  writeFileSync(join(state.root, 'key.pub'), 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF test\n');
});

afterEach(() => rmSync(state.root, { recursive: true }));

async function plan(...lines: string[]) {
  return await planOf('deploy', ...lines);
}

async function planOf(kind: RunKind, ...lines: string[]) {
  const openstack = lines.some((line) => line.startsWith('CONFIG_KEYSTONE_INSTALL'))
    ? []
    : ['CONFIG_KEYSTONE_INSTALL=n'];
  const common = ['[general]', `CONFIG_SSH_KEY=${state.root}/key.pub`, ...openstack];
  writeFileSync(answerFile, [...common, ...lines, ''].join('\n'));
  return await planRun({ state, answerFile, reporter: silentReporter, runId: 'test', kind });
}

async function prepareManifest(name: string, ...lines: string[]) {
  await plan(...lines);
  const prepared = await prepareRun({ state, answerFile, reporter: silentReporter }, 'only look');
  const order = prepared.manifests.find((manifest) => manifest.name === name);
  if (!order) throw new Error(`no manifest ${name}`);
  return { prepared, order };
}

it('plans phases in order, each over all hosts, manifests by marker', async () => {
  const { hosts, stages } = await plan(
    'CONFIG_CONTROLLER_HOST=ctl',
    'CONFIG_COMPUTE_HOSTS=c1',
    'CONFIG_NTP_SERVERS=t1',
    'CONFIG_APT_SOURCES=deb http://mirror.example/debian bookworm main',
  );

  expect(hosts).toEqual(['ctl', 'c1']);
  expect(stages.map((stage) => stage.steps.map((step) => step.id))).toEqual([
    ['prescript.key@ctl', 'prescript.key@c1'],
    ['prescript.discover@ctl', 'prescript.discover@c1'],
    ['prescript.names'],
    ['prescript.directory@ctl', 'prescript.directory@c1'],
    ['prescript.sources@ctl', 'prescript.sources@c1'],
    ['puppet.install@ctl', 'puppet.install@c1'],
    ['puppet.send@ctl', 'puppet.send@c1'],
    ['manifest.prescript@ctl', 'manifest.prescript@c1'],
    ['packages.install@ctl'],
    ['manifest.memcached@ctl'],
    ['memcached.answers@ctl'],
    ['postscript.reboot@ctl', 'postscript.reboot@c1'],
    ['host.settle@ctl', 'host.settle@c1'],
  ]);
});

it('plans OpenStack on a controller, a network host and a compute host in the order in which services need one another', async () => {
  const { hosts, stages } = await plan(
    'CONFIG_KEYSTONE_INSTALL=y',
    'CONFIG_CONTROLLER_HOST=ctl',
    'CONFIG_NETWORK_HOSTS=net',
    'CONFIG_COMPUTE_HOSTS=c1,c2',
  );

  expect(hosts).toEqual(['ctl', 'c1', 'c2', 'net']);
  const manifests = stages.map(({ steps }) => steps.map(({ id }) => id).filter((id) => id.startsWith('manifest.')));
  expect(manifests.filter((ids) => ids.length > 0)).toEqual([
    ['manifest.rabbitmq@ctl'],
    ['manifest.mariadb@ctl'],
    ['manifest.memcached@ctl'],
    ['manifest.keystone@ctl'],
    ['manifest.client@ctl'],
    ['manifest.glance@ctl'],
    ['manifest.placement@ctl'],
    ['manifest.nova-controller@ctl'],
    ['manifest.nova-compute@c1', 'manifest.nova-compute@c2'],
    ['manifest.neutron-server@ctl'],
    ['manifest.neutron-network@net', 'manifest.neutron-compute@c1', 'manifest.neutron-compute@c2'],
    ['manifest.horizon@ctl'],
  ]);
});

it('plans volumes and objects on a storage host, and what attaches volumes on compute hosts', async () => {
  const { hosts, stages } = await plan(
    'CONFIG_KEYSTONE_INSTALL=y',
    'CONFIG_CONTROLLER_HOST=ctl',
    'CONFIG_COMPUTE_HOSTS=c1',
    'CONFIG_STORAGE_HOST=sto',
    'CONFIG_CINDER_INSTALL=y',
    'CONFIG_SWIFT_INSTALL=y',
    'CONFIG_HEAT_INSTALL=y',
  );

  expect(hosts).toEqual(['ctl', 'c1', 'sto']);
  const manifests = stages
    .flatMap(({ steps }) => steps.map(({ id }) => id))
    .filter((id) => /cinder|swift|heat/.test(id));
  expect(manifests).toEqual([
    'manifest.cinder-controller@ctl',
    'manifest.cinder-volume@sto',
    'manifest.cinder-compute@c1',
    'manifest.swift-endpoint@ctl',
    'manifest.swift@sto',
    'manifest.heat@ctl',
    'cinder-api.answers@ctl',
    'cinder-scheduler.runs@ctl',
    'cinder-volume.runs@sto',
    'swift-proxy.answers@sto',
    'heat-api.answers@ctl',
    'heat-api-cfn.answers@ctl',
    'heat-engine.runs@ctl',
  ]);
});

it('sends the image of this machine before puppet, and makes the demonstration last', async () => {
  const { stages } = await plan(
    'CONFIG_KEYSTONE_INSTALL=y',
    'CONFIG_CONTROLLER_HOST=ctl',
    'CONFIG_PROVISION_DEMO=y',
    `CONFIG_PROVISION_IMAGE_URL=${state.root}/key.pub`,
  );

  const ids = stages.flatMap(({ steps }) => steps.map(({ id }) => id));
  expect(ids.indexOf('provision.image@ctl')).toBeLessThan(ids.indexOf('puppet.install@ctl'));
  expect(ids.filter((id) => id.startsWith('manifest.')).at(-1)).toBe('manifest.provision@ctl');
});

it('says what the demonstration needs', async () => {
  const lines = ['CONFIG_KEYSTONE_INSTALL=y', 'CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_PROVISION_DEMO=y'];

  await expect(plan(...lines, 'CONFIG_NOVA_INSTALL=n')).rejects.toMatchObject({
    code: 'AnswersWrong',
    details: { hint: expect.stringContaining('CONFIG_PROVISION_DEMO=y needs CONFIG_NOVA_INSTALL=y') },
  });
});

it('has no storage host where nothing is stored', async () => {
  const { hosts } = await plan('CONFIG_KEYSTONE_INSTALL=y', 'CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_STORAGE_HOST=sto');

  expect(hosts).toEqual(['ctl']);
});

it('plans networks by Open vSwitch, once the kernels that carry them have been seen', async () => {
  const { stages } = await plan(
    'CONFIG_KEYSTONE_INSTALL=y',
    'CONFIG_CONTROLLER_HOST=ctl',
    'CONFIG_NETWORK_HOSTS=net',
    'CONFIG_COMPUTE_HOSTS=c1',
    'CONFIG_NEUTRON_L2_AGENT=openvswitch',
  );

  const ids = stages.flatMap(({ steps }) => steps.map(({ id }) => id));
  expect(ids.filter((id) => id.startsWith('manifest.neutron'))).toEqual([
    'manifest.neutron-server@ctl',
    'manifest.neutron-ovs@net',
    'manifest.neutron-ovs@c1',
  ]);
  expect(ids.filter((id) => id.startsWith('neutron.kernel'))).toEqual(['neutron.kernel@net', 'neutron.kernel@c1']);
  expect(ids.indexOf('neutron.kernel@c1')).toBeLessThan(ids.indexOf('puppet.install@ctl'));
});

it('refuses drivers that the agent does not carry out', async () => {
  const line = 'CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS=openvswitch';
  await expect(plan('CONFIG_KEYSTONE_INSTALL=y', 'CONFIG_CONTROLLER_HOST=ctl', line)).rejects.toMatchObject({
    code: 'AnswersWrong',
    details: { hint: expect.stringContaining('needs linuxbridge among the mechanism drivers') },
  });
});

it('makes certificates before puppet where the broker is reached by TLS, and nothing of them elsewhere', async () => {
  const lines = ['CONFIG_KEYSTONE_INSTALL=y', 'CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_COMPUTE_HOSTS=c1'];
  const idsOf = ({ stages }: Awaited<ReturnType<typeof plan>>) =>
    stages.flatMap(({ steps }) => steps.map(({ id }) => id)).filter((id) => /^(ssl|puppet.install)/.test(id));

  const directory = `CONFIG_SSL_CERT_DIR=${state.root}/ca`;
  const withTls = await plan(...lines, 'CONFIG_AMQP_ENABLE_SSL=y', directory);

  expect(idsOf(withTls)).toEqual([
    'ssl.authority',
    'ssl.certificate@ctl',
    'ssl.certificate@c1',
    'puppet.install@ctl',
    'puppet.install@c1',
  ]);
  rmSync(withTls.directory, { recursive: true });
  expect(idsOf(await plan(...lines))).toEqual(['puppet.install@ctl', 'puppet.install@c1']);
});

it('does not log in to a database of somebody else', async () => {
  const { hosts, stages } = await plan(
    'CONFIG_KEYSTONE_INSTALL=y',
    'CONFIG_NOVA_INSTALL=n',
    'CONFIG_CONTROLLER_HOST=ctl',
    'CONFIG_MARIADB_INSTALL=n',
    'CONFIG_MARIADB_HOST=db.example.org',
  );

  expect(hosts).toEqual(['ctl']);
  expect(stages.flatMap(({ steps }) => steps.map(({ id }) => id))).not.toContain('manifest.mariadb@ctl');
});

it('writes a run directory from which the run can be done again, secrets for us alone', async () => {
  const { directory } = await plan('CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_DEFAULT_PASSWORD=sesame-open');

  expect(readdirSync(directory).sort()).toEqual(['answers.txt', 'hosts', 'plan.json']);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'answers.txt')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(directory, 'answers.txt'), 'utf8')).toContain('CONFIG_DEFAULT_PASSWORD=sesame-open\n');
  const withSecret = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .filter((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8').includes('sesame-open'));
  expect(withSecret.map(({ name }) => name)).toEqual(['answers.txt']);
  expect(readFileSync(join(directory, 'hosts/ctl/manifests/ctl_memcached.pp'), 'utf8')).toBe(
    readFileSync(join(packageRoot(), 'plugins/004-memcached/manifests/memcached.pp'), 'utf8'),
  );
});

it('leaves an excluded host alone, also where a plugin would look whether its service answers', async () => {
  const { stages } = await plan(
    ...['CONFIG_KEYSTONE_INSTALL=y', 'CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_COMPUTE_HOSTS=c1,c2'],
    'EXCLUDE_SERVERS=ctl,c2',
  );

  const steps = stages.flatMap((stage) => stage.steps);
  const others = steps.filter(({ host }) => host !== 'c1').map(({ id }) => id);
  // Services on c1 are told where the controller is.
  expect(others).toEqual(['prescript.discover@ctl']);
  expect(steps.map(({ id }) => id)).toContain('nova-compute.runs@c1');
});

it('tells a manifest the addresses of the hosts that its values name, of an excluded one too, and no other', async () => {
  const lines = ['CONFIG_KEYSTONE_INSTALL=y', 'CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_COMPUTE_HOSTS=c1,c2'];
  const { prepared, order } = await prepareManifest('nova-compute', ...lines, 'EXCLUDE_SERVERS=ctl');
  const results = new Map([
    ['prescript.discover@ctl', { address: '192.0.2.10' }],
    ['prescript.discover@c2', { address: '192.0.2.12' }],
    ['prescript.discover@c1', { address: '192.0.2.11' }],
  ]);
  const step = { results, logFile: '/dev/null', interrupted: false, reporter: silentReporter };
  await using ssh = openSsh(state);

  const values = parse(await valuesOf(deployContext(prepared, ssh, step), order, prepared.directory));

  expect(values).toMatchObject({ HOST_ADDRESS: '192.0.2.11', CONFIG_AMQP_HOST: 'ctl' });
  expect(values.HOST_ADDRESSES).toEqual({ c1: '192.0.2.11', ctl: '192.0.2.10' });
});

it('asks an excluded host for nothing when what was deployed is stopped', async () => {
  const lines = ['CONFIG_KEYSTONE_INSTALL=y', 'CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_COMPUTE_HOSTS=c1'];

  const { stages } = await planOf('unstack', ...lines, 'EXCLUDE_SERVERS=ctl');

  expect([...new Set(stages.flatMap(({ steps }) => steps.map(({ host }) => host)))]).toEqual(['c1']);
});

it('says that there are no hosts, and that a run exists', async () => {
  await expect(plan('CONFIG_CONTROLLER_HOST=ctl', 'EXCLUDE_SERVERS=ctl')).rejects.toMatchObject({ code: 'NoHosts' });

  await plan('CONFIG_CONTROLLER_HOST=ctl');
  await expect(plan('CONFIG_CONTROLLER_HOST=ctl')).rejects.toMatchObject({ code: 'RunExists' });
});

it('refuses a manifest that looks up what nobody declares', async () => {
  const file = join(state.root, 'bad.pp');
  writeFileSync(file, "notice(lookup('CONFIG_NOBODY'))\n");

  const orders = [{ host: 'ctl', name: 'bad', file, marker: 'm', modules: [] }];
  await expect(writeManifests(state.root, orders, configurationOf(new Map()))).rejects.toMatchObject({
    code: 'PluginBroken',
    details: { value: 'CONFIG_NOBODY' },
  });
});

it('names manifests after host and name, without colons', () => {
  expect(manifestName({ host: 'fe80::1', name: 'nova' })).toBe('fe80__1_nova.pp');
});

it('puts hooks of the answer file’s directory between the manifests, and starts what may start last after them', async () => {
  mkdirSync(join(state.root, 'extras.d'));
  writeFileSync(join(state.root, 'extras.d/70-x.sh'), 'true\n');

  const { stages } = await plan('CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_NTP_SERVERS=t1');

  expect(stages.flatMap((stage) => stage.steps.map((step) => step.id)).slice(3)).toEqual([
    'puppet.install@ctl',
    'puppet.send@ctl',
    'hooks.override_defaults@ctl',
    'hooks.source@ctl',
    'hooks.stack.pre-install@ctl',
    'manifest.prescript@ctl',
    'packages.install@ctl',
    'manifest.memcached.hold@ctl',
    'hooks.stack.install@ctl',
    'hooks.stack.post-config@ctl',
    'manifest.memcached.start@ctl',
    'memcached.answers@ctl',
    'hooks.stack.extra@ctl',
    'hooks.stack.test-config@ctl',
    'postscript.reboot@ctl',
    'host.settle@ctl',
  ]);
});

it('holds the services of OpenStack back for hooks, all but those that the others need', async () => {
  mkdirSync(join(state.root, 'extras.d'));

  const services = ['CONFIG_KEYSTONE_INSTALL=y', 'CONFIG_PROVISION_DEMO=y', 'CONFIG_HORIZON_INSTALL=n'];
  const { stages } = await plan('CONFIG_CONTROLLER_HOST=ctl', ...services);

  const ids = stages
    .flatMap((stage) => stage.steps.map((step) => step.id))
    .filter((id) => /^(manifest|hooks)/.test(id));
  expect(ids.map((id) => id.replace(/^manifest\.|@ctl$/g, ''))).toEqual([
    ...['hooks.override_defaults', 'hooks.source', 'hooks.stack.pre-install'],
    ...['rabbitmq', 'mariadb', 'memcached', 'keystone', 'client', 'glance.hold', 'placement.hold'],
    ...['nova-controller.hold', 'nova-compute.hold', 'neutron-server.hold', 'neutron-network.hold'],
    ...['hooks.stack.install', 'hooks.stack.post-config', 'glance.start', 'placement.start'],
    ...['nova-controller.start', 'nova-compute.start', 'neutron-server.start', 'neutron-network.start', 'provision'],
    ...['hooks.stack.extra', 'hooks.stack.test-config'],
  ]);
});

it.each([
  ['unstack', []],
  ['clean', ['hooks.clean@ctl', 'clean.networks@ctl', 'clean.packages@ctl', 'clean.files@ctl']],
] as const)('%s calls the hooks, then stops the last marker first', async (kind, more) => {
  mkdirSync(join(state.root, 'extras.d'));

  const { stages } = await planOf(kind, 'CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_NTP_SERVERS=t1');

  expect(stages.flatMap((stage) => stage.steps.map((step) => step.id)).slice(4)).toEqual([
    'hooks.override_defaults@ctl',
    'hooks.source@ctl',
    'hooks.unstack@ctl',
    'unstack.processes@ctl',
    'manifest.memcached.stop@ctl',
    'manifest.prescript.stop@ctl',
    ...more,
  ]);
});

it('refuses hooks that others may write', async () => {
  mkdirSync(join(state.root, 'extras.d'));
  chmodSync(join(state.root, 'extras.d'), 0o777);

  await expect(plan('CONFIG_CONTROLLER_HOST=ctl')).rejects.toMatchObject({ code: 'HooksUnsafe' });
});
