// Hooks in a deployment of OpenStack on one host: which services run at which phase, a setting that is there when its
// service starts, and what the helpers of DevStack make in keystone.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootHost, canBootHost, type NspawnHost } from '../conformance/nspawn-host.js';
import { json } from '../e2e/rig.js';

const HOUR = 3_600_000;
const early = ['mariadb', 'rabbitmq-server', 'memcached', 'keystone'];
const late = ['glance-api', 'placement-api', 'nova-api', 'nova-compute', 'neutron-api', 'neutron-l3-agent', 'apache2'];

const hook = `echo "$1 $2:$(for unit in ${[...early, ...late].join(' ')}; do systemctl --quiet is-active $unit && echo " $unit"; done)" | tr -d '\\n' >> /root/calls
echo >> /root/calls
if [[ "$1 $2" == "stack install" ]]; then
    iniset /etc/glance/glance-api.conf DEFAULT image_size_cap 123456789
elif [[ "$1 $2" == "stack post-config" ]]; then
    get_or_create_project clocks default
    get_or_create_user clock s3cr3t-of-clock default
    get_or_add_user_project_role member clock clocks
    get_or_create_service clock time "A clock"
    get_or_create_endpoint clock RegionOne "http://$SERVICE_HOST:4444"
fi
`;

describe.skipIf(!canBootHost)('hooks in a deployment of OpenStack', () => {
  let host: NspawnHost;
  let state: string;

  beforeAll(async () => {
    host = await bootHost('archive');
    state = host.state.root;
  }, HOUR);

  afterAll(async () => await host.stop());

  it('find the services at rest that nobody needs before, and start them with what hooks have set', {
    timeout: 2 * HOUR,
  }, async () => {
    const site = join(state, 'site');
    const answers = join(site, 'cloud.txt');
    await host.outputOf(['answers', 'generate', '--install-hosts', 'ctl', answers]);
    mkdirSync(join(site, 'extras.d'));
    writeFileSync(join(site, 'extras.d/70-clock.sh'), hook);
    const key = `CONFIG_SSH_KEY=${join(state, 'id.pub')}`;

    const outcome = await json(
      state,
      ...['deploy', '--answer-file', answers, '--ssh-config', host.sshConfig, '--set', key],
    );

    expect(outcome).toMatchObject({ state: 'done', failures: [] });
    const calls = (await host.onHost(['cat', '/root/calls'])).trim().split('\n');
    const running = new Map(calls.map((line) => line.split(':') as [string, string]));
    expect(running.get('stack pre-install')).toBe('');
    for (const phase of ['stack install', 'stack post-config']) {
      expect(running.get(phase)?.trim().split(' '), phase).toEqual(early);
    }
    expect(running.get('stack extra')?.trim().split(' ')).toEqual([...early, ...late]);
    expect(await host.onHost(['cat', '/etc/glance/glance-api.conf'])).toMatch(/^image_size_cap *= *123456789$/m);
  });

  it('have made a user of a project, and a service with its endpoint', async () => {
    const asClock = 'OS_USERNAME=clock OS_PASSWORD=s3cr3t-of-clock OS_PROJECT_NAME=clocks';
    const token = await client(`${asClock} openstack token issue -f value -c project_id`);
    const project = await client('openstack project show clocks -f value -c id');
    const endpoint = await client('openstack endpoint list --service time -f value -c URL -c Interface');

    expect(token).toBe(project);
    expect(endpoint.trim()).toMatch(/^public http:\/\/\S+:4444$/);
  });

  /** What a command prints on the host that has the administrator's variables. */
  async function client(command: string): Promise<string> {
    return await host.onHost(['sh', '-c', `. /root/keystonerc_admin && ${command}`]);
  }
});
