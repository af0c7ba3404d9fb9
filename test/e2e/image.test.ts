// Disk images from elements, booted.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { json, leftovers, makeState, removeState, until } from './rig.js';

const OVMF = '/usr/share/OVMF/OVMF_CODE_4M.fd';
const elements = ['debian-minimal', 'vm', 'enable-serial-console'];

interface Built {
  outputs: { format: string; path: string }[];
}

describe.skipIf(process.getuid?.() !== 0)('a disk image', () => {
  let state: string;

  beforeAll(() => {
    state = makeState();
  });

  afterAll(() => removeState(state));

  it('starts to a login prompt from a BIOS, in every format of a disk', async () => {
    const { outputs } = await build('bios', 'qcow2,raw', elements);

    expect(outputs.map(({ format }) => format).sort()).toEqual(['qcow2', 'raw']);
    for (const { format, path } of outputs)
      await run('qemu-img', ['check', '-f', format, path], { okStatuses: [0, 63] });
    expect(await bootedConsole('bios', [])).toContain('login:');
  });

  it('starts to a login prompt from UEFI', async () => {
    await build('efi', 'qcow2', [...elements, 'block-device-efi']);

    const firmware = ['-drive', `if=pflash,format=raw,readonly=on,file=${OVMF}`];
    expect(await bootedConsole('efi', firmware)).toContain('login:');
  });

  it('leaves nothing behind', () => {
    expect(leftovers(state, 'none').filter((line) => !line.includes('postgres'))).toEqual([]);
  });

  function build(name: string, formats: string, names: string[]): Promise<Built> {
    return json<Built>(state, 'image', 'build', ...names, '-t', formats, '-o', join(state, name));
  }

  async function bootedConsole(name: string, firmware: string[]): Promise<string> {
    const log = join(state, `${name}.console`);
    const disk = `if=virtio,file=${join(state, name)}.qcow2,format=qcow2,snapshot=on`;
    const machine = ['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024'];
    const quiet = ['-display', 'none', '-nodefaults', '-no-reboot', '-serial', `file:${log}`];
    const qemu = spawn('qemu-system-x86_64', [...machine, ...quiet, ...firmware, '-drive', disk], { stdio: 'inherit' });
    const ended = new Promise((resolve) => qemu.once('exit', resolve));
    const console = () => (existsSync(log) ? readFileSync(log, 'latin1') : '');
    try {
      await until(() => console().includes('login:') || qemu.exitCode !== null, 5);
    } finally {
      qemu.kill();
      await ended;
    }
    return console();
  }
});
