import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../base/command.js';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import { isAlive, type ProcessIdentity } from '../base/process.js';
import { prepareTftp, renderDnsmasqConfiguration } from '../netboot/index.js';
import { startInBackground } from './background.js';
import { type Lab, RACK } from './record.js';
import { waitUntil } from './wait.js';

/** Our dnsmasq in the rack: it gives addresses, or is a proxy beside a server that does. */
export async function startDnsmasq(lab: Lab, directory: string): Promise<ProcessIdentity> {
  const tftp = join(directory, 'tftp');
  await prepareTftp(tftp);
  const { address, netmask, range } = RACK;
  const own = lab.dhcp === 'own';
  const configuration = renderDnsmasqConfiguration({
    interfaces: [RACK.bridge],
    address,
    httpPort: RACK.httpPort,
    networks: [{ address, netmask, ...(own ? { range } : {}) }],
    tftpRoot: tftp,
    leaseFile: join(directory, 'dnsmasq.leases'),
    pidFile: join(directory, 'dnsmasq.pid'),
    ipv6Prefix: RACK.ipv6Prefix,
  });
  return await start(lab.namespace, directory, 'dnsmasq', configuration, own ? 'DHCP, IP range' : 'DHCP, proxy');
}

/** The namespace of the DHCP server that was there before us: two servers cannot share one. */
export const foreignNamespace = (lab: Lab) => `${lab.namespace}-dhcp`;

/** A DHCP server as others run it: it gives addresses and knows nothing of network boot. */
export async function startForeignDhcp(lab: Lab, directory: string): Promise<ProcessIdentity> {
  const namespace = foreignNamespace(lab);
  if (!existsSync(`/run/netns/${namespace}`)) {
    await run('ip', ['netns', 'add', namespace]);
    await run('ip', ['-n', lab.namespace, 'link', 'add', 'dhcp', 'type', 'veth', 'peer', 'eth0', 'netns', namespace]);
    await run('ip', ['-n', lab.namespace, 'link', 'set', 'dhcp', 'master', RACK.bridge, 'up']);
    await run('ip', ['-n', namespace, 'address', 'add', `${RACK.foreignAddress}/${RACK.length}`, 'dev', 'eth0']);
    await run('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
  }
  const configuration = [
    'port=0',
    'bind-interfaces',
    'keep-in-foreground',
    'log-facility=-',
    'user=root',
    'interface=eth0',
    'except-interface=lo',
    `pid-file=${join(directory, 'foreign-dhcp.pid')}`,
    `dhcp-leasefile=${join(directory, 'foreign-dhcp.leases')}`,
    'dhcp-authoritative',
    `dhcp-range=${RACK.range.join(',')},${RACK.netmask},1h`,
    '',
  ].join('\n');
  return await start(namespace, directory, 'foreign-dhcp', configuration, 'DHCP, IP range');
}

async function start(
  namespace: string,
  directory: string,
  name: string,
  text: string,
  ready: string,
): Promise<ProcessIdentity> {
  const configuration = join(directory, `${name}.conf`);
  await writeFileAtomic(configuration, text);
  const logFile = join(directory, `${name}.log`);
  const seen = (await readTextIfExists(logFile))?.length ?? 0;
  const args = ['netns', 'exec', namespace, 'dnsmasq', `--conf-file=${configuration}`];
  const process = await startInBackground('ip', args, { cwd: directory, logFile });
  await waitUntil(
    async () => (await readTextIfExists(logFile))?.slice(seen).includes(ready) === true,
    () => isAlive(process),
    name,
    logFile,
  );
  return process;
}
