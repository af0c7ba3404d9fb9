// What an answer file can switch on besides: volumes, objects, stacks, something to try the cloud with, a broker by TLS
// alone. Deployed on one host that boots in systemd-nspawn, looked at with Debian's client, removed.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootHost, canBootHost, HOST_ADDRESS, type NspawnHost } from '../conformance/nspawn-host.js';
import { json, until } from '../e2e/rig.js';
import { appliedManifests, changesOf, client, listeningPorts, type Outcome, openstack } from './cloud.js';

const HOUR = 3_600_000;
const EXPORT = `${HOST_ADDRESS}:/srv/exported`;
const answers = {
  CONFIG_HORIZON_INSTALL: 'n',
  CONFIG_AMQP_ENABLE_SSL: 'y',
  CONFIG_GLANCE_BACKEND: 'swift',
  CONFIG_CINDER_INSTALL: 'y',
  CONFIG_CINDER_BACKEND: 'nfs',
  CONFIG_CINDER_NFS_MOUNTS: EXPORT,
  CONFIG_SWIFT_INSTALL: 'y',
  CONFIG_HEAT_INSTALL: 'y',
  CONFIG_PROVISION_DEMO: 'y',
};
const template = `heat_template_version: 2018-08-31
resources:
  word: { type: OS::Heat::RandomString, properties: { length: 12 } }
  box: { type: OS::Swift::Container, properties: { name: { get_attr: [word, value] } } }
outputs:
  word: { value: { get_attr: [word, value] } }
`;

