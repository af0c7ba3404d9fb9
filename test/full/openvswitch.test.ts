// OpenStack on one host with Open vSwitch. The kernels at hand lack its module: it moves the packets itself, and all else is
// as it is with the kernel.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootHost, canBootHost, type NspawnHost } from '../conformance/nspawn-host.js';
import { json, until } from '../e2e/rig.js';
import { appliedManifests, changesOf, type Outcome, openstack, runningAgents } from './cloud.js';
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

describe.skipIf(!canBootHost)('OpenStack with Open vSwitch', () => {
  let host: NspawnHost;
  let state: string;
  let deploy: string[];

  beforeAll(async () => {
    host = await bootHost('archive');
    state = host.state.root;
    const answers = join(state, 'site', 'cloud.txt');
    const settings = [
      `CONFIG_SSH_KEY=${join(state, 'id.pub')}`,
      'CONFIG_NEUTRON_L2_AGENT=openvswitch',
      'CONFIG_NEUTRON_OVS_DATAPATH_TYPE=netdev',
      'CONFIG_HORIZON_INSTALL=n',
    ];
    const set = settings.flatMap((setting) => ['--set', setting]);
    await host.outputOf(['answers', 'generate', '--install-hosts', 'ctl', ...set, answers]);
    deploy = ['deploy', '--answer-file', answers, '--ssh-config', host.sshConfig];
    await buildInstance(state, 'own-checksums');
  }, HOUR);

  afterAll(async () => await host.stop());

  it('is deployed, and all its agents are alive', { timeout: 2 * HOUR }, async () => {
    const outcome = await json<Outcome>(state, ...deploy);

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    expect(appliedManifests(outcome).filter((name) => name.startsWith('neutron-'))).toEqual([
      'neutron-server',
      'neutron-ovs',
    ]);
    const agents = ['DHCP agent', 'L3 agent', 'Metadata agent', 'Open vSwitch agent'].map((name) => `ctl ${name}`);
    await until(async () => (await runningAgents(host)).length === agents.length);
    expect(await runningAgents(host)).toEqual(agents);
    expect(await host.onHost(['ovs-vsctl', 'list-br'])).toBe('br-ex\nbr-int\nbr-tun\n');
  });

  it('starts an instance at a port of the bridge', { timeout: HOUR }, async () => {
    await makeInstancePlace(host);

    expect(await startInstance(host, 'guest-1')).toMatchObject({ status: 'ACTIVE' });

    expect(await consoleOf(host, 'guest-1')).toMatch(/key of root: ssh-ed25519 \S+ of-the-cloud/);
    const [port] = await openstack<{ ID: string }[]>(host, ['port', 'list', '--server', 'guest-1']);
    const ports = await host.onHost(['ovs-vsctl', 'list-ports', 'br-int']);
    expect(ports).toContain(`tap${port?.ID.slice(0, 11)}\n`);
  });

  it('gives it an address, metadata and a way from the outside, and lets in what is allowed alone', {
    timeout: HOUR,
  }, async () => {
    const address = await floatingTo(host, 'guest-1');
    const inGuest = await shellIn(host, address);

    expect(await inGuest('cat /run/systemd/netif/leases/*')).toMatch(/^ADDRESS=10\.20\.0\.\d+$/m);
    expect(await inGuest(`bash -c '${askMetadata}'`)).toContain('"name": "guest-1"');
    expect(await inGuest('head --bytes 3000000 /dev/zero')).toHaveLength(3_000_000);
    // What no rule lets through is dropped; the instance itself would refuse.
    const connect = `exec 3<> /dev/tcp/${address}/23`;
    expect(await host.onHost(['timeout', '5', 'bash', '-c', connect], [124])).toBe('');
    await expect(inGuest(`bash -c 'exec 3<> /dev/tcp/127.0.0.1/23'`)).rejects.toThrow(/status 1$/);
  });

  it('changes nothing when puppet looks at everything again', { timeout: HOUR }, async () => {
    const outcome = await json<Outcome>(state, ...deploy, '--reapply');

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    expect(changesOf(state, outcome.run)).toEqual([]);
  });
});
