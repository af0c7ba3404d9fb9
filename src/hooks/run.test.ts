import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type HookSite, hookSite } from './run.fixture.js';

let site: HookSite;

beforeEach(() => {
  site = hookSite();
});

afterEach(() => site[Symbol.dispose]());

it('calls every script with each phase, in name order, in the phases’ order', async () => {
  site.write('extras.d/80-b.sh', 'echo "80 $# $1 $2"');
  site.write('extras.d/70-a.sh', 'echo "70 $# $1 $2"');
  site.write('extras.d/README', 'echo never');

  const { output } = await site.run(['override_defaults', 'source', 'stack pre-install', 'unstack', 'clean']);

  expect(output.split('\n')).toEqual([
    '70 1 override_defaults ',
    '80 1 override_defaults ',
    '70 1 source ',
    '80 1 source ',
    '70 2 stack pre-install',
    '80 2 stack pre-install',
    '70 1 unstack ',
    '80 1 unstack ',
    '70 1 clean ',
    '80 1 clean ',
    '',
  ]);
});

it('keeps variables, arrays, functions and options from phase to phase and from script to script', async () => {
  site.write(
    'extras.d/20-one.sh',
    'if [[ "$1" == source ]]; then',
    '  declare -A port; port[api]=9000; list=(a "b c"); shell=$$',
    '  function greet { echo "hello $1"; }',
    '  set -o noglob',
    'fi',
  );
  site.write(
    'extras.d/30-two.sh',
    'if [[ "$2" == extra ]]; then',
    '  greet "${list[1]}"; echo "${port[api]} *"; [[ $shell == $$ ]] && echo same',
    'fi',
  );

  const { output } = await site.run(['source', 'stack install', 'stack extra']);

  expect(output).toBe('hello b c\n9000 *\nsame\n');
});

it('runs a service of DevStack’s form through all its phases', async () => {
  site.write(
    'lib/small',
    'SMALL_CONF_DIR=${SMALL_CONF_DIR:-$DEST/etc}',
    'SMALL_CONF=$SMALL_CONF_DIR/small.conf',
    'function install_small {',
    '    sudo install -d -o $STACK_USER $SMALL_CONF_DIR $DEST/bin',
    '    printf "#!/bin/sh\\ncat %s\\n" $SMALL_CONF > $DEST/bin/small',
    '}',
    'function configure_small {',
    '    iniset $SMALL_CONF DEFAULT debug $(trueorfalse False SMALL_DEBUG)',
    '    iniset $SMALL_CONF DEFAULT my_ip $HOST_IP',
    '}',
    'function init_small { touch $DATA_DIR/small.db; }',
    'function start_small { sh $DEST/bin/small > $DATA_DIR/small.out; }',
    'function cleanup_small { rm -rf $SMALL_CONF_DIR $DEST/bin/small; }',
  );
  site.write(
    'extras.d/70-small.sh',
    '# small.sh - extras script to install small',
    '',
    'if is_service_enabled small; then',
    '    if [[ "$1" == "source" ]]; then',
    '        # Initial source',
    '        source $TOP_DIR/lib/small',
    '    elif [[ "$1" == "stack" && "$2" == "install" ]]; then',
    '        echo_summary "Installing small"',
    '        install_small',
    '        configure_small',
    '    elif [[ "$1" == "stack" && "$2" == "post-config" ]]; then',
    '        init_small',
    '    elif [[ "$1" == "stack" && "$2" == "extra" ]]; then',
    '        start_small',
    '    fi',
    '',
    '    if [[ "$1" == "unstack" ]]; then',
    '        mv $DATA_DIR/small.out $DATA_DIR/small.stopped',
    '    fi',
    '',
    '    if [[ "$1" == "clean" ]]; then',
    '        cleanup_small',
    '    fi',
    'fi',
  );
  site.write(
    'extras.d/75-setting.sh',
    'if [[ "$1 $2" == "stack post-config" ]]; then iniset $SMALL_CONF DEFAULT workers 3; fi',
  );
  const settings = 'ENABLED_SERVICES=key\nenable_service small\nSMALL_DEBUG=yes\nHOST_IP=192.0.2.7';

  const stacked = await site.run(['source', 'stack pre-install', 'stack install', 'stack post-config', 'stack extra'], {
    settings,
  });

  expect(stacked.error).toBeUndefined();
  expect(stacked.events.filter(({ code }) => code === 'hooks.summary').map(({ message }) => message)).toEqual([
    'Installing small',
  ]);
  expect(readFileSync(site.path('dest/data/small.out'), 'utf8')).toBe(
    '[DEFAULT]\nworkers = 3\nmy_ip = 192.0.2.7\ndebug = True\n',
  );

  const cleaned = await site.run(['source', 'unstack', 'clean'], { settings });

  expect(cleaned.error).toBeUndefined();
  expect(readFileSync(site.path('dest/data/small.stopped'), 'utf8')).toContain('workers = 3');
  expect(() => readFileSync(site.path('dest/etc/small.conf'))).toThrow('ENOENT');
});

