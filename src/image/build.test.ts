import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StackwrightEvent } from '../base/events.js';
import { listenInNamespace } from '../base/listen.js';
import { packageRoot } from '../base/package-root.js';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { mountsBelow } from '../base/temporary.js';
import { type BuildOptions, buildTree } from './build.js';
import { type ElementWriter, elementsIn } from './elements.fixture.js';
import type { BuildNetwork } from './network.js';
import { ensureTree } from './tree.js';

let work: string;
let state: StateDirectory;
let events: StackwrightEvent[];
let elements: ElementWriter;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stackwright-build-'));
  state = stateDirectory(join(work, 'state'));
  events = [];
  elements = elementsIn(join(work, 'elements'));
  elements.system('tiny', {
    programs: ['/bin/cat'],
    lines: [
      'mkdir -p root/.cache var/log/apt',
      'echo noise | tee root/.cache/tool.log > var/log/apt/history.log',
      'echo "nameserver 192.0.2.1" > etc/resolv.conf',
    ],
  });
});

afterEach(() => rmSync(work, { recursive: true }));

function script(element: string, name: string, lines: string[]): void {
  elements.script(`${element}/${name}`, lines);
}

function options(names: string[], more: Partial<BuildOptions> = {}): BuildOptions {
  return {
    elements: names,
    elementsPath: [join(work, 'elements')],
    environment: {},
    state,
    reporter: { report: (event) => events.push(event) },
    withoutBase: true,
    ...more,
  };
}

function expectNothingLeft(): void {
  expect(readdirSync(state.path('tmp'))).toEqual([]);
  expect(mountsBelow(state.root)).toEqual([]);
}

