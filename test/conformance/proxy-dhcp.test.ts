// What dnsmasq, with our configuration for a network that has a DHCP server, answers to firmware: asked as firmware asks
// (RFC 2131, and the PXE specification 2.1 for port 4011).
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { stateDirectory } from '../../src/base/state.js';
import { openTemporary, type TemporaryState } from '../../src/base/temporary.js';
import { renderDnsmasqConfiguration } from '../../src/netboot/index.js';
import { makeState, until } from '../e2e/rig.js';

const server = `stackwright-dhcp-${process.pid}`;
const client = `stackwright-pxe-${process.pid}`;
const canRun = process.getuid?.() === 0;

describe.skipIf(!canRun)('a proxy for DHCP', () => {
  let state: string;
  let temporary: TemporaryState;

  beforeAll(async () => {
    state = makeState();
    temporary = openTemporary(stateDirectory(state), 'proxy DHCP');
    for (const name of [client, server]) {
      temporary.add({ kind: 'namespace', name });
      await run('ip', ['netns', 'add', name]);
    }
    await run('ip', ['-n', server, 'link', 'add', 'rack', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client]);
    for (const [name, link, address] of [
      [server, 'rack', '10.77.0.1/24'],
      [client, 'eth0', '10.77.0.250/24'],
    ] as const) {
      await run('ip', ['-n', name, 'address', 'add', address, 'dev', link]);
      await run('ip', ['-n', name, 'link', 'set', link, 'up']);
    }
    await run('ip', ['-n', client, 'route', 'add', '255.255.255.255', 'dev', 'eth0']);
    const configuration = join(state, 'dnsmasq.conf');
    const files = { leaseFile: join(state, 'leases'), pidFile: join(state, 'pid'), tftpRoot: state };
    const networks = [{ address: '10.77.0.1', netmask: '255.255.255.0' }];
    const network = { interfaces: ['rack'], address: '10.77.0.1', httpPort: 8080, networks, ...files };
    writeFileSync(configuration, renderDnsmasqConfiguration(network));
    let said = '';
    const dnsmasq = spawn('ip', ['netns', 'exec', server, 'dnsmasq', `--conf-file=${configuration}`]);
    dnsmasq.stderr.on('data', (text) => {
      said += text;
    });
    await until(() => said.includes('DHCP, proxy'), 1);
  });

  afterAll(async () => {
    // Also what runs in the namespaces.
    await temporary.undo();
    rmSync(state, { recursive: true });
  });

  async function ask(port: 67 | 4011, architecture: number, isIpxe: boolean): Promise<string> {
    const args = ['--input-type=module', '--eval', CLIENT, String(port), String(architecture), String(isIpxe)];
    const { stdout } = await run('ip', ['netns', 'exec', client, process.execPath, ...args], { timeout: 60 });
    return stdout;
  }

  it('gives no address, and tells a BIOS where iPXE is, and iPXE where its script is', async () => {
    expect(await ask(67, 0, false)).toBe('address 0.0.0.0 file undionly.kpxe');
    expect(await ask(67, 0, true)).toBe('address 0.0.0.0 file http://10.77.0.1:8080/boot.ipxe');
  });

  it.each([7, 9])('tells UEFI the same on the port of proxies (architecture %i)', async (architecture) => {
    expect(await ask(67, architecture, false)).toBe('address 0.0.0.0 file ');
    expect(await ask(4011, architecture, false)).toBe('address 0.0.0.0 file snponly.efi');
    expect(await ask(4011, architecture, true)).toBe('address 0.0.0.0 file http://10.77.0.1:8080/boot.ipxe');
  });
});

/** Asks once and prints the address and the file of the answer; asks again each second until there is one. */
const CLIENT = `
import dgram from 'node:dgram';
const [port, architecture, isIpxe] = process.argv.slice(1).map((word) => JSON.parse(word));
const option = (code, ...bytes) => Buffer.from([code, bytes.length, ...bytes]);
const text = (code, value) => option(code, ...Buffer.from(value));
const head = Buffer.alloc(240);
head.set([1, 1, 6, 0, 1, 2, 3, 4]);
head.writeUInt16BE(port === 67 ? 0x8000 : 0, 10);
// On the port of proxies a machine asks with the address that the other server gave it.
if (port === 4011) head.set([10, 77, 0, 250], 12);
head.set([0x52, 0x54, 0, 0xaa, 0xbb, 0xcc], 28);
head.writeUInt32BE(0x63825363, 236);
const message = Buffer.concat([
  head,
  option(53, port === 67 ? 1 : 3),
  text(60, 'PXEClient:Arch:' + String(architecture).padStart(5, '0') + ':UNDI:002001'),
  option(93, 0, architecture),
  option(94, 1, 2, 1),
  option(97, 0, ...Array(16).fill(1)),
  option(55, 1, 3, 6, 43, 60, 66, 67),
  ...(isIpxe ? [text(77, 'iPXE'), option(175, 0x15, 1, 1)] : []),
  Buffer.from([255]),
]);
const socket = dgram.createSocket('udp4');
socket.on('message', (answer) => {
  const file = answer.subarray(108, 236).toString('latin1').replace(/\\0.*$/s, '');
  process.stdout.write('address ' + [...answer.subarray(16, 20)].join('.') + ' file ' + file, () => process.exit());
});
const send = () => socket.send(message, port, port === 67 ? '255.255.255.255' : '10.77.0.1');
socket.bind(68, port === 67 ? '0.0.0.0' : '10.77.0.250', () => {
  socket.setBroadcast(true);
  send();
  setInterval(send, 1000);
});
`;