it.each([
  ['a command', ['echo before', 'ls /nowhere'], { code: 'HookFailed', line: 2, value: 'ls /nowhere' }],
  ['a command in a function', ['f() {', '  false', '}', 'f'], { code: 'HookFailed', line: 2, value: 'false' }],
  [
    'a helper',
    ['true', '  iniset /nowhere/f a b c'],
    { code: 'HookFailed', line: 2, value: 'iniset /nowhere/f a b c' },
  ],
  ['die', ['die $LINENO "no good"'], { code: 'HookFailed', line: 1 }],
  ['return', ['return 3'], { code: 'HookFailed', value: 'return 3' }],
  ['exit', ['exit 0'], { code: 'HookFailed', value: 'exit 0' }],
  ['an unknown command', ['frobnicate x'], { code: 'HookFailed', line: 1, value: 'frobnicate x' }],
  ['an open if', ['if true; then', '  echo x'], { code: 'HookInvalid' }],
  ['a helper that is not there', ['x=$(upload_image y) || true'], { code: 'HookUnsupported', value: 'upload_image' }],
])('stops at %s and says script, line, phase and command', async (_what, lines, { code, ...details }) => {
  site.write('extras.d/70-x.sh', ...lines);
  site.write('extras.d/80-y.sh', 'echo never');

  const { error, output } = await site.run(['stack install']);

  expect(error?.code).toBe(code);
  expect(error?.message).toContain('70-x.sh');
  if (code !== 'HookInvalid') expect(error?.message).toContain('in the phase stack install');
  expect(error?.details).toMatchObject({ file: site.path('extras.d/70-x.sh'), ...details });
  expect(output).not.toContain('never');
});

it('shows what the failed script has said last, and who called it', async () => {
  site.write('lib/x', 'function broken {', '  echo trying', '  cat /nowhere', '}');
  site.write('extras.d/70-x.sh', 'source $TOP_DIR/lib/x', 'broken');

  const { error } = await site.run(['source']);

  expect(error?.details.file).toMatch(/\/lib\/x$/);
  expect(error?.details.line).toBe(3);
  expect(error?.details.hint).toContain(`called from ${site.path('extras.d/70-x.sh')}:2`);
  // They come by two pipes.
  expect(error?.details.hint).toContain('\n  trying');
  expect(error?.details.hint).toMatch(/\n {2}cat: \/nowhere: No such file or directory/);
});

it('goes on where a test at the end of a script does not hold', async () => {
  site.write('extras.d/70-x.sh', '[[ $1 == unstack ]] && echo stopping');

  const { output, error } = await site.run(['source', 'unstack']);

  expect(error).toBeUndefined();
  expect(output).toBe('stopping\n');
});