describe.skipIf(process.getuid?.() !== 0)('as root', () => {
  it('runs the phases in their order, out of the image and in it', async () => {
    for (const phase of ['extra-data.d', 'post-root.d', 'pre-finalise.d', 'cleanup.d']) {
      script('probe', `${phase}/10-probe`, [`echo ${phase} out $PWD >> "$TARGET_ROOT/order"`]);
    }
    for (const phase of ['pre-install.d', 'install.d', 'post-install.d', 'finalise.d']) {
      script('probe', `${phase}/10-probe`, [`echo ${phase} in $PWD $0 >> /order`]);
    }

    await using tree = await buildTree(options(['tiny', 'probe']));

    expect(readFileSync(join(tree.path, 'order'), 'utf8').split('\n')).toEqual([
      `extra-data.d out ${process.cwd()}`,
      'pre-install.d in / /tmp/in_target.d/pre-install.d/10-probe',
      'install.d in / /tmp/in_target.d/install.d/10-probe',
      'post-install.d in / /tmp/in_target.d/post-install.d/10-probe',
      `post-root.d out ${process.cwd()}`,
      `pre-finalise.d out ${process.cwd()}`,
      'finalise.d in / /tmp/in_target.d/finalise.d/10-probe',
      `cleanup.d out ${process.cwd()}`,
      '',
    ]);
  });

  it('gives scripts in the image the environment that elements rely on', async () => {
    script('probe', 'install.d/10-probe', [
      'env > /environment',
      'echo "$IMAGE_ELEMENT $HOME $PATH ${TMPDIR-unset} $LC_ALL $CALLERS" > /seen',
      'cat /proc/self/mounts > /mounts',
    ]);
    const environment = { CALLERS: "it's $here", TMPDIR: '/tmp/x', HOME: '/home/me' };

    await using tree = await buildTree(options(['tiny', 'probe'], { environment }));

    expect(readFileSync(join(tree.path, 'seen'), 'utf8')).toBe(
      "probe tiny /root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin unset C it's $here\n",
    );
    const mounts = readFileSync(join(tree.path, 'mounts'), 'utf8');
    expect(mounts).toMatch(/ \/sys sysfs ro,/);
    expect(mounts).toMatch(/ \/tmp\/in_target\.d \S+ ro,/);
  });

  it('leaves the scripts of an unplugged build no interface but lo, and answers there', async () => {
    for (const phase of ['extra-data.d', 'install.d']) {
      script('probe', `${phase}/10-probe`, [
        'cat /proc/net/dev > "${TARGET_ROOT:-}/interfaces-${TARGET_ROOT:+out}"',
        'echo "$http_proxy $DIB_IMAGE_CACHE" > "${TARGET_ROOT:-}/seen"',
        'exec 3<> /dev/tcp/127.0.0.1/3128',
        'cat <&3 > "${TARGET_ROOT:-}/heard-${TARGET_ROOT:+out}"',
      ]);
    }
    const listeners: Server[] = [];
    const network: BuildNetwork = {
      cache: join(work, 'cache'),
      unplugged: true,
      async connect({ networkNamespace }) {
        const listener = await listenInNamespace(networkNamespace, '127.0.0.1', 3128);
        listeners.push(listener.on('connection', (socket) => socket.end('hello')));
        return { http_proxy: 'http://127.0.0.1:3128' };
      },
    };

    await using tree = await buildTree(
      options(['tiny', 'probe'], { network, environment: { http_proxy: 'http://x' } }),
    );
    for (const listener of listeners) listener.close();

    const read = (name: string) => readFileSync(join(tree.path, name), 'utf8');
    for (const where of ['', 'out']) {
      expect(read(`interfaces-${where}`).match(/^ *[^ ]+:/gm)).toEqual(['    lo:']);
      expect(read(`heard-${where}`)).toBe('hello');
    }
    expect(read('seen')).toBe(`http://127.0.0.1:3128 ${join(work, 'cache')}\n`);
  });

  it('sources environment.d before every phase anew, in order', async () => {
    const directory = join(work, 'elements', 'probe', 'environment.d');
    mkdirSync(directory, { recursive: true });
    writeFileSync(
      join(directory, '10-first.bash'),
      'export COUNT=$((${COUNT:-0} + 1)) WHERE=${WHERE:-}a\necho noise\n',
    );
    writeFileSync(join(directory, '9-before'), 'export WHERE=${WHERE:-}b\n');
    writeFileSync(join(directory, 'not sourced'), 'exit 1\n');
    script('probe', 'pre-install.d/10-probe', ['echo "$COUNT $WHERE" >> /seen', 'export WHERE=changed']);
    script('probe', 'install.d/10-probe', ['echo "$COUNT $WHERE" >> /seen']);
    script('probe', 'cleanup.d/10-probe', ['echo "$COUNT $WHERE" >> "$TMP_MOUNT_PATH/seen"']);

    await using tree = await buildTree(options(['tiny', 'probe']));

    expect(readFileSync(join(tree.path, 'seen'), 'utf8')).toBe('1 ba\n1 ba\n1 ba\n');
  });

  it('offers die and the elements’ directories out of the image', async () => {
    script('probe', 'extra-data.d/10-probe', [
      'eval "declare -A images=($(get_image_element_array))"',
      `echo "\${images[probe]}" > "$TMP_MOUNT_PATH/seen"`,
      'source "$_LIB/die"',
      'die "enough of this"',
    ]);

    await expect(buildTree(options(['tiny', 'probe']))).rejects.toMatchObject({
      code: 'ElementScriptFailed',
      details: {
        file: join(work, 'elements/probe/extra-data.d/10-probe'),
        value: 'ERROR: enough of this',
        hint: expect.stringContaining(state.path('logs', 'image')),
      },
    });
    expectNothingLeft();
  });

  it('stops at the first failure with the status of the script, and leaves nothing', async () => {
    script('probe', 'install.d/10-fails', ['echo about to fail', 'exit 7']);
    script('probe', 'install.d/20-never', ['exit 0']);

    await expect(buildTree(options(['tiny', 'probe']))).rejects.toMatchObject({
      code: 'ElementScriptFailed',
      message: 'install.d/10-fails of probe failed with status 7',
    });

    const scripts = events.filter(({ code }) => code.startsWith('image.script.')).map(({ code, data }) => [code, data]);
    expect(scripts.at(-1)).toMatchObject(['image.script.failed', { script: '10-fails', element: 'probe', status: 7 }]);
    expectNothingLeft();
  });

  it.each(['extra-data.d', 'install.d'])('names the line of a script of %s that failed', async (phase) => {
    script('probe', `${phase}/10-fails`, [
      'false || true',
      'fails() {',
      '    cat /nowhere',
      '}',
      'fails',
      'echo never',
    ]);

    const failed = await buildTree(options(['tiny', 'probe'])).catch((error) => error);

    expect(failed.details).toMatchObject({ file: join(work, `elements/probe/${phase}/10-fails`), line: 5 });
    expect(failed.details.value).toMatch(/nowhere: No such file or directory$/);
  });

  it('tells how to replay a failed script, and refuses a shell without a terminal', async () => {
    script('probe', 'install.d/10-fails', ['exit 7']);
    const building = buildTree(
      options(['tiny', 'probe'], { shellOnFailure: true, commandLine: 'stackwright image build tiny probe' }),
    );

    await expect(building).rejects.toMatchObject({
      details: {
        hint: expect.stringContaining(
          'stackwright image build tiny probe --shell-on-failure, and in its shell /tmp/in_target.d/install.d/10-fails',
        ),
      },
    });
    expect(events.at(-1)).toMatchObject({
      code: 'image.shell.refused',
      data: { breakpoint: 'after-error', phase: 'install.d', replay: '/tmp/in_target.d/install.d/10-fails' },
    });
  });

  it('opens shells on a terminal where break says, in the state of the build', () => {
    script('probe', 'install.d/10-fails', ['echo half > /half', 'exit 7']);
    const command = [
      ...[join(packageRoot(), 'bin/stackwright'), 'image', 'build', '--no-base', 'tiny', 'probe'],
      ...['-o', join(work, 'out'), '--elements-path', join(work, 'elements')],
    ];
    const env = { ...process.env, break: 'before-extra-data,after-error', STACKWRIGHT_STATE: state.root };

    const { stdout } = spawnSync('script', ['--quiet', '--return', '--command', command.join(' '), '/dev/null'], {
      encoding: 'utf8',
      env,
      input: 'cd "$TMP_MOUNT_PATH"; echo "here: $(cat etc/resolv.conf.ORIG)"; exit\necho "there: $(cat /half)"; exit\n',
    });

    expect(stdout).toContain('here: nameserver 192.0.2.1');
    expect(stdout).toContain('there: half');
    expect(stdout).toContain('[ElementScriptFailed]');
    expectNothingLeft();
  });

  it('refuses a place where a build cannot stop', async () => {
    const environment = { break: 'after-error,before-lunch' };

    await expect(buildTree(options(['tiny'], { environment }))).rejects.toMatchObject({
      code: 'BreakpointUnknown',
      message: 'a build cannot stop at before-lunch',
    });
  });

  it('restores the image’s resolv.conf, empties /tmp, truncates logs and removes those of root', async () => {
    script('probe', 'install.d/10-probe', ['cat /etc/resolv.conf > /seen', 'echo x > /tmp/x']);

    await using tree = await buildTree(options(['tiny', 'probe']));

    expect(readFileSync(join(tree.path, 'seen'), 'utf8')).toBe(readFileSync('/etc/resolv.conf', 'utf8'));
    expect(readFileSync(join(tree.path, 'etc/resolv.conf'), 'utf8')).toBe('nameserver 192.0.2.1\n');
    expect(existsSync(join(tree.path, 'etc/resolv.conf.ORIG'))).toBe(false);
    expect(readdirSync(join(tree.path, 'tmp'))).toEqual([]);
    expect(readFileSync(join(tree.path, 'var/log/apt/history.log'), 'utf8')).toBe('');
    expect(readdirSync(join(tree.path, 'root/.cache'))).toEqual([]);
  });

  it('ends the scripts of a build that is interrupted', async () => {
    const started = join(work, 'started');
    script('probe', 'extra-data.d/10-waits', [`touch ${started}`, 'sleep 300 & wait']);
    const controller = new AbortController();
    const building = buildTree(options(['tiny', 'probe'], { signal: controller.signal }));
    const failed = expect(building).rejects.toMatchObject({ code: 'Interrupted' });
    while (!existsSync(started)) await new Promise((resolve) => setTimeout(resolve, 20));

    controller.abort();

    await failed;
    expectNothingLeft();
  });

  it('ends a script that takes too long, with all that it has started', async () => {
    script('probe', 'extra-data.d/10-waits', ['sleep 300 & wait']);

    const building = buildTree(options(['tiny', 'probe'], { scriptTimeout: 0.5 }));

    await expect(building).rejects.toMatchObject({
      code: 'ElementScriptFailed',
      details: { value: expect.stringContaining('did not end within 0.5 s') },
    });
    expectNothingLeft();
  });

  it('does not keep the environment of the caller in the log', async () => {
    await using tree = await buildTree(options(['tiny'], { environment: { TOKEN: 'very-secret-word' } }));

    expect(readFileSync(tree.logFile, 'utf8')).not.toContain('very-secret-word');
  });

  it('builds a kept tree once, and again when an element changes', async () => {
    const output = join(work, 'out');
    const first = await ensureTree({ ...options(['tiny']), output });
    const again = await ensureTree({ ...options(['tiny']), output });

    expect(again).toEqual(first);
    expect(events.at(-1)?.code).toBe('image.unchanged');

    script('tiny', 'cleanup.d/10-new', ['exit 0']);
    await expect(ensureTree({ ...options(['tiny']), output })).rejects.toMatchObject({ code: 'TreeExists' });
    const forced = await ensureTree({ ...options(['tiny']), output, force: true });
    expect(forced.identity).not.toBe(first.identity);
    expect(existsSync(join(output, 'bin/bash'))).toBe(true);
  });
});
