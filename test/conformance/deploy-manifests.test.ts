// Compiles every manifest of the plugins with puppet as it is, against Debian's modules and the values that a host
// would get. Nothing is applied.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { silentReporter } from '../../src/base/events.js';
import { parseAnswers } from '../../src/base/ini.js';
import { packageRoot } from '../../src/base/package-root.js';
import { stateDirectory } from '../../src/base/state.js';
import { resolveAnswers } from '../../src/deploy/answers.js';
import { hieraConfiguration } from '../../src/deploy/hieradata.js';
import { loadPlugins } from '../../src/deploy/load-plugins.js';
import type { Configuration } from '../../src/deploy/parameter.js';
import type { HostFacts, ManifestOrder } from '../../src/deploy/plugin.js';
import { packagesOf, valuesOf } from '../../src/deploy/puppet.js';
import { planRun } from '../../src/deploy/run.js';

const ADDRESSES = { ctl: '192.0.2.10', net: '2001:db8::11', c1: '192.0.2.12', sto: '192.0.2.13' };
const canRun = existsSync('/usr/bin/puppet') && existsSync('/usr/bin/apt-get');

/** What the modules ask of a host. */
const facts = {
  os: { name: 'Debian', family: 'Debian', release: { full: '12.11', major: '12' }, distro: { codename: 'bookworm' } },
  osfamily: 'Debian',
  operatingsystem: 'Debian',
  operatingsystemrelease: '12.11',
  operatingsystemmajrelease: '12',
  os_service_default: '<SERVICE DEFAULT>',
  os_package_type: 'debian',
  os_workers: 2,
  os_workers_heat_engine: 2,
  networking: {
    ip: '192.0.2.10',
    fqdn: 'ctl',
    hostname: 'ctl',
    mtu: 65_536,
    interfaces: {
      lo: { bindings: [{ address: '127.0.0.1' }], mtu: 65_536 },
      eth0: { bindings: [{ address: '192.0.2.10' }], bindings6: [{ address: '2001:db8::11' }], mtu: 1450 },
    },
  },
  processors: { count: 2 },
  processorcount: 2,
  puppetversion: '7.23.0',
  clientversion: '7.23.0',
  lsbdistcodename: 'bookworm',
  memory: { system: { total_bytes: 4_194_304_000 } },
  virtual: 'systemd_nspawn',
  root_home: '/root',
  // A manifest cannot have a variable of this name.
  identity: { user: 'root', uid: 0, gid: 0, group: 'root', privileged: true },
  service_provider: 'systemd',
  swift_commented_fstab_entries: {},
  swift_device_uuids: {},
};

interface Resource {
  type: string;
  title: string;
  parameters?: Record<string, unknown>;
}

/** A deployment that is planned. */
interface Cloud {
  directory: string;
  orders: ManifestOrder[];
  configuration: Configuration;
}

