// What an answer file can switch on besides: volumes, objects, stacks, something to try the cloud with, and TLS for the
// broker, every interface, the dashboard and the consoles. Deployed on one host that boots in systemd-nspawn, looked at
// with Debian's client, removed.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootHost, canBootHost, HOST_ADDRESS, type NspawnHost, SHARED } from '../conformance/nspawn-host.js';
import { json, until } from '../e2e/rig.js';
import {
  appliedManifests,
  changesOf,
  client,
  listeningPorts,
  logIn,
  mountExport,
  type Outcome,
  openstack,
} from './cloud.js';
import { buildInstance, consoleOf, makeInstanceParts, startInstance } from './instance.js';

const HOUR = 3_600_000;
const EXPORT = `${HOST_ADDRESS}:/srv/exported`;
const answers = {
  CONFIG_AMQP_ENABLE_SSL: 'y',
  CONFIG_ENDPOINTS_SSL: 'y',
  CONFIG_HORIZON_SSL: 'y',
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
    await buildInstance(state);
    const given = {
      ...answers,
      CONFIG_SSH_KEY: join(state, 'id.pub'),
      CONFIG_SSL_CERT_DIR: join(state, 'authority'),
      CONFIG_PROVISION_IMAGE_URL: join(state, 'demo.raw'),
      CONFIG_PROVISION_IMAGE_FORMAT: 'raw',
    };
    const sets = Object.entries(given).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    deploy = ['deploy', '--answer-file', file, '--ssh-config', host.sshConfig, ...sets];
    await mountExport(host, EXPORT, '/var/lib/cinder/mnt');
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

    expect(ports).toContain(5671);
    expect(ports).not.toContain(5672);
    expect(await certified([5671])).toEqual([5671]);
  });

  it('has https alone in its catalog, and behind it services that speak nothing else', async () => {
    const endpoints = await openstack<Record<string, string>[]>(host, ['endpoint', 'list']);
    const ports = [...new Set(endpoints.map(({ URL: url = '' }) => Number(new URL(url).port)))].sort();
    // Metadata, the console proxy and the dashboard are in no catalog.
    const all = [...ports, 8775, 6080, 443];

    expect(endpoints.filter(({ URL: url }) => !url?.startsWith(`https://${HOST_ADDRESS}:`))).toEqual([]);
    expect(ports).toEqual([5000, 8000, 8004, 8080, 8774, 8776, 8778, 9292, 9696]);
    expect(await certified(all)).toEqual(all);
    expect(await answering(all)).toEqual([]);
    const listening = await host.onHost(['ss', '--listening', '--tcp', '--no-header', '--numeric']);
    expect(listening).toContain('127.0.0.1:9292 ');
    expect(listening).toContain('127.0.0.1:8080 ');
  });

  it('keeps keys for root and the service that has them', async () => {
    const list = `find /etc -type f '(' -path '*stackwright*.key' -o -name 'stackwright*.pem' -o -name host.key ')' |
      sort | xargs stat --format='%a %U:%G %n'`;
    const keys = (await host.onHost(['sh', '-c', list])).trim().split('\n');

    expect(keys).toEqual([
      '640 root:root /etc/apache2/stackwright.key',
      '640 root:cinder /etc/cinder/ssl/private/stackwright.pem',
      '640 root:heat /etc/heat/ssl/private/stackwright.pem',
      '640 root:keystone /etc/keystone/ssl/private/stackwright.pem',
      '640 root:neutron /etc/neutron/ssl/private/stackwright.pem',
      '640 root:nova /etc/nova/ssl/private/stackwright.pem',
      '640 root:nova /etc/nova/stackwright-console.key',
      '640 root:placement /etc/placement/ssl/private/stackwright.pem',
      '400 rabbitmq:rabbitmq /etc/rabbitmq/host.key',
      '640 root:root /etc/ssl/stackwright/glance/tls.key',
      '600 root:root /etc/ssl/stackwright/host.key',
      '640 root:root /etc/ssl/stackwright/swift/tls.key',
    ]);
  });

  it('leads from http to its dashboard by https, to which its administrator can log in', async () => {
    const [place, page] = await logIn(host);

    expect(place).toMatch(new RegExp(`^https://${HOST_ADDRESS}/horizon/(?!auth/login)`));
    expect(page).toContain('Overview');
  });

  it('makes volumes, as files of an export', async () => {
    await until(async () => (await volumeServices()).length === 2);
    const { id } = await cloud('volume', 'create', '--size', '1', 'first');

    await until(async () => (await cloud('volume', 'show', 'first')).status === 'available');
    expect(await volumeServices()).toEqual(['cinder-scheduler', 'cinder-volume']);
    expect(await exported()).toEqual([`volume-${id}`]);
  });

  it('keeps objects, for its client and for everybody where they are to read them', async () => {
    await client(host, ['container', 'create', '--public', 'box']);
    await client(host, ['object', 'create', '--name', 'release', 'box', '/etc/os-release']);
    const account = await cloud('object', 'store', 'account', 'show');

    const kept = await client(host, ['object', 'save', '--file', '-', 'box', 'release']);
    const url = `https://${HOST_ADDRESS}:8080/v1/${account.Account}/box/release`;
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

  it('starts an instance, with TLS between all that takes part in it', { timeout: HOUR }, async () => {
    await makeInstanceParts(host);

    const server = await startInstance(host, 'guest-1');

    expect(server).toMatchObject({ status: 'ACTIVE', config_drive: 'True' });
    expect(await consoleOf(host, 'guest-1')).toMatch(/key of root: ssh-ed25519 \S+ of-the-cloud/);
  });

  it('gives the instance a volume, and takes it away', { timeout: HOUR }, async () => {
    await mountExport(host, EXPORT, '/var/lib/nova/mnt');
    const isVolume = async (status: string) => (await cloud('volume', 'show', 'first')).status === status;

    await client(host, ['server', 'add', 'volume', 'guest-1', 'first']);
    await until(() => isVolume('in-use'));
    await until(async () =>
      / vd[b-z]: |\[vd[b-z]\] 2097152/.test(await client(host, ['console', 'log', 'show', 'guest-1'])),
    );
    await client(host, ['server', 'remove', 'volume', 'guest-1', 'first']);
    await until(() => isVolume('available'));
    await client(host, ['server', 'delete', '--wait', 'guest-1']);
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
    expect(await exported()).toHaveLength(1);
  });

  async function exported(): Promise<string[]> {
    return (await host.onHost(['ls', SHARED])).split('\n').filter(Boolean);
  }

  /** Those of the ports that show a certificate of the authority for the host's address. */
  async function certified(ports: number[]): Promise<number[]> {
    const check = `-verify_return_error -CAfile /etc/ssl/stackwright/ca.crt -verify_ip ${HOST_ADDRESS}`;
    const ask = `for port; do
      openssl s_client -connect ${HOST_ADDRESS}:$port ${check} < /dev/null | grep -q 'Verify return code: 0 (ok)' && echo $port
    done 2> /dev/null; true`;
    return numbersIn(await host.onHost(['sh', '-c', ask, 'sh', ...ports.map(String)]));
  }

  /** Those of the ports that answer HTTP without TLS, otherwise than by refusing it. */
  async function answering(ports: number[]): Promise<number[]> {
    const ask = `for port; do
      exec 3<> /dev/tcp/${HOST_ADDRESS}/$port || exit 1
      printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3
      case $(timeout 20 head -n 1 <&3) in 'HTTP/1.1 400'*) ;; HTTP/*) echo $port ;; esac
    done`;
    return numbersIn(await host.onHost(['bash', '-c', ask, 'bash', ...ports.map(String)]));
  }

  async function volumeServices(): Promise<string[]> {
    const services = await cloud<Record<string, string>[]>('volume', 'service', 'list');
    return services.flatMap(({ Binary, State }) => (Binary && State === 'up' ? [Binary] : [])).sort();
  }
});

function numbersIn(text: string): number[] {
  return text.split('\n').filter(Boolean).map(Number);
}
