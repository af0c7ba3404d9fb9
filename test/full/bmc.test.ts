// What a machine tells of its own BMC. Asked by the ramdisk with the kernel of real machines, at the KCS port of a QEMU
// machine whose BMC is ipmi_sim.
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFacts } from '../../src/inventory/index.js';
import { freePort, withMachine } from '../e2e/machine.js';
import { json, makeState, removeState, until } from '../e2e/rig.js';

describe.skipIf(process.getuid?.() !== 0)('a machine with a BMC', () => {
  let state: string;
  let port: number;
  let bmc: ChildProcess;
  let server: Server;
  let posted = '';

  beforeAll(async () => {
    state = makeState();
    await json(state, 'netboot', 'build', '--kernel-package', 'linux-image-amd64');
    port = await freePort();
    writeFileSync(join(state, 'lan-program'), lanProgram, { mode: 0o755 });
    writeFileSync(join(state, 'lan.conf'), lanOf(port, join(state, 'lan-program')));
    writeFileSync(
      join(state, 'emulator'),
      'mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 1 1\nmc_enable 0x20\n',
    );
    const files = ['-c', 'lan.conf', '-f', 'emulator', '-s', '.'];
    bmc = spawn('ipmi_sim', ['-n', ...files], { cwd: state, stdio: 'ignore' });
    server = createServer(async (request, answer) => {
      if (request.url === '/upload.py') posted += await text(request);
      answer.end('#!/bin/sh\nexit 1\n');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });

  afterAll(async () => {
    bmc.kill();
    server.close();
    await removeState(state);
  });

  it('tells its address', async () => {
    const ramdisk = (name: string) => join(state, 'netboot/ramdisk', name);
    const boot = ['-kernel', ramdisk('vmlinuz'), '-initrd', ramdisk('initrd')];
    const line = `console=ttyS0 SERV=10.0.2.2 HTTP_PORT=${(server.address() as AddressInfo).port} TOKEN=t ONFAILURE=halt`;
    const wire = ['-chardev', `socket,id=wire,host=127.0.0.1,port=${port},reconnect=1`];
    const kcs = [...wire, '-device', 'ipmi-bmc-extern,id=bmc,chardev=wire', '-device', 'isa-ipmi-kcs,bmc=bmc'];
    const devices = [...boot, '-append', line, '-nic', 'user,model=e1000e', ...kcs];

    await withMachine(join(state, 'console'), devices, async (machine) => {
      await until(() => posted.includes('\n@end') || machine.ended(), 5);
    });

    const bundle = posted.slice(posted.indexOf('stackwright-hardware'), posted.indexOf('\n@end'));
    expect(parseFacts(bundle, 'posted')).toEqual(
      expect.arrayContaining([
        ['system', 'ipmi', 'interface', 'KCS (Keyboard Control Style)'],
        ['system', 'ipmi', 'channel', '1'],
        ['ipmi', 'lan', 'ip-address', '192.0.2.9'],
        ['ipmi', 'lan', 'mac-address', '02:00:00:00:00:bc'],
      ]),
    );
    expect(bundle).not.toContain('SNMP');
  });
});

/** ipmi_lan(5): a LAN, and the wire on which QEMU speaks to the BMC. */
function lanOf(port: number, program: string): string {
  const lan = `  startlan 1\n    addr 127.0.0.1 ${port}\n    lan_config_program "${program}"\n  endlan\n`;
  return `name "bmc"\nset_working_mc 0x20\n${lan}  serial 15 127.0.0.1 ${port} codec VM\n`;
}

/** Answers ipmi_sim: get NAME… */
const lanProgram = `#!/bin/sh
for name; do
  case $name in
    get | set) ;;
    ip_addr_src) echo ip_addr_src:static ;;
    ip_addr) echo ip_addr:192.0.2.9 ;;
    mac_addr) echo mac_addr:02:00:00:00:00:bc ;;
    *mac_addr) echo "$name:00:00:00:00:00:00" ;;
    *) echo "$name:0.0.0.0" ;;
  esac
done
`;
