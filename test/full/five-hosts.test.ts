// OpenStack with hosts of their own for database, broker and cache, for networks, for volumes and objects, and for instances,
// reached by TLS, with certificates of the user's for what browsers see: what runs where, and that each finds the others.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { bootHosts, canBootHost, type NspawnHost } from '../conformance/nspawn-host.js';
import { json, until } from '../e2e/rig.js';
import {
  appliedManifests,
  client,
  listeningPorts,
  mountExport,
  type Outcome,
  openstack,
  runningAgents,
  runningServices,
} from './cloud.js';
import {
  askMetadata,
  buildInstance,
  consoleOf,
  floatingTo,
  makeInstancePlace,
  shellIn,
  startInstance,
} from './instance.js';

const HOUR = 3_600_000;
const EXPORT = '192.0.2.13:/srv/exported';
const pages = ['dashboard', 'console'];

describe.skipIf(!canBootHost)('OpenStack on five hosts', () => {
  let controller: NspawnHost;
  let database: NspawnHost;
  let network: NspawnHost;
  let storage: NspawnHost;
  let compute: NspawnHost;
  let state: string;
  let deploy: string[];

  beforeAll(async () => {
    const names = ['ctl', 'dbs', 'net', 'sto', 'cmp'];
    [controller, database, network, storage, compute] = (await bootHosts('archive', names)) as [
      NspawnHost,
      NspawnHost,
      NspawnHost,
      NspawnHost,
      NspawnHost,
    ];
    state = controller.state.root;
    const file = join(state, 'site', 'cloud.txt');
    await controller.outputOf(['answers', 'generate', '--install-hosts', 'ctl,cmp', file]);
    await Promise.all(pages.map(certifyPage));
    const given = {
      CONFIG_MARIADB_HOST: 'dbs',
      CONFIG_AMQP_HOST: 'dbs',
      CONFIG_MEMCACHED_HOST: 'dbs',
      CONFIG_NETWORK_HOSTS: 'net',
      CONFIG_NEUTRON_L2_AGENT: 'linuxbridge',
      CONFIG_STORAGE_HOST: 'sto',
      CONFIG_AMQP_ENABLE_SSL: 'y',
      CONFIG_ENDPOINTS_SSL: 'y',
      CONFIG_HORIZON_SSL: 'y',
      CONFIG_HORIZON_SSL_CERT: join(state, 'dashboard.crt'),
      CONFIG_HORIZON_SSL_KEY: join(state, 'dashboard.key'),
      CONFIG_VNC_SSL_CERT: join(state, 'console.crt'),
      CONFIG_VNC_SSL_KEY: join(state, 'console.key'),
      CONFIG_SSL_CERT_DIR: join(state, 'authority'),
      CONFIG_CINDER_INSTALL: 'y',
      CONFIG_CINDER_BACKEND: 'nfs',
      CONFIG_CINDER_NFS_MOUNTS: EXPORT,
      CONFIG_SWIFT_INSTALL: 'y',
      CONFIG_GLANCE_BACKEND: 'swift',
      CONFIG_SSH_KEY: join(state, 'id.pub'),
    };
    const sets = Object.entries(given).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    deploy = ['deploy', '--answer-file', file, '--ssh-config', controller.sshConfig, ...sets];
    await buildInstance(state);
    await mountExport(storage, EXPORT, '/var/lib/cinder/mnt');
  }, HOUR);

  afterAll(async () => await controller.stop());

  it('is deployed, each part on its host', { timeout: 2 * HOUR }, async () => {
    const outcome = await json<Outcome>(state, ...deploy);

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    const on = (name: string) =>
      appliedManifests({ ...outcome, steps: outcome.steps.filter(({ host }) => host === name) });
    expect(on('dbs').sort()).toEqual(['mariadb', 'memcached', 'rabbitmq']);
    expect(on('net')).toEqual(['neutron-network']);
    expect(on('sto').sort()).toEqual(['cinder-volume', 'swift']);
    expect(on('cmp').sort()).toEqual(['cinder-compute', 'neutron-compute', 'nova-compute']);
    expect(on('ctl')).toEqual(expect.arrayContaining(['keystone', 'swift-endpoint', 'glance', 'neutron-server']));
  });

  it('has the agents of networking on the network host, and none on the controller', async () => {
    await until(async () => (await runningServices(controller)).length === 3);
    await until(async () => (await runningAgents(controller)).length === 5);

    expect(await runningServices(controller)).toEqual(['cmp nova-compute', 'ctl nova-conductor', 'ctl nova-scheduler']);
    expect(await runningAgents(controller)).toEqual([
      'cmp Linux bridge agent',
      ...['DHCP agent', 'L3 agent', 'Linux bridge agent', 'Metadata agent'].map((agent) => `net ${agent}`),
    ]);
  });

  it('has database, broker and cache away from the controller', async () => {
    expect(await listeningPorts(database)).toEqual(expect.arrayContaining([3306, 5671, 11211]));
    const own = await listeningPorts(controller);
    expect(own.filter((port) => [3306, 5671, 5672, 11211].includes(port))).toEqual([]);
  });

  it('shows browsers the certificates that it was given', async () => {
    const ask = 'openssl s_client -connect "$1" < /dev/null 2> /dev/null | openssl x509 -noout -subject';
    const subjectAt = (port: number) => controller.onHost(['sh', '-c', ask, 'sh', `192.0.2.10:${port}`]);

    expect(await Promise.all([443, 6080].map(subjectAt))).toEqual(pages.map((page) => `subject=CN = ${page}\n`));
  });

  it('starts an instance from an image that the storage host keeps', { timeout: HOUR }, async () => {
    await makeInstancePlace(controller, network);

    const server = await startInstance(controller, 'guest-1');

    expect(server).toMatchObject({ status: 'ACTIVE', config_drive: 'True', 'OS-EXT-SRV-ATTR:host': 'cmp' });
    expect(await consoleOf(controller, 'guest-1')).toMatch(/key of root: ssh-ed25519 \S+ of-the-cloud/);
  });

  it('leads to it from the outside through the network host, and gives it metadata from there', {
    timeout: HOUR,
  }, async () => {
    const inGuest = await shellIn(network, await floatingTo(controller, 'guest-1'));

    expect(await inGuest(`bash -c '${askMetadata}'`)).toContain('"name": "guest-1"');
  });

  it('gives it a volume of the storage host', { timeout: HOUR }, async () => {
    await mountExport(compute, EXPORT, '/var/lib/nova/mnt');
    const cloud = (...words: string[]) => openstack<Record<string, string>>(controller, words);
    const hasStatus = async (status: string) => (await cloud('volume', 'show', 'first')).status === status;
    await cloud('volume', 'create', '--size', '1', 'first');
    await until(() => hasStatus('available'));

    await client(controller, ['server', 'add', 'volume', 'guest-1', 'first']);
    await until(() => hasStatus('in-use'));
    await until(async () =>
      / vd[b-z]: |\[vd[b-z]\] 2097152/.test(await client(controller, ['console', 'log', 'show', 'guest-1'])),
    );
    await client(controller, ['server', 'remove', 'volume', 'guest-1', 'first']);
    await until(() => hasStatus('available'));
  });

  it('is removed from all, and nothing listens any more', { timeout: HOUR }, async () => {
    await client(controller, ['server', 'delete', '--wait', 'guest-1']);

    await json(state, 'clean');

    const hosts = [controller, database, network, storage, compute];
    expect(await Promise.all(hosts.map(listeningPorts))).toEqual(hosts.map(() => [22]));
  });

  async function certifyPage(page: string): Promise<void> {
    const files = ['-keyout', join(state, `${page}.key`), '-out', join(state, `${page}.crt`)];
    await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-subj', `/CN=${page}`, ...files]);
  }
});
