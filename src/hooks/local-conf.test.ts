import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseLocalConf, servicesAfter } from './local-conf.js';
import { type HookSite, hookSite } from './run.fixture.js';

let site: HookSite;

beforeEach(() => {
  site = hookSite();
});

afterEach(() => site[Symbol.dispose]());

it('takes settings from local|localrc and says their line in local.conf when they fail', async () => {
  const settings = ['# mine', '[[local|localrc]]', 'COLOUR=blue', 'enable_service small', '', 'false'].join('\n');

  const { error } = await site.run(['source'], { settings });

  expect(error).toMatchObject({ code: 'HookFailed', details: { file: site.path('local.conf'), line: 6 } });
});

it('merges sections after their phase, with variables, several values and continued ones', async () => {
  site.write('extras.d/70-x.sh', '[[ $2 != post-config ]] || echo "at the phase: $(cat $SMALL_CONF 2>&1)"');
  const settings = [
    '[[local|localrc]]',
    `SMALL_CONF=${site.path('etc/small.conf')}`,
    'COLOUR=blue',
    '[[post-config|$SMALL_CONF]]',
    '[DEFAULT]',
    '# a comment',
    'colour = ${COLOUR} and $COLOUR, \\$COLOUR $(false)',
    'driver = a',
    'driver = b',
    'list = one,',
    '  two',
    'empty =',
    '[[extra|$SMALL_CONF]]',
    '[late]',
    'x = 1',
  ].join('\n');

  const { output, error } = await site.run(['stack post-config'], { settings });

  expect(error).toBeUndefined();
  expect(output).toMatch(/^at the phase: cat: .*No such file/);
  expect(readFileSync(site.path('etc/small.conf'), 'utf8')).toBe(`[DEFAULT]
colour = blue and blue, $COLOUR $(false)
driver = a
driver = b
list = one,
    two
empty = 
`);
});

it('says which section names no file', async () => {
  const settings = '[[local|localrc]]\n[[post-config|$NOBODY]]\n[a]\nb = c\n';

  const { error } = await site.run(['stack post-config'], { settings });

  expect(error).toMatchObject({ code: 'HookFailed', details: { line: 4 } });
  expect(error?.message).toContain('local.conf names no file by $NOBODY');
});

it.each([
  ['[[local|localrc]]\n[[post-confg|/etc/a]]\n', 2],
  ['A=b\n[[local|localrc]]\n', 1],
  ['[[post-config|/etc/a]]\na = b\n', 2],
  ['[[post-config|/etc/a]]\n[x]\nwhat is this\n', 3],
  ['[[local|other]]\n', 1],
])('refuses %j', (text, line) => {
  expect(() => parseLocalConf(text, 'local.conf')).toThrow(
    expect.objectContaining({ code: 'LocalConfInvalid', details: expect.objectContaining({ line }) }),
  );
});

it('calls plugins in the order in which they are enabled, their settings in the phase source', async () => {
  for (const name of ['beta', 'alpha']) {
    site.write(`${name}/devstack/override-defaults`, `echo ${name} override`);
    site.write(
      `${name}/devstack/settings`,
      `define_plugin ${name}`,
      `enable_service ${name}-api`,
      `echo ${name} settings`,
    );
    site.write(`${name}/devstack/plugin.sh`, 'local words="$*"', `echo "${name} plugin $words $ENABLED_SERVICES"`);
  }
  site.write('extras.d/70-x.sh', 'echo extras $1');
  const settings = '[[local|localrc]]\nenable_plugin beta ./beta\nenable_plugin alpha ./alpha\n';

  const { output, error } = await site.run(['override_defaults', 'source', 'stack install', 'unstack'], { settings });

  expect(error).toBeUndefined();
  expect(output.split('\n')).toEqual([
    'extras override_defaults',
    'beta override',
    'alpha override',
    'extras source',
    'beta settings',
    'alpha settings',
    'extras stack',
    'beta plugin stack install beta-api,alpha-api',
    'alpha plugin stack install beta-api,alpha-api',
    'extras unstack',
    'beta plugin unstack beta-api,alpha-api',
    'alpha plugin unstack beta-api,alpha-api',
    '',
  ]);
});

it('says that a plugin needs another', async () => {
  site.write('beta/devstack/settings', 'plugin_requires beta alpha');
  const settings = '[[local|localrc]]\nenable_plugin beta ./beta\n';

  const { error } = await site.run(['source'], { settings });

  expect(error?.message).toContain('the plugin beta requires the plugin alpha');
});

it('refuses a plugin that is not there', async () => {
  const { error } = await site.run(['source'], { settings: '[[local|localrc]]\nenable_plugin beta ./beta\n' });

  expect(error).toMatchObject({ code: 'LocalConfInvalid', details: { value: site.path('beta') } });
});

it('follows plain changes of ENABLED_SERVICES without executing anything', () => {
  expect(servicesAfter(['key'], 'enable_service a b\ndisable_service key\nENABLED_SERVICES+=,c,-a\n')).toEqual([
    'b',
    'c',
  ]);
  expect(servicesAfter(['key'], 'ENABLED_SERVICES="a,b"\n')).toEqual(['a', 'b']);
});