describe.skipIf(!canRun)('the manifests of the plugins', () => {
  let work: string;
  let cloud: Cloud;
  /** What the manifests compile to, by their files. */
  const catalogs = new Map<string, Resource[]>();
  const resourcesOf = (file: string) => catalogs.get(file) ?? [];

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'sw-manifests-'));
    writeFileSync(join(work, 'key.pub'), 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF test\n');
    cloud = await planCloud('test');
    await fetchModules();
    mkdirSync(join(work, 'var/yaml/facts'), { recursive: true });
    const known = `--- !ruby/object:Puppet::Node::Facts ${JSON.stringify({ name: 'ctl', values: facts })}\n`;
    writeFileSync(join(work, 'var/yaml/facts/ctl.yaml'), known);
  });

  afterAll(() => rmSync(work, { recursive: true }));

  it('compile, each with the values that its host looks up', async () => {
    const failures: string[] = [];
    for (const [host, file] of manifests(cloud)) {
      const compiled = await compile(cloud, host, file);
      if (typeof compiled === 'string') failures.push(`${file}: ${compiled}`);
      else catalogs.set(file, compiled);
    }

    expect(catalogs.size).toBeGreaterThan(18);
    expect(failures).toEqual([]);
  });

  it('look for no certificate where nothing speaks TLS', () => {
    const sources = [...catalogs.values()].flat().map(({ parameters }) => String(parameters?.source ?? ''));

    expect(sources.filter((source) => source.startsWith('/etc/ssl/stackwright/'))).toEqual([]);
  });

  it('have their packages installed before the first of them', () => {
    const hosts = Object.keys(ADDRESSES);
    const services = [...catalogs].filter(([file]) => !file.endsWith('_prescript.pp'));
    const wanted = hosts.map((host) =>
      services.filter(([file]) => file.startsWith(`${host}_`)).flatMap(([, resources]) => installed(resources)),
    );

    const ordersOn = (host: string) => cloud.orders.filter((order) => order.host === host);
    const named = hosts.map((host) => packagesOf(ordersOn(host), { hasKvm: false } as HostFacts));
    expect(named).toEqual(wanted.map((names) => [...new Set(names)].sort()));
  });

  it('set services up by what the answers say', () => {
    const resources = resourcesOf('ctl_nova-controller.pp');

    expect(resources).toContainEqual(
      expect.objectContaining({
        type: 'Nova_config',
        title: 'DEFAULT/transport_url',
        parameters: expect.objectContaining({ value: 'rabbit://openstack:s3cr%40t@192.0.2.10:5672/' }),
      }),
    );
    const compute = resourcesOf('c1_nova-compute.pp');
    expect(settingOf(compute, 'Nova_config', 'libvirt/virt_type')).toBe('qemu');
    expect(compute.map(({ title }) => title)).toContain('no control groups for libvirt');
    const network = resourcesOf('net_neutron-network.pp');
    expect(settingOf(network, 'Neutron_config', 'DEFAULT/global_physnet_mtu')).toBe(1450);
    expect(network.map(({ title }) => title)).toContain('stackwright-br-outside.service');
  });

  it('keep volumes and objects on the storage host, and name it where others look', () => {
    const volume = resourcesOf('sto_cinder-volume.pp');
    expect(settingOf(volume, 'Cinder_config', 'DEFAULT/enabled_backends')).toBe('lvm,nfs');
    expect(settingOf(volume, 'Cinder_config', 'lvm/target_ip_address')).toBe('192.0.2.13');
    expect(volume).toContainEqual(
      expect.objectContaining({
        title: '/etc/cinder/shares.conf',
        parameters: expect.objectContaining({ content: '192.0.2.13:/srv/stackwright-volumes' }),
      }),
    );
    const options = '(rw,sync,no_subtree_check,no_root_squash)';
    expect(volume.find(({ title }) => title === '/etc/exports.d/stackwright.exports')?.parameters?.content).toBe(
      `/srv/stackwright-volumes 192.0.2.13${options} 192.0.2.12${options}\n`,
    );
    const swift = resourcesOf('sto_swift.pp');
    expect(swift.filter(({ type }) => type === 'Ring_object_device').map(({ title }) => title)).toEqual([
      '192.0.2.13:6200/stackwright-device',
    ]);
    const endpoint = resourcesOf('ctl_swift-endpoint.pp').find(({ type }) => type === 'Keystone_endpoint');
    expect(endpoint?.parameters?.public_url).toBe('http://192.0.2.13:8080/v1/AUTH_%(tenant_id)s');
  });

  it('make what there is to try the cloud with', () => {
    const resources = resourcesOf('ctl_provision.pp');
    const parametersOf = (title: string) => resources.find((one) => one.title === title)?.parameters;

    expect(parametersOf('public_subnet')?.allocation_pools).toEqual([
      'start=172.24.4.10,end=172.24.4.20',
      'start=172.24.4.30,end=172.24.4.40',
    ]);
    expect(parametersOf('demo@demo')).toMatchObject({ roles: ['member'] });
    expect(resources.find(({ type }) => type === 'Glance_image')?.parameters).toMatchObject({
      source: '/var/lib/stackwright/images/key.pub',
      properties: { os_distro: 'debian', hw_rng_model: 'virtio' },
    });
    expect(parametersOf('/root/keystonerc_demo')).toMatchObject({ mode: '0600' });
  });

  it('have uwsgi say that it closes each connection, where Debian does not', () => {
    const named: [string, string][] = [
      ['ctl_keystone.pp', 'Keystone_uwsgi_config'],
      ['ctl_nova-controller.pp', 'Nova_api_uwsgi_config'],
      ['ctl_nova-controller.pp', 'Nova_api_metadata_uwsgi_config'],
      ['ctl_heat.pp', 'Heat_api_uwsgi_config'],
    ];

    const said = named.map(([file, type]) => settingOf(resourcesOf(file), type, 'uwsgi/add-header'));

    expect(said).toEqual(named.map(() => 'Connection: close'));
  });

  it('make the schemas of the services that are installed', () => {
    const schemas = resourcesOf('ctl_mariadb.pp').filter(({ type }) => type === 'Mysql_database');

    expect(schemas.map(({ title }) => title).sort()).toEqual([
      'cinder',
      'glance',
      'heat',
      'keystone',
      'neutron',
      'nova',
      'nova_api',
      'nova_cell0',
      'placement',
    ]);
  });

  it('reach the broker by TLS alone where that is wanted', async () => {
    const other = await planCloud('amqp-tls', 'CONFIG_AMQP_ENABLE_SSL=y');
    const broker = await compile(other, 'ctl', 'ctl_rabbitmq.pp');
    const compute = await compile(other, 'c1', 'c1_nova-compute.pp');

    const rabbitmq = Array.isArray(broker) ? broker.find(({ title }) => title === 'Rabbitmq') : broker;
    expect(rabbitmq).toMatchObject({ parameters: { ssl: true, ssl_only: true, ssl_key: '/etc/rabbitmq/host.key' } });
    expect(Array.isArray(compute) ? settingOf(compute, 'Nova_config', 'DEFAULT/transport_url') : compute).toBe(
      'rabbit://openstack:s3cr%40t@192.0.2.10:5671/?ssl=1&ssl_ca_file=/etc/ssl/stackwright/ca.crt',
    );
  });

  it('answer by TLS alone at every interface, the dashboard and the consoles where that is wanted', async () => {
    const certificate = join(work, 'own.crt');
    const key = join(work, 'own.key');
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-noenc',
      '-subj',
      '/CN=c',
      '-keyout',
      key,
      '-out',
      certificate,
    ]);
    const given = [`CONFIG_VNC_SSL_CERT=${certificate}`, `CONFIG_VNC_SSL_KEY=${key}`];
    const other = await planCloud('tls', 'CONFIG_ENDPOINTS_SSL=y', 'CONFIG_HORIZON_SSL=y', ...given);
    const compiled = new Map<string, Resource[]>();
    const failures: string[] = [];
    for (const [host, file] of manifests(other)) {
      const resources = await compile(other, host, file);
      if (typeof resources === 'string') failures.push(`${file}: ${resources}`);
      else compiled.set(file, resources);
    }

    expect(failures).toEqual([]);
    const all = [...compiled.values()].flat();
    const endpoints = all.filter(({ type }) => type === 'Keystone_endpoint');
    const urls = endpoints.flatMap(({ parameters }) => [
      parameters?.public_url,
      parameters?.internal_url,
      parameters?.admin_url,
    ]);
    expect(urls.length).toBeGreaterThan(24);
    // Nothing names an interface without TLS, whatever reads it.
    expect(urls.filter((url) => !String(url).startsWith('https://'))).toEqual([]);
    const plain = all.filter(({ parameters }) => /http:\/\/(192|\[?2001)/.test(JSON.stringify(parameters ?? {})));
    expect(plain.map(({ type, title }) => `${type} ${title}`)).toEqual([]);
    // What speaks TLS by itself has its certificate, and haproxy is in front of what does not.
    const projects = all.filter(({ type }) => type === 'Stackwright::Uwsgi_tls').map(({ title }) => title);
    expect(projects.sort()).toEqual(['cinder', 'heat', 'keystone', 'neutron', 'nova', 'placement']);
    const proxies = all.filter(({ type }) => type === 'Stackwright::Tls_proxy').map(({ title }) => title);
    expect(proxies.sort()).toEqual(['glance', 'swift']);
    const glance = compiled.get('ctl_glance.pp') ?? [];
    expect(settingOf(glance, 'Glance_api_config', 'DEFAULT/bind_host')).toBe('127.0.0.1');
    expect(installed(glance)).toContain('haproxy');
    const packages = (file: string) => {
      const order = other.orders.find((one) => file === `${one.host}_${one.name}.pp`);
      return order ? packagesOf([order], { hasKvm: false } as HostFacts) : [];
    };
    expect(packages('ctl_glance.pp')).toContain('haproxy');
    expect(packages('sto_swift.pp')).toContain('haproxy');
    const nova = compiled.get('ctl_nova-controller.pp') ?? [];
    const parametersOf = (resources: Resource[], title: string) =>
      resources.find((one) => one.title === title)?.parameters;
    expect(parametersOf(nova, '/etc/nova/stackwright-console.key')).toMatchObject({
      source: '/etc/ssl/stackwright/console.key',
      mode: '0640',
      group: 'nova',
      show_diff: false,
    });
    expect(settingOf(nova, 'Nova_config', 'DEFAULT/ssl_only')).toBe(true);
    const compute = compiled.get('c1_nova-compute.pp') ?? [];
    expect(settingOf(compute, 'Nova_config', 'vnc/novncproxy_base_url')).toBe('https://192.0.2.10:6080/vnc_auto.html');
    const network = compiled.get('net_neutron-network.pp') ?? [];
    expect(settingOf(network, 'Neutron_metadata_agent_config', 'DEFAULT/nova_metadata_protocol')).toBe('https');
    const horizon = compiled.get('ctl_horizon.pp') ?? [];
    expect(parametersOf(horizon, '/etc/apache2/stackwright.key')?.source).toBe('/etc/ssl/stackwright/host.key');
  });

  it('compile with Open vSwitch for networks, and name its packages', async () => {
    const other = await planCloud(
      'openvswitch',
      'CONFIG_NEUTRON_L2_AGENT=openvswitch',
      'CONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-outside:eth1',
      'CONFIG_NEUTRON_OVS_DATAPATH_TYPE=netdev',
    );
    const compiled: [string, string, Resource[] | string][] = [];
    for (const [host, file] of manifests(other).filter(([, name]) => name.includes('neutron'))) {
      compiled.push([host, file, await compile(other, host, file)]);
    }

    expect(compiled.filter(([, , resources]) => typeof resources === 'string')).toEqual([]);
    for (const [host, file, resources] of compiled as [string, string, Resource[]][]) {
      const order = other.orders.find((one) => one.host === host && file === `${host}_${one.name}.pp`);
      expect([file, order && packagesOf([order], {} as HostFacts)]).toEqual([
        file,
        [...new Set(installed(resources))].sort(),
      ]);
    }
    const resources = (file: string) => compiled.find(([, name]) => name === file)?.[2] as Resource[];
    const network = resources('net_neutron-ovs.pp');
    expect(settingOf(network, 'Neutron_agent_ovs', 'ovs/bridge_mappings')).toBe('extnet:br-outside');
    expect(network.map(({ type, title }) => `${type} ${title}`)).toContain('Vs_port eth1');
    expect(network.map(({ type, title }) => `${type} ${title}`)).toContain('Exec bridge br-outside without the kernel');
    expect(settingOf(resources('c1_neutron-ovs.pp'), 'Neutron_agent_ovs', 'agent/tunnel_types')).toBe('vxlan');
  });

  async function planCloud(runId: string, ...more: string[]): Promise<Cloud> {
    const answerFile = join(work, 'answers.txt');
    const lines = [
      `CONFIG_SSH_KEY=${work}/key.pub`,
      'CONFIG_CONTROLLER_HOST=ctl',
      'CONFIG_NETWORK_HOSTS=net',
      'CONFIG_COMPUTE_HOSTS=c1',
      'CONFIG_STORAGE_HOST=sto',
      'CONFIG_CINDER_INSTALL=y',
      'CONFIG_CINDER_BACKEND=lvm,nfs',
      'CONFIG_SWIFT_INSTALL=y',
      'CONFIG_HEAT_INSTALL=y',
      'CONFIG_PROVISION_DEMO=y',
      'CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=["start=172.24.4.10,end=172.24.4.20", "start=172.24.4.30,end=172.24.4.40"]',
      `CONFIG_PROVISION_IMAGE_URL=${work}/key.pub`,
      'CONFIG_PROVISION_IMAGE_PROPERTIES=os_distro=debian;hw_rng_model=virtio',
      'CONFIG_AMQP_AUTH_PASSWORD=s3cr@t',
      'CONFIG_NTP_SERVERS=ntp.example.org',
      'CONFIG_NOVA_LIBVIRT_VIRT_TYPE=qemu',
      'CONFIG_SERVICE_WORKERS=%{::processorcount}',
      'CONFIG_NEUTRON_L3_EXT_BRIDGE=br-outside',
    ];
    writeFileSync(answerFile, ['[general]', ...lines, ...more, ''].join('\n'));
    const state = stateDirectory(join(work, 'state'));
    const planned = await planRun({ state, answerFile, reporter: silentReporter, runId });
    const path = join(planned.directory, 'answers.txt');
    const answers = parseAnswers(readFileSync(path, 'utf8'), path);
    const plugins = await loadPlugins();
    const { configuration } = await resolveAnswers(answers, plugins, { mayCreate: false });
    const orders = plugins.flatMap((plugin) => plugin.sequences(configuration, Object.keys(ADDRESSES)).manifests ?? []);
    writeFileSync(join(work, 'hiera.yaml'), hieraConfiguration(work));
    return { directory: planned.directory, orders, configuration };
  }

  /** The packages that the plugins name, with what they depend on, unpacked and not installed. */
  async function fetchModules(): Promise<void> {
    const wanted = wantedModules();
    const depends = ['depends', '--recurse', '--no-recommends', '--no-suggests', '--no-conflicts', '--no-breaks'];
    const { stdout } = await run('apt-cache', [...depends, '--no-replaces', '--no-enhances', ...wanted]);
    const names = [...new Set(stdout.match(/puppet-module-[a-z0-9-]+/g))];
    const packages = join(work, 'packages');
    mkdirSync(packages);
    await run('apt-get', ['download', ...names], { cwd: packages, timeout: 300 });
    mkdirSync(join(work, 'modules'));
    for (const name of readdirSync(packages)) await run('dpkg-deb', ['-x', join(packages, name), join(work, 'tree')]);
    const available = join(work, 'tree/usr/share/puppet/modules.available');
    // As Debian's maintainer scripts link them: without the name of who made them.
    for (const name of readdirSync(available)) {
      symlinkSync(join(available, name), join(work, 'modules', name.replace(/^[^-]*-/, '').replaceAll('-', '_')));
    }
    symlinkSync(join(packageRoot(), 'puppet'), join(work, 'modules/stackwright'));
  }

  function manifests({ directory }: Cloud): [string, string][] {
    return Object.keys(ADDRESSES).flatMap((host) =>
      readdirSync(join(directory, 'hosts', host, 'manifests')).map((file): [string, string] => [host, file]),
    );
  }

  /** What a manifest compiles to, or why it does not. */
  async function compile(
    { directory, configuration }: Cloud,
    host: string,
    file: string,
  ): Promise<Resource[] | string> {
    const manifest = join(directory, 'hosts', host, 'manifests', file);
    const factsOf = (name: string) => ({ address: ADDRESSES[name as keyof typeof ADDRESSES] }) as HostFacts;
    const known = { configuration, facts: factsOf, addresses: () => ADDRESSES, execTimeout: 300 };
    const order = { host, name: file.slice(host.length + 1, -'.pp'.length) };
    writeFileSync(join(work, 'deployment.yaml'), await valuesOf(known, order, directory));
    const places = ['confdir', 'codedir', 'vardir'].flatMap((name) => [`--${name}`, join(work, name.slice(0, -3))]);
    const words = ['catalog', 'compile', 'ctl', '--manifest', manifest, '--color=false'];
    const more = ['--modulepath', join(work, 'modules'), '--hiera_config', join(work, 'hiera.yaml')];
    const options = { timeout: 200, okStatuses: [0, 1, 30] };
    const all = [...words, ...more, '--facts_terminus', 'yaml', ...places];
    const { status, stdout, output } = await run('puppet', all, options);
    if (status !== 0) return /Error: .*/.exec(output)?.[0] ?? output;
    return JSON.parse(stdout.slice(stdout.indexOf('{'))).resources;
  }
});

function wantedModules(): string[] {
  const files = readdirSync(join(packageRoot(), 'plugins'), { recursive: true, encoding: 'utf8' });
  const sources = files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(packageRoot(), 'plugins', file), 'utf8'));
  return [...new Set(sources.join('\n').match(/puppet-module-[a-z0-9-]+/g))];
}

/** Debian packages that are to be there. */
function installed(resources: Resource[]): string[] {
  const packages = resources.filter(({ type, parameters }) => type === 'Package' && parameters?.ensure !== 'absent');
  return packages.map(({ title, parameters }) => String(parameters?.name ?? title));
}

function settingOf(resources: Resource[], type: string, title: string): unknown {
  return resources.find((one) => one.type === type && one.title === title)?.parameters?.value;
}
