// An instance in a deployed cloud: its image, made by our builder, what it needs there, and the ways to it.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run } from '../../src/base/command.js';
import type { NspawnHost } from '../conformance/nspawn-host.js';
import { json, until } from '../e2e/rig.js';
import { client, openstack } from './cloud.js';

const here = new URL('.', import.meta.url).pathname;
/** The network beyond the bridge of the network host. */
const OUTSIDE = '172.24.4';
/** What bash in an instance asks its metadata with. */
export const askMetadata =
  'exec 3<> /dev/tcp/169.254.169.254/80; printf "GET /openstack/latest/meta_data.json HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3';

/** An image that takes name and key from its config drive, and says on its console which. */
export async function buildInstance(state: string, ...more: string[]): Promise<void> {
  const elements = [
    'debian-minimal',
    'vm',
    'enable-serial-console',
    'openssh-server',
    'simple-init',
    'show-keys',
    ...more,
  ];
  const image = ['image', 'build', '-t', 'qcow2', '--elements-path', join(here, 'elements')];
  await json(state, ...image, '-o', join(state, 'instance'), ...elements);
}

/** Uploads the image, and makes a key, a flavour and networks. The key is `user` in the state directory. */
export async function makeInstancePlace(controller: NspawnHost, network = controller): Promise<void> {
  await makeInstanceParts(controller);
  await makeWayOut(controller, network);
}

/** The same without a way out of its network. */
export async function makeInstanceParts(controller: NspawnHost): Promise<void> {
  const { state, tree } = controller;
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'of-the-cloud', '-f', state.path('user')]);
  for (const name of ['instance.qcow2', 'user.pub']) copyFileSync(state.path(name), join(tree, 'root', name));
  const disk = ['--disk-format', 'qcow2', '--container-format', 'bare', '--file', '/root/instance.qcow2'];
  await client(controller, ['image', 'create', ...disk, '--public', 'instance']);
  await client(controller, ['keypair', 'create', '--public-key', '/root/user.pub', 'user']);
  await client(controller, ['flavor', 'create', '--ram', '512', '--disk', '2', '--vcpus', '1', 'small']);
  // A tunnel takes 50 bytes of the 1500 between hosts.
  expect(await openstack(controller, ['network', 'create', 'inside'])).toMatchObject({ mtu: 1450 });
  await client(controller, ['subnet', 'create', '--network', 'inside', '--subnet-range', '10.20.0.0/24', 'inside']);
}

/** A network outside, which is the bridge of the network host, and a router to it; ssh is let in. */
async function makeWayOut(controller: NspawnHost, network: NspawnHost): Promise<void> {
  const cloud = (...words: string[]) => client(controller, words);
  await network.onHost(['ip', 'address', 'add', `${OUTSIDE}.1/24`, 'dev', 'br-ex']);
  const flat = ['--provider-network-type', 'flat', '--provider-physical-network', 'extnet'];
  await cloud('network', 'create', '--external', ...flat, 'outside');
  const pool = ['--allocation-pool', `start=${OUTSIDE}.100,end=${OUTSIDE}.200`, '--gateway', `${OUTSIDE}.1`];
  const range = ['--subnet-range', `${OUTSIDE}.0/24`, '--no-dhcp'];
  await cloud('subnet', 'create', '--network', 'outside', ...range, ...pool, 'outside');
  await cloud('router', 'create', 'router');
  await cloud('router', 'set', '--external-gateway', 'outside', 'router');
  await cloud('router', 'add', 'subnet', 'router', 'inside');
  const groups = await openstack<{ ID: string }[]>(controller, ['security', 'group', 'list', '--project', 'admin']);
  await cloud('security', 'group', 'rule', 'create', '--protocol', 'tcp', '--dst-port', '22', groups[0]?.ID ?? '');
}

/** What the client says of the instance once it is active. */
export async function startInstance(controller: NspawnHost, name: string): Promise<Record<string, unknown>> {
  const what = ['--image', 'instance', '--flavor', 'small', '--key-name', 'user', '--network', 'inside'];
  return await openstack(controller, ['server', 'create', ...what, '--use-config-drive', '--wait', name]);
}

/** Its console, once it has its name and a key. */
export async function consoleOf(controller: NspawnHost, name: string): Promise<string> {
  let console = '';
  await until(async () => {
    console = await client(controller, ['console', 'log', 'show', name]);
    return console.includes(`${name} login:`) && console.includes('key of root: ');
  });
  return console;
}

/** An address of the network outside that leads to the instance. */
export async function floatingTo(controller: NspawnHost, name: string): Promise<string> {
  const words = ['floating', 'ip', 'create', 'outside'];
  const { floating_ip_address: address } = await openstack<Record<string, string>>(controller, words);
  await client(controller, ['server', 'add', 'floating', 'ip', name, address ?? '']);
  return address ?? '';
}

/** Runs commands in the instance at an address of the network outside, from the network host, once it takes connections. */
export async function shellIn(network: NspawnHost, address: string): Promise<(command: string) => Promise<string>> {
  copyFileSync(network.state.path('user'), join(network.tree, 'root/user'));
  await until(async () => (await network.onHost(['ssh-keyscan', '-T', '20', address], [0, 1])) !== '');
  const options = ['-i', '/root/user', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=accept-new'];
  return (command) => network.onHost(['ssh', ...options, `root@${address}`, command]);
}
