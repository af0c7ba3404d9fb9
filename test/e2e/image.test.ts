// Disk images and ramdisks from elements, booted.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { json, leftovers, makeState, removeState, until } from './rig.js';

const OVMF = '/usr/share/OVMF/OVMF_CODE_4M.fd';
const elements = ['debian-minimal', 'vm', 'enable-serial-console'];

interface Built {
  outputs: { format: string; path: string }[];
}

describe.skipIf(process.getuid?.() !== 0)('an image', () => {
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

  it('is a ramdisk that runs the fragments of elements in their order, and has a shell where one fails', async () => {
    element('probe', 'init.d/50-probe', 'GREETING="hello from $(uname -s)"\n');
    element('probe', 'init.d/60-say', 'echo "$GREETING on $(ip -4 -o address show dev "$BOOT_INTERFACE")"\n');
    element('probe', 'init.d/70-fail', 'exit 3\n');
    const output = join(state, 'probe');

    await run(join(packageRoot(), 'bin/ramdisk-image-create'), ['-o', output, 'debian-minimal', 'probe'], {
      env: { ELEMENTS_PATH: join(state, 'elements'), STACKWRIGHT_STATE: state },
      timeout: 900,
    });

    const boot = ['-kernel', `${output}.kernel`, '-initrd', `${output}.initramfs`];
    const words = ['-append', 'console=ttyS0 BOOTIF=01-52-54-00-aa-00-01'];
    const network = ['-nic', 'user,model=virtio,mac=52:54:00:aa:00:01'];
    const console = await consoleUntil('probe', [...boot, ...words, ...network], 'a shell; the ramdisk goes on');
    expect(console).toMatch(/^hello from Linux on .*inet 10\.0\.2\.15\/24/m);
    expect(console).toContain('init has ended with status 3');
  });

  it('leaves nothing behind', () => {
    expect(leftovers(state, 'none').filter((line) => !line.includes('postgres'))).toEqual([]);
  });

  function build(name: string, formats: string, names: string[]): Promise<Built> {
    return json<Built>(state, 'image', 'build', ...names, '-t', formats, '-o', join(state, name));
  }

  function element(name: string, file: string, text: string): void {
    const path = join(state, 'elements', name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  function bootedConsole(name: string, firmware: string[]): Promise<string> {
    const disk = `if=virtio,file=${join(state, name)}.qcow2,format=qcow2,snapshot=on`;
    return consoleUntil(name, [...firmware, '-drive', disk], 'login:');
  }

  /** What a machine writes on its console until a text appears there. */
  async function consoleUntil(name: string, devices: string[], text: string): Promise<string> {
    const log = join(state, `${name}.console`);
    const machine = ['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024'];
    const quiet = ['-display', 'none', '-nodefaults', '-no-reboot', '-serial', `file:${log}`];
    const qemu = spawn('qemu-system-x86_64', [...machine, ...quiet, ...devices], { stdio: 'inherit' });
    const ended = new Promise((resolve) => qemu.once('exit', resolve));
    const console = () => (existsSync(log) ? readFileSync(log, 'latin1') : '');
    try {
      await until(() => console().includes(text) || qemu.exitCode !== null, 5);
    } finally {
      qemu.kill();
      await ended;
    }
    return console();
  }
});
