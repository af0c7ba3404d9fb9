// OpenStack on one host that boots in systemd-nspawn, from a file that the product makes: deployed by its commands, looked
// at with Debian's client as an operator does, deployed once more, and removed.
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootHost, canBootHost, HOST_ADDRESS, type NspawnHost } from '../conformance/nspawn-host.js';
import { json, killWhen, start, until } from '../e2e/rig.js';
import {
  appliedManifests,
  changesOf,
  client as clientOn,
  listeningPorts,
  logIn,
  type Outcome,
  openstack as openstackOn,
  runningAgents,
  runningServices,
  settledManifests,
} from './cloud.js';
import { buildInstance, consoleOf, floatingTo, makeInstancePlace, startInstance } from './instance.js';

const HOUR = 3_600_000;
const manifests = [
  'rabbitmq',
  'mariadb',
  'memcached',
  'keystone',
  'client',
  'glance',
  'placement',
  'nova-controller',
  'nova-compute',
  'neutron-server',
  'neutron-network',
  'horizon',
];

describe.skipIf(!canBootHost)('OpenStack on one host', () => {
  let host: NspawnHost;
  let state: string;
  let deploy: string[];
  const client = (...words: string[]) => clientOn(host, words);
  const openstack = <T>(...words: string[]) => openstackOn<T>(host, words);

  beforeAll(async () => {
    host = await bootHost('archive');
    state = host.state.root;
    const answers = join(state, 'site', 'cloud.txt');
    await host.outputOf(['answers', 'generate', '--install-hosts', 'ctl', answers]);
    const settings = [`CONFIG_SSH_KEY=${join(state, 'id.pub')}`, 'CONFIG_NEUTRON_L2_AGENT=linuxbridge'];
    const set = settings.flatMap((setting) => ['--set', setting]);
    deploy = ['deploy', '--answer-file', answers, '--ssh-config', host.sshConfig, ...set];
    await buildInstance(state);
  }, HOUR);

  afterAll(async () => await host.stop());

  it('is deployed from a generated file, through a kill -9 at any moment', { timeout: 2 * HOUR }, async () => {
    const manifest = manifests[randomInt(manifests.length)];
    const seconds = randomInt(20);
    const moment = `killed ${seconds} s after the beginning of ${manifest}`;
    const deployment = start(state, [...deploy, '--json']);
    const isBegun = () => deployment.events.some((event) => event.data.title === `apply the manifest ${manifest}`);
    await until(() => isBegun() || deployment.child.exitCode !== null, 90);
    await delay(seconds * 1000);
    await killWhen(deployment, () => true);

    const outcome = await json<Outcome>(state, 'deploy', 'resume');

    expect(outcome, moment).toMatchObject({ state: 'done', failures: [] });
    expect(outcome.steps.filter(({ starts }) => starts > 1).length, moment).toBeLessThanOrEqual(1);
    expect(appliedManifests(outcome)).toEqual(manifests);
  });

  it('gives the administrator a token, and has three endpoints of every service', async () => {
    const token = await openstack<{ id: string }>('token', 'issue');
    const endpoints = await openstack<Record<string, string>[]>('endpoint', 'list');

    expect(token.id).toMatch(/^gAAAA/);
    const services = ['compute 8774/v2.1', 'identity 5000', 'image 9292', 'network 9696', 'placement 8778'];
    const interfaces = ['admin', 'internal', 'public'];
    expect(endpoints.map((one) => `${one['Service Type']} ${one.URL} ${one.Interface}`).sort()).toEqual(
      services.flatMap((service) =>
        interfaces.map((one) => `${service.replace(' ', ` http://${HOST_ADDRESS}:`)} ${one}`),
      ),
    );
  });

  it('has all services of compute and all agents of networking up', async () => {
    const services = ['nova-compute', 'nova-conductor', 'nova-scheduler'].map((name) => `ctl ${name}`);
    const agents = ['DHCP agent', 'L3 agent', 'Linux bridge agent', 'Metadata agent'].map((name) => `ctl ${name}`);
    await until(async () => (await runningServices(host)).length === 3 && (await runningAgents(host)).length === 4);

    expect(await runningServices(host)).toEqual(services);
    expect(await runningAgents(host)).toEqual(agents);
    const [hypervisor] = await openstack<unknown[]>('hypervisor', 'list');
    expect(hypervisor).toMatchObject({ 'Hypervisor Hostname': 'ctl', 'Hypervisor Type': 'QEMU', State: 'up' });
  });

  it('starts an instance of an image of ours, named and with a key by its config drive', {
    timeout: HOUR,
  }, async () => {
    await makeInstancePlace(host);

    const server = await startInstance(host, 'guest-1');

    expect(server).toMatchObject({ status: 'ACTIVE', config_drive: 'True' });
    const console = await consoleOf(host, 'guest-1');
    expect(console).toMatch(/key of root: ssh-ed25519 \S+ of-the-cloud/);
  });

  it('leads from the outside to the instance, by a floating address', { timeout: HOUR }, async () => {
    const address = await floatingTo(host, 'guest-1');

    await until(async () => (await host.onHost(['ssh-keyscan', '-T', '20', address], [0, 1])).includes('ssh-ed25519'));
  });

  it('has a dashboard to which its administrator can log in', async () => {
    const [place, page] = await logIn(host);

    expect(place).not.toContain('/auth/login');
    expect(page).toContain('Overview');
  });

  it('changes nothing when puppet looks at everything again', { timeout: HOUR }, async () => {
    const outcome = await json<Outcome>(state, ...deploy, '--reapply');

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    expect(settledManifests(state, outcome.run)).toBe(0);
    expect(changesOf(state, outcome.run)).toEqual([]);
  });

  it('needs no puppet when it is deployed again', async () => {
    const outcome = await json<Outcome>(state, ...deploy);

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    expect(settledManifests(state, outcome.run)).toBe(manifests.length);
  });

  it('is removed, and nothing listens any more', { timeout: HOUR }, async () => {
    await client('server', 'delete', '--wait', 'guest-1');

    await json(state, 'clean');

    expect(await listeningPorts(host)).toEqual([22]);
    expect(existsSync(join(host.tree, 'usr/bin/nova-conductor'))).toBe(false);
  });
});
