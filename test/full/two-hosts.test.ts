// OpenStack on two hosts, a controller and a compute host, from a file that names both: what runs where, and an instance on
// the one that reaches what the other does for it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootHosts, canBootHost, type NspawnHost } from '../conformance/nspawn-host.js';
import { json, start, until } from '../e2e/rig.js';
import {
  appliedManifests,
  client,
  listeningPorts,
  type Outcome,
  openstack,
  runningAgents,
  runningServices,
  settledManifests,
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

describe.skipIf(!canBootHost)('OpenStack on two hosts', () => {
  let controller: NspawnHost;
  let compute: NspawnHost;
  let state: string;
  let answers: string;
  let deploy: string[];

  beforeAll(async () => {
    [controller, compute] = (await bootHosts('archive', ['ctl', 'cmp'])) as [NspawnHost, NspawnHost];
    state = controller.state.root;
    answers = join(state, 'site', 'cloud.txt');
    await controller.outputOf(['answers', 'generate', '--install-hosts', 'ctl,cmp', answers]);
    const key = `CONFIG_SSH_KEY=${join(state, 'id.pub')}`;
    deploy = ['deploy', '--answer-file', answers, '--ssh-config', controller.sshConfig, '--set', key];
    await buildInstance(state);
  }, HOUR);

  afterAll(async () => await controller.stop());

  it('is deployed, on both at the same time where nothing is to be waited for', { timeout: 2 * HOUR }, async () => {
    const deployment = start(state, [...deploy, '--json']);
    const { stdout } = await deployment.ended;

    const outcome: Outcome = JSON.parse(stdout);
    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    const onCompute = outcome.steps.filter(({ host }) => host === 'cmp');
    expect(appliedManifests({ ...outcome, steps: onCompute })).toEqual(['nova-compute', 'neutron-compute']);
    const onController = outcome.steps.filter(({ host }) => host === 'ctl');
    expect(appliedManifests({ ...outcome, steps: onController })).not.toContain('nova-compute');
    const agents = deployment.events.filter(({ message }) =>
      /apply the manifest neutron-(network|compute)/.test(message),
    );
    // Both have begun before one of them has ended.
    expect(agents.map(({ code }) => code).slice(0, 2)).toEqual(['run.step.started', 'run.step.started']);
    // What makes its networks follows from the kernels, once.
    const why = 'the kernel of ctl lacks openvswitch, the kernel of cmp lacks openvswitch';
    expect(deployment.events.map(({ message }) => message)).toContainEqual(
      expect.stringContaining(`auto is linuxbridge: ${why}`),
    );
    expect(readFileSync(answers, 'utf8')).toMatch(/^CONFIG_NEUTRON_L2_AGENT=linuxbridge$/m);
  });

  it('runs nova-compute on the second host alone, and agents of networking on both', async () => {
    await until(async () => (await runningServices(controller)).length === 3);
    await until(async () => (await runningAgents(controller)).length === 5);

    expect(await runningServices(controller)).toEqual(['cmp nova-compute', 'ctl nova-conductor', 'ctl nova-scheduler']);
    expect(await runningAgents(controller)).toEqual([
      'cmp Linux bridge agent',
      ...['DHCP agent', 'L3 agent', 'Linux bridge agent', 'Metadata agent'].map((agent) => `ctl ${agent}`),
    ]);
    const [hypervisor, ...others] = await openstack<unknown[]>(controller, ['hypervisor', 'list']);
    expect(hypervisor).toMatchObject({ 'Hypervisor Hostname': 'cmp', 'Hypervisor Type': 'QEMU', State: 'up' });
    expect(others).toEqual([]);
  });

  it('starts an instance on the compute host, named and with a key by its config drive', {
    timeout: HOUR,
  }, async () => {
    await makeInstancePlace(controller);

    const server = await startInstance(controller, 'guest-1');

    expect(server).toMatchObject({
      status: 'ACTIVE',
      config_drive: 'True',
      'OS-EXT-SRV-ATTR:host': 'cmp',
    });
    expect(await compute.onHost(['virsh', 'list', '--name'])).toContain(server['OS-EXT-SRV-ATTR:instance_name']);
    expect(await consoleOf(controller, 'guest-1')).toMatch(/key of root: ssh-ed25519 \S+ of-the-cloud/);
  });

  it('gives it by the tunnel between the hosts an address, metadata and a way from the outside', {
    timeout: HOUR,
  }, async () => {
    const address = await floatingTo(controller, 'guest-1');
    const inGuest = await shellIn(controller, address);

    const lease = await inGuest('cat /run/systemd/netif/leases/*');
    const metadata = await inGuest(`bash -c '${askMetadata}'`);
    const bytes = await inGuest('head --bytes 3000000 /dev/zero');

    expect(lease).toMatch(/^ADDRESS=10\.20\.0\.\d+$/m);
    expect(lease).toMatch(/^MTU=1450$/m);
    expect(metadata).toContain('"name": "guest-1"');
    expect(bytes).toHaveLength(3_000_000);
  });

  it('shows its screen through the controller', async () => {
    const { url } = await openstack<{ url: string }>(controller, ['console', 'url', 'show', 'guest-1']);

    const screen = await controller.onHost(['python3', '-c', askScreen, url]);

    expect(screen).toContain('HTTP/1.1 101 ');
    expect(screen).toContain('RFB 003.008');
  });

  it.each([
    ['without the compute host', ['--exclude-servers', 'cmp']],
    ['without the controller', ['--exclude-servers', 'ctl']],
    // The last one's hosts are those that `clean` is for.
    ['again', []],
  ])('needs no puppet when it is deployed %s', async (_how, words) => {
    const outcome = await json<Outcome>(state, ...deploy, ...words);

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    expect(appliedManifests(outcome)).not.toEqual([]);
    expect(settledManifests(state, outcome.run)).toBe(appliedManifests(outcome).length);
  });

  it('is removed from both, and nothing listens any more', { timeout: HOUR }, async () => {
    await client(controller, ['server', 'delete', '--wait', 'guest-1']);

    await json(state, 'clean');

    expect([await listeningPorts(controller), await listeningPorts(compute)]).toEqual([[22], [22]]);
  });
});

/** Opens the web socket of a console, whose first words are those of VNC. */
const askScreen = `
import socket, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
(path,) = urllib.parse.parse_qs(url.query)["path"]
headers = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: binary"]
headers += [f"Host: {url.netloc}", f"Origin: http://{url.netloc}", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
with socket.create_connection((url.hostname, url.port), 60) as console:
    console.sendall("\\r\\n".join([f"GET /{path} HTTP/1.1", *headers, "", ""]).encode())
    answer = b""
    while b"RFB" not in answer and (part := console.recv(4096)):
        answer += part
    print(answer.decode(errors="replace"))
`;
