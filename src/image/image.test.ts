import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StackwrightEvent } from '../base/events.js';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { type ElementWriter, elementsIn } from './elements.fixture.js';
import { buildImage, explainBuild, type ImageOptions } from './image.js';
import type { OutputFormat } from './output.js';

let work: string;
let state: StateDirectory;
let events: StackwrightEvent[];
let elements: ElementWriter;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-image-'));
  state = stateDirectory(join(work, 'state'));
  events = [];
  elements = elementsIn(join(work, 'elements'));
  elements.system('tiny', { programs: ['/bin/cat', '/bin/sleep'] });
  elements.script('probe/finalise.d/10-probe', ['cat /etc/fstab > /seen']);
});

afterEach(() => rmSync(work, { recursive: true }));

function options(formats: OutputFormat[], write: ImageOptions['write'] = {}): ImageOptions {
  return {
    elements: ['tiny', 'probe'],
    elementsPath: [join(work, 'elements')],
    environment: {},
    state,
    reporter: { report: (event) => events.push(event) },
    withoutBase: true,
    output: join(work, 'image'),
    size: { extraMebibytes: 40, journalMebibytes: 4 },
    formats,
    write: { overwrite: true, ...write },
  };
}

function compare(...names: string[]): void {
  execFileSync('qemu-img', ['compare', ...names.map((name) => join(work, name))]);
}

describe.skipIf(process.getuid?.() !== 0)('as root', () => {
  it.each([
    { made: ['qcow2'], wanted: ['raw', 'qcow2', 'vhd'] },
    { made: ['raw'], wanted: ['qcow2', 'raw'] },
  ] as const)('makes $wanted of the disk that was kept of $made, without a build', async ({ made, wanted }) => {
    await buildImage(options([...made]));
    execFileSync('cp', [join(work, `image.${made[0]}`), join(work, `first.${made[0]}`)]);
    expect(await explainBuild(options([...wanted]))).toMatchObject({ disk: true });
    events = [];

    await buildImage(options([...wanted]));

    expect(events.filter(({ code }) => code === 'image.script.started')).toEqual([]);
    for (const format of wanted) compare(`first.${made[0]}`, `image.${format}`);
  });

  it('keeps the image that it has given, not a second one, and builds again where that was written to', async () => {
    const scripts = () => events.filter(({ code }) => code === 'image.script.started').length;
    await buildImage(options(['qcow2']));
    const image = join(work, 'image.qcow2');
    expect(statSync(image).nlink).toBe(2);
    execFileSync('qemu-img', ['resize', '-q', image, '+1M']);
    expect(await explainBuild(options(['raw']))).toMatchObject({ disk: false });
    events = [];

    await buildImage(options(['raw']));

    expect(scripts()).toBeGreaterThan(0);
    events = [];
    // What was kept of it took the place of the other.
    await buildImage(options(['qcow2']));
    expect(scripts()).toBe(0);
    compare('image.raw', 'image.qcow2');
  });

  it.each([
    { made: 'qcow2', wanted: 'raw' },
    { made: 'raw', wanted: 'qcow2' },
    { made: 'raw', wanted: 'vhd' },
  ] as const)('makes $wanted of a $made that a machine has open', async ({ made, wanted }) => {
    await buildImage(options([made]));
    const image = join(work, `image.${made}`);
    const drive = `file=${image},format=${made},if=virtio`;
    const machine = spawn('qemu-system-x86_64', ['-S', '-nodefaults', '-display', 'none', '-drive', drive]);
    const ended = once(machine, 'exit');
    try {
      const lock = `:${statSync(image).ino} `;
      await vi.waitUntil(() => readFileSync('/proc/locks', 'utf8').includes(lock), { timeout: 20_000 });
      events = [];
      await buildImage(options([wanted]));
    } finally {
      machine.kill('SIGKILL');
      await ended;
    }
    expect(events.filter(({ code }) => code === 'image.script.started')).toEqual([]);
    compare(`image.${made}`, `image.${wanted}`);
  });

  it('writes the disk also where states cannot be kept, as a script has left a process behind', async () => {
    elements.script('probe/install.d/10-daemon', [
      '(cd /var && exec sleep 300) < /dev/null > /dev/null 2>&1 &',
      'echo x > /x',
    ]);

    const { outputs } = await buildImage(options(['raw']));

    expect(events.map(({ code }) => code)).toContain('image.layers.ended');
    expect(outputs.map(({ format }) => format)).toEqual(['raw']);
  });

  it('keeps a disk whose qcow2 is a special one as raw', async () => {
    await buildImage(options(['qcow2'], { qemuOptions: 'compat=0.10' }));

    await buildImage(options(['raw', 'qcow2']));

    compare('image.raw', 'image.qcow2');
    const info = execFileSync('qemu-img', ['info', '--output=json', join(work, 'image.qcow2')], { encoding: 'utf8' });
    expect(JSON.parse(info)['format-specific'].data).toMatchObject({ compat: '1.1', 'compression-type': 'zstd' });
  });

  it('writes each disk of several, and makes them anew with another format', async () => {
    const plan = [
      '- local_loop: {name: image0}',
      '- local_loop: {name: data, size: 16MiB}',
      '- mkfs: {name: root, base: image0, type: ext4, mount: {mount_point: /, fstab: {}}}',
      '- mkfs: {name: srv, base: data, type: ext4, mount: {mount_point: /srv, fstab: {}}}',
    ].join('\n');
    elements.file('probe/block-device-default.yaml', plan);
    elements.system('tiny', { programs: ['/bin/cat'], lines: ['mkdir srv', 'echo kept > srv/kept'] });

    for (const format of ['qcow2', 'raw'] as const) {
      const { outputs } = await buildImage(options([format]));

      const names = [`image.${format}`, `image-data.${format}`].map((name) => join(work, name));
      expect(outputs.map(({ path }) => path)).toEqual(names);
    }
    const srv = execFileSync('debugfs', ['-R', 'cat /kept', join(work, 'image-data.raw')], { encoding: 'utf8' });
    expect(srv).toBe('kept\n');
  });
});