it('ends a script that hangs, and what it has started', async () => {
  site.write('extras.d/70-x.sh', 'sleep 1000 &', 'echo $! > $TOP_DIR/extras.d/pid', 'wait');

  const { error } = await site.run(['source'], { limit: 1 });

  expect(error).toMatchObject({ code: 'HookTimedOut', message: '70-x.sh in the phase source did not end within 1 s' });
  expect(() => process.kill(Number(readFileSync(site.path('extras.d/pid'), 'utf8')), 0)).toThrow('ESRCH');
});

it('masks secrets of the settings and those that a script makes, in output, events and errors', async () => {
  site.write(
    'extras.d/70-x.sh',
    'read_password SMALL_PASSWORD "ENTER A PASSWORD."',
    'echo "$ADMIN_PASSWORD $SMALL_PASSWORD" | tee $DEST/seen',
    'warn $LINENO "it is $ADMIN_PASSWORD"',
    'die $LINENO "$SMALL_PASSWORD"',
  );

  const run = await site.run(['source'], { settings: 'ADMIN_PASSWORD=sesame-open' });

  const [admin = '', small = ''] = readFileSync(site.path('dest/seen'), 'utf8').trim().split(' ');
  expect(admin).toBe('sesame-open');
  expect(small).toMatch(/^[0-9a-f]{20}$/);
  expect(run.output).toContain('******** ********\n');
  const all = JSON.stringify(run);
  expect(all).toContain('it is ********');
  expect(all).not.toContain(admin);
  expect(all).not.toContain(small);
});

it('warns of reserved numbers and of names without one, and runs them', async () => {
  site.write('extras.d/05-a.sh', 'echo 05');
  site.write('extras.d/95-b.sh', 'echo 95');
  site.write('extras.d/mine.sh', 'echo mine');
  site.write('extras.d/50-c.sh', 'echo 50');

  const { output, events } = await site.run(['source']);

  expect(output).toBe('05\n50\n95\nmine\n');
  expect(events.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
    '05-a.sh: the numbers 00 to 09 are reserved for the system; use 10 to 89',
    '95-b.sh: the numbers 90 to 99 are reserved for the system; use 10 to 89',
    'mine.sh has no number in front, such as 70-: its place is that of its name',
  ]);
});

it('refuses a phase that there is not, and a directory that is not there', async () => {
  expect((await site.run(['stack nothing'])).error).toMatchObject({ code: 'HookPhaseUnknown' });
  site[Symbol.dispose]();
  site.write('other', '');
  expect((await site.run(['source'])).error).toMatchObject({ code: 'HooksMissing' });
});

it('runs TypeScript hooks in their place between the others', async () => {
  site.write('extras.d/70-a.sh', '[[ $2 != install ]] || { enable_service small; echo shell; }');
  site.write(
    'extras.d/75-b.ts',
    'import type { HookContext } from "stackwright/hooks";',
    'export async function install({ phase, services, controller, run, say }: HookContext): Promise<void> {',
    '  const { stdout } = await run(controller, ["echo", "a b"]);',
    '  say(`${phase} ${services} ${stdout.trim()}`);',
    '}',
    'export function unstack() { throw new Error("cannot stop"); }',
  );
  site.write('extras.d/80-c.sh', '[[ $2 != install ]] || echo_summary after');

  const { events, error } = await site.run(['stack install', 'unstack']);

  expect(events.filter(({ code }) => code === 'hooks.summary').map(({ message }) => message)).toEqual([
    'stack install small a b',
    'after',
  ]);
  expect(error).toMatchObject({
    code: 'HookFailed',
    message: '75-b.ts in the phase unstack failed: cannot stop',
    details: { file: site.path('extras.d/75-b.ts') },
  });
});

it('refuses a TypeScript hook that exports what is no phase', async () => {
  site.write('extras.d/75-b.ts', 'export function instal() {}');

  const { error } = await site.run(['source']);

  expect(error).toMatchObject({ code: 'HookInvalid', details: { value: 'instal' } });
});