describe.skipIf(!canBootHost)('what of OpenStack is deployed where it is asked for', () => {
  let host: NspawnHost;
  let state: string;
  let deploy: string[];
  const cloud = <T = Record<string, string>>(...words: string[]) => openstack<T>(host, words);

  beforeAll(async () => {
    host = await bootHost('archive');
    state = host.state.root;
    const file = join(state, 'site', 'cloud.txt');
    await host.outputOf(['answers', 'generate', '--install-hosts', 'ctl', file]);
    writeFileSync(join(state, 'demo.raw'), randomBytes(5_000_000));
    const given = {
      ...answers,
      CONFIG_SSH_KEY: join(state, 'id.pub'),
      CONFIG_SSL_CERT_DIR: join(state, 'authority'),
      CONFIG_PROVISION_IMAGE_URL: join(state, 'demo.raw'),
      CONFIG_PROVISION_IMAGE_FORMAT: 'raw',
    };
    const sets = Object.entries(given).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    deploy = ['deploy', '--answer-file', file, '--ssh-config', host.sshConfig, ...sets];
    await mountInstead();
  }, HOUR);

  afterAll(async () => await host.stop());

  it('is deployed', { timeout: 2 * HOUR }, async () => {
    const outcome = await json<Outcome>(state, ...deploy);

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    const wanted = ['cinder-controller', 'cinder-volume', 'swift-endpoint', 'swift', 'heat', 'provision'];
    expect(appliedManifests(outcome)).toEqual(expect.arrayContaining(wanted));
  });

  it('has a broker that speaks TLS alone, with a certificate of the authority', async () => {
    const ports = await listeningPorts(host);
    const ask = `openssl s_client -connect ${HOST_ADDRESS}:5671 -CAfile /etc/ssl/stackwright/ca.crt -verify_ip ${HOST_ADDRESS} </dev/null`;
    const answer = await host.onHost(['sh', '-c', ask]);

    expect(ports).toContain(5671);
    expect(ports).not.toContain(5672);
    expect(answer).toContain('Verify return code: 0 (ok)');
  });

  it('makes volumes, as files of an export', async () => {
    await until(async () => (await volumeServices()).length === 2);
    const { id } = await cloud('volume', 'create', '--size', '1', 'first');

    await until(async () => (await cloud('volume', 'show', 'first')).status === 'available');
    expect(await volumeServices()).toEqual(['cinder-scheduler', 'cinder-volume']);
    expect(readdirSync(join(host.tree, 'srv/exported'))).toEqual([`volume-${id}`]);
  });

  it('keeps objects, for its client and for everybody where they are to read them', async () => {
    await client(host, ['container', 'create', '--public', 'box']);
    await client(host, ['object', 'create', '--name', 'release', 'box', '/etc/os-release']);
    const account = await cloud('object', 'store', 'account', 'show');

    const kept = await client(host, ['object', 'save', '--file', '-', 'box', 'release']);
    const url = `http://${HOST_ADDRESS}:8080/v1/${account.Account}/box/release`;
    const read = `import urllib.request; print(urllib.request.urlopen('${url}').read().decode(), end='')`;
    const anybody = await host.onHost(['python3', '-c', read]);
    const release = readFileSync(join(host.tree, 'etc/os-release'), 'utf8');
    expect([kept, anybody]).toEqual([release, release]);
  });

  it('makes the resources of a stack', async () => {
    writeFileSync(join(host.tree, 'root/stack.yaml'), template);
    await client(host, ['stack', 'create', '--template', '/root/stack.yaml', '--wait', 'try']);

    const stack = await cloud('stack', 'show', 'try');
    const word = await cloud('stack', 'output', 'show', 'try', 'word');
    expect(stack.stack_status).toBe('CREATE_COMPLETE');
    expect(word.output_value).toMatch(/^\w{12}$/);
    expect(await client(host, ['container', 'list', '-f', 'value'])).toContain(word.output_value);
  });

  it('has a project to try it with: a user, networks, a router, a flavour, an image that is kept as objects', async () => {
    const networks = await openstack<Record<string, string>[]>(host, ['network', 'list'], 'demo');
    const router = await cloud<{ external_gateway_info: unknown }>('router', 'show', 'router1');
    const flavors = await client(host, ['flavor', 'list', '-f', 'value', '-c', 'Name'], 'demo');
    const image = await openstack<Record<string, string>>(host, ['image', 'show', 'demo'], 'demo');

    expect(networks.map(({ Name }) => Name).sort()).toEqual(['private', 'public']);
    expect(router.external_gateway_info).toBeTruthy();
    expect(flavors.trim()).toBe('m1.demo');
    const sum = createHash('md5')
      .update(readFileSync(join(state, 'demo.raw')))
      .digest('hex');
    expect(image).toMatchObject({
      status: 'active',
      visibility: 'public',
      checksum: sum,
      properties: { stores: 'swift' },
    });
  });

  it('changes nothing when puppet looks at everything again', { timeout: HOUR }, async () => {
    const outcome = await json<Outcome>(state, ...deploy, '--reapply');

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    // Debian's module does not read the gateway of a router back, and so sets it again.
    const gateway = 'Neutron_router[router1]/gateway_network_name';
    expect(changesOf(state, outcome.run).filter((line) => !line.includes(gateway))).toEqual([]);
  });

  it('is removed, and nothing listens any more', { timeout: HOUR }, async () => {
    await json(state, 'clean');

    expect(await listeningPorts(host)).toEqual([22]);
    for (const program of ['cinder-volume', 'swift-object-server', 'heat-engine', 'nova-conductor']) {
      expect(existsSync(join(host.tree, 'usr/bin', program)), program).toBe(false);
    }
    expect(await host.onHost(['ip', 'netns', 'list'])).toBe('');
    expect(await host.onHost(['cat', '/proc/mounts'])).not.toMatch(/\/srv\/node\/|\/var\/lib\/cinder\//);
    // The server of the export is somebody else's.
    expect(readdirSync(join(host.tree, 'srv/exported'))).toHaveLength(1);
  });

  /**
   * The kernels at hand have no NFS. Cinder mounts no export that it finds mounted, at a path that it makes of its name:
   * all but that mount is as it is.
   */
  async function mountInstead(): Promise<void> {
    const place = `/var/lib/cinder/mnt/${createHash('md5').update(EXPORT).digest('hex')}`;
    await host.onHost(['mkdir', '-p', '-m', '1777', '/srv/exported', place]);
    await host.onHost(['mount', '--bind', '/srv/exported', place]);
  }

  async function volumeServices(): Promise<string[]> {
    const services = await cloud<Record<string, string>[]>('volume', 'service', 'list');
    return services.flatMap(({ Binary, State }) => (Binary && State === 'up' ? [Binary] : [])).sort();
  }
});
