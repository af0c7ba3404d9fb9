import { mkdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run, shellQuote } from '../base/command.js';
import type { StackwrightError } from '../base/errors.js';
import type { StackwrightEvent } from '../base/events.js';
import type { Ssh } from '../base/ssh.js';
import { type Phase, runHostPhase } from './index.js';
import { type HookSite, hookSite } from './run.fixture.js';

let site: HookSite;
let events: StackwrightEvent[];

/** The host is this machine; the connection may be cut off after a command. */
function localSsh(broken: () => boolean): Ssh {
  return {
    run: async (_host, words, options) => {
      const result = await run('sh', ['-c', words.map(shellQuote).join(' ')], options);
      if (broken()) throw Object.assign(new Error('the connection broke'), { code: 'SshUnreachable' });
      return result;
    },
    receiveDirectory: async () => {},
    sendDirectory: async (_host, directory, target) => {
      await run('cp', ['-a', `${directory}/.`, target]);
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

beforeEach(() => {
  site = hookSite();
  events = [];
  mkdirSync(site.path('host'));
});

afterEach(() => site[Symbol.dispose]());

async function phase(
  name: Phase,
  options: { broken?: () => boolean; mode?: 'anew' | 'adopt'; limit?: number } = {},
): Promise<void> {
  const values: [string, string][] = [
    ['CONFIG_MEMCACHED_INSTALL', 'y'],
    ['CONFIG_KEYSTONE_ADMIN_PW', "it's sesame"],
  ];
  await runHostPhase({
    phase: name,
    site: { directory: site.root, extrasDirectory: site.path('extras.d') },
    run: 'test',
    limit: options.limit ?? 60,
    ssh: localSsh(options.broken ?? (() => false)),
    reach: (host) => ({ name: host }),
    controller: { name: 'ctl', address: '192.0.2.7' },
    hosts: [{ name: 'ctl', address: '192.0.2.7' }],
    configuration: {
      get: (wanted) => values.find(([key]) => key === wanted)?.[1] ?? '',
      is: () => false,
      list: () => [],
      entries: () => values,
    },
    directory: site.path('workspace'),
    hostDirectory: site.path('host', 'hooks'),
    logFile: site.path('log'),
    reporter: { report: (event) => events.push(event) },
    persistently: async (work) => {
      try {
        return await work(options.mode ?? 'anew');
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'SshUnreachable')) throw error;
        return await work('adopt');
      }
    },
  });
}

async function failureOf(work: Promise<void>): Promise<StackwrightError> {
  return await work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: StackwrightError) => error,
  );
}

const log = () => readFileSync(site.path('log'), 'utf8');

it('each phase goes on with what the one before has left, and sees the answers', async () => {
  site.write('local.conf', '[[local|localrc]]', `DEST=${site.path('dest')}`, 'enable_service small');
  site.write(
    'extras.d/70-a.sh',
    'case "$1 $2" in',
    '  "source ") declare -A port=([api]=1); odd=$\'a\\nb "c"\'; greet() { echo "hello $1"; }; set -o noglob ;;',
    '  "stack install") greet "${port[api]} $odd *"; is_service_enabled memcached small; echo "$HOST_IP $ADMIN_PASSWORD" ;;',
    'esac',
  );

  for (const name of ['override_defaults', 'source', 'stack install'] as const) await phase(name);

  expect(log()).toBe('hello 1 a\nb "c" *\n192.0.2.7 ********\n');
});

it('after a failure the phase begins with what was there before it, and a corrected file counts', async () => {
  site.write('lib/small', 'work() {', '  count+=x', '  cat /nowhere', '}');
  site.write(
    'extras.d/70-a.sh',
    'if [[ $1 == source ]]; then source $TOP_DIR/lib/small; fi',
    'if [[ $2 == install ]]; then work; echo "count $count $COLOUR"; fi',
  );
  site.write('local.conf', '[[local|localrc]]', `DEST=${site.path('dest')}`, 'COLOUR=green');
  await phase('override_defaults');
  await phase('source');

  const error = await failureOf(phase('stack install'));

  expect(error).toMatchObject({
    code: 'HookFailed',
    message: '70-a.sh in the phase stack install failed: cat /nowhere ended with status 1',
    details: { file: site.path('lib/small'), line: 3 },
  });
  expect(error.details.hint).toContain(`called from ${site.path('extras.d/70-a.sh')}:2`);

  site.write('lib/small', 'work() {', '  count+=x', '}');
  site.write('local.conf', '[[local|localrc]]', `DEST=${site.path('dest')}`, 'COLOUR=blue');
  await phase('stack install');

  expect(log()).toMatch(/\ncount x blue\n$/);
});

it('what has ended while the connection was broken is not done again', async () => {
  site.write('extras.d/70-a.sh', `echo $1 >> ${site.path('calls')}`, 'echo_summary "at $1"');
  site.write('local.conf', `DEST=${site.path('dest')}`);
  await phase('override_defaults');
  let breaks = 1;

  await phase('source', { broken: () => log().includes('at source') && breaks-- > 0 });

  expect(breaks).toBeLessThan(1);
  expect(readFileSync(site.path('calls'), 'utf8')).toBe('override_defaults\nsource\n');

  await phase('source', { mode: 'adopt' });
  expect(readFileSync(site.path('calls'), 'utf8')).toBe('override_defaults\nsource\n');
});

it('a TypeScript hook stands between shell hooks, which go on with their variables', async () => {
  site.write('local.conf', `DEST=${site.path('dest')}`);
  site.write('extras.d/10-a.sh', '[[ $2 != install ]] || { x=1; enable_service small; }');
  site.write(
    'extras.d/20-b.ts',
    'export async function install({ controller, hosts, services, configuration, run, say }) {',
    '  const { stdout } = await run(controller, ["echo", "a  b"]);',
    '  say([hosts.length, services, stdout.trim(), configuration.get("CONFIG_MEMCACHED_INSTALL")].join(" "));',
    '}',
  );
  site.write('extras.d/30-c.sh', '[[ $2 != install ]] || echo_summary "x is $x"');

  await phase('override_defaults');
  await phase('stack install');

  const said = events.filter(({ code }) => code === 'hooks.summary').map(({ message }) => message);
  expect(said).toEqual(['1 memcached,small a  b y', 'x is 1']);
});

it('a script that hangs is ended on the host with what it has started', async () => {
  site.write('local.conf', `DEST=${site.path('dest')}`);
  site.write('extras.d/70-a.sh', 'sleep 1000 &', `echo $! > ${site.path('pid')}`, 'wait');

  const error = await failureOf(phase('override_defaults', { limit: 1 }));

  expect(error).toMatchObject({ code: 'HookTimedOut', details: { file: site.path('extras.d/70-a.sh') } });
  expect(() => process.kill(Number(readFileSync(site.path('pid'), 'utf8')), 0)).toThrow('ESRCH');
});
