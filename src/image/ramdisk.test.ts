import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentReporter } from '../base/events.js';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { buildFromBundle, bundleImage } from './bundle/index.js';
import { type ElementWriter, elementsIn } from './elements.fixture.js';
import { buildRamdisk, type RamdiskOptions } from './ramdisk.js';

describe.skipIf(process.getuid?.() !== 0)('buildRamdisk', () => {
  let work: string;
  let state: StateDirectory;
  let elements: ElementWriter;

  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'stackwright-ramdisk-'));
    state = stateDirectory(join(work, 'state'));
    elements = elementsIn(join(work, 'elements'));
    elements.system('system');
    elements.script('own/cleanup.d/10-files', [
      'echo "$IMAGE_TYPE" > "$IMAGE_NAME.kernel"',
      'echo "compress: $COMPRESS_IMAGE" > "$IMAGE_NAME.initramfs"',
    ]);
  });

  afterEach(() => rmSync(work, { recursive: true }));

  it('publishes what the element for ramdisks leaves beside its name', async () => {
    elements.script('more/cleanup.d/20-more', ['echo more > "$IMAGE_NAME.cmdline"', 'ls "$_LIB" > "$IMAGE_NAME.lib"']);

    const { outputs, elements: built } = await buildRamdisk(
      options(['system', 'more'], { compress: false, checksum: true }),
    );

    expect(outputs.map(({ format }) => format).sort()).toEqual(['cmdline', 'initramfs', 'kernel', 'lib']);
    expect(built).toEqual(['more', 'own', 'system']);
    expect(readFileSync(join(work, 'out/probe.kernel'), 'utf8')).toBe('ramdisk\n');
    expect(readFileSync(join(work, 'out/probe.initramfs'), 'utf8')).toBe('compress: \n');
    expect(readFileSync(join(work, 'out/probe.lib'), 'utf8')).toContain('ramdisk-functions\n');
    expect(readdirSync(join(work, 'out'))).toContain('probe.kernel.sha256');
    expect(readdirSync(state.path('tmp'))).toEqual([]);
  });

  it('puts it together again when a fragment has changed, and not when nothing has', async () => {
    elements.script('own/cleanup.d/10-files', [
      'cat "$TMP_HOOKS_PATH"/init.d/* > "$IMAGE_NAME.initramfs"',
      'date +%N > "$IMAGE_NAME.kernel"',
      'cp "$TARGET_ROOT/early" "$IMAGE_NAME.early"',
    ]);
    elements.script('own/extra-data.d/10-early', [
      '[ ! -d "$TMP_HOOKS_PATH/install.d" ]',
      'date +%N > "$TARGET_ROOT/early"',
    ]);
    const built = async (fragment: string) => {
      elements.file('own/init.d/50-own', `${fragment}\n`);
      await buildRamdisk(options(['system'], { overwrite: true }));
      return ['initramfs', 'kernel', 'early'].map((ending) =>
        readFileSync(join(work, 'out', `probe.${ending}`), 'utf8'),
      );
    };

    const first = await built('echo first');
    const again = await built('echo first');
    const changed = await built('echo second');

    expect(again).toEqual(first);
    expect(changed[0]).toBe('echo second\n');
    expect(changed[1]).not.toBe(first[1]);
    expect(changed[2]).toBe(first[2]);
  });

  it('fails where no element leaves a ramdisk, and publishes nothing', async () => {
    elements.script('own/cleanup.d/10-files', ['echo kernel > "$IMAGE_NAME.kernel"']);

    await expect(buildRamdisk(options(['system']))).rejects.toMatchObject({
      code: 'RamdiskMissing',
      message: 'no element has left the file $IMAGE_NAME.initramfs',
    });

    expect(readdirSync(work)).not.toContain('out');
    expect(readdirSync(state.path('tmp'))).toEqual([]);
  });

  it('is built from a bundle where what its scripts fetched is gone', async () => {
    const server = createServer((_request, response) => response.end('fetched'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const fetches = `curl --silent --fail http://127.0.0.1:${port}/kernel > "$IMAGE_NAME.kernel"`;
    elements.script('own/cleanup.d/10-files', [fetches, 'echo > "$IMAGE_NAME.initramfs"']);
    const bundle = join(work, 'bundle');

    const { responses } = await bundleImage({ ...options(['system']), output: bundle, ramdisk: {} });
    await new Promise((resolve) => server.close(resolve));
    await buildFromBundle(bundle, options([]), (network) => buildRamdisk({ ...options(['system']), network }));

    expect(responses).toBe(1);
    expect(readFileSync(join(work, 'out/probe.kernel'), 'utf8')).toBe('fetched');
    expect(readdirSync(state.path('tmp'))).toEqual([]);
  });

  function options(names: string[], write?: RamdiskOptions['write']): RamdiskOptions {
    return {
      elements: names,
      elementsPath: [join(work, 'elements')],
      environment: { RAMDISK_ELEMENT: 'own', DIB_NO_TMPFS: '1' },
      withoutBase: true,
      state,
      reporter: silentReporter,
      output: join(work, 'out/probe'),
      write,
    };
  }
});
