import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../base/command.js';
import { type HookSite, hookSite } from './run.fixture.js';

let site: HookSite;

beforeEach(() => {
  site = hookSite();
});

afterEach(() => site[Symbol.dispose]());

/** Runs lines as a hook; what it prints. */
async function script(lines: string[], settings = ''): Promise<string> {
  site.write('extras.d/70-x.sh', ...lines);
  const { output, error } = await site.run(['source'], { settings });
  if (error) throw error;
  return output;
}

async function changed(before: string, ...lines: string[]): Promise<string> {
  site.write('a.conf', before.replace(/\n$/, ''));
  await script([`f=${site.path('a.conf')}`, ...lines]);
  return readFileSync(site.path('a.conf'), 'utf8');
}

const config = `# of the package
[DEFAULT]
debug=False
#workers = 4
hosts = a,
    b
port  =  1

[filter:auth token]
debug = 7
`;

it('iniset replaces a value in its place and adds options and sections', async () => {
  const after = await changed(
    config,
    'iniset $f DEFAULT debug True',
    'iniset $f DEFAULT hosts c',
    'iniset $f DEFAULT port 2',
    'iniset $f "filter:auth token" key "x = y"',
    'iniset $f new option value',
    'iniset $f DEFAULT url "mysql://u:p&|\\\\1@h/d?a=b#c"',
  );

  expect(after).toBe(`# of the package
[DEFAULT]
url = mysql://u:p&|\\1@h/d?a=b#c
debug=True
#workers = 4
hosts = c
port  =  2

[filter:auth token]
key = x = y
debug = 7

[new]
option = value
`);
});

it('iniset_multiline and iniadd write a line each value, and a value of several lines goes on indented', async () => {
  const after = await changed(
    config,
    'iniset_multiline $f DEFAULT debug one "two words" three',
    'iniadd $f DEFAULT debug four',
    'iniadd_literal $f "filter:auth token" debug 6',
    "iniset $f DEFAULT port $'1\\n2'",
    'iniget_multiline $f DEFAULT debug > $f.all',
    'iniget $f DEFAULT hosts > $f.hosts',
  );

  expect(after).toBe(`# of the package
[DEFAULT]
debug = one
debug = two words
debug = three
debug = four
#workers = 4
hosts = a,
    b
port  =  1
    2

[filter:auth token]
debug = 6
debug = 7
`);
  expect(readFileSync(site.path('a.conf.all'), 'utf8')).toBe('one two words three four\n');
  expect(readFileSync(site.path('a.conf.hosts'), 'utf8')).toBe('a,\nb\n');
});

it('comments, uncomments and deletes, and says what is there', async () => {
  const after = await changed(
    config,
    'iniuncomment $f DEFAULT workers',
    'inicomment $f DEFAULT hosts',
    'inidelete $f "filter:auth token" debug',
    'ini_has_option $f DEFAULT port',
    'if ini_has_option $f DEFAULT nothing; then exit 1; fi',
    '[[ $(iniget $f DEFAULT workers) == 4 ]]',
    '[[ $(iniget_sections $f) == "DEFAULT filter:auth token" ]]',
  );

  expect(after).toBe(`# of the package
[DEFAULT]
debug=False
workers = 4
#hosts = a,
#    b
port  =  1

[filter:auth token]
`);
});

it('iniset makes a file', async () => {
  await script([`iniset ${site.path('new.conf')} DEFAULT a b`]);

  expect(readFileSync(site.path('new.conf'), 'utf8')).toBe('[DEFAULT]\na = b\n');
});

it.each([
  ['a,b', 'a', true],
  ['a,b', 'c b', true],
  ['a,b', 'c', false],
  ['a,b,-b', 'b', false],
  ['n-cpu', 'nova', true],
  ['-n-cpu,n-cpu', 'nova', false],
  ['q-svc', 'neutron', true],
  ['neutron-api', 'neutron', true],
  ['g-api', 'glance', true],
  ['c-api', 'cinder', true],
  ['swift', 's-proxy', true],
  ['horizon', 'heat', false],
  ['xa', 'a', false],
])('with ENABLED_SERVICES=%s is_service_enabled %s is %s', async (services, asked, enabled) => {
  const output = await script(
    [`if is_service_enabled ${asked}; then echo true; else echo false; fi`],
    `ENABLED_SERVICES=${services}`,
  );

  expect(output).toBe(`${enabled}\n`);
});

it('sees changes of ENABLED_SERVICES, and the settings’ word against a service counts', async () => {
  const output = await script(
    [
      'enable_service x,y z',
      'disable_service y',
      'enable_service never',
      'is_late_enabled() { return 0; }',
      'is_service_enabled late',
      'echo $ENABLED_SERVICES',
    ],
    'ENABLED_SERVICES="key, mysql"\ndisable_service never mysql',
  );

  expect(output).toContain('\nkey,x,z\n');
  expect(output).toContain('never is not enabled, as the settings disable it');
});

it.each([
  ['True MISSING', 'True'],
  ['False SET', 'True'],
  ['True NO', 'False'],
  ['True no', 'False'],
  ['False 1', 'True'],
  ['True ODD', 'True'],
])('trueorfalse %s prints %s', async (words, printed) => {
  expect(await script(['SET=Yes NO=0 ODD=perhaps', `trueorfalse ${words}`])).toBe(`${printed}\n`);
});

it('says what system it is', async () => {
  const output = await script(['is_ubuntu && ! is_fedora && ! is_suse', 'echo "$os_PACKAGE $os_VENDOR $DISTRO"']);

  expect(output).toMatch(/^deb (Debian|Ubuntu) [a-z]+\n$/);
});

it('sets the variables that scripts rely on', async () => {
  const names = ['TOP_DIR', 'DEST', 'DATA_DIR', 'HOST_IP', 'SERVICE_HOST', 'STACK_USER', 'os_RELEASE', 'os_CODENAME'];

  const output = await script([`for name in ${names.join(' ')}; do [[ -n \${!name} ]] || echo $name; done`]);

  expect(output).toBe('');
});

it('git_clone clones once, takes a branch, a tag or a ref, and clones anew with RECLONE', async () => {
  const remote = site.path('remote');
  const git = (...words: string[]) => run('git', ['-C', remote, '-c', 'user.name=t', '-c', 'user.email=t@t', ...words]);
  await run('git', ['init', '--quiet', '--initial-branch=main', remote]);
  await git('commit', '--quiet', '--allow-empty', '-m', 'first');
  await git('tag', 'v1');
  await git('checkout', '--quiet', '-b', 'other');
  await git('commit', '--quiet', '--allow-empty', '-m', 'second');
  await git('update-ref', 'refs/changes/01', 'HEAD');
  await git('checkout', '--quiet', 'main');

  const output = await script([
    `git_clone ${remote} $DEST/a`,
    `git_clone ${remote} $DEST/b other`,
    `git_clone ${remote} $DEST/c v1`,
    `git_clone ${remote} $DEST/d refs/changes/01`,
    `git_clone ${remote} $DEST/a other`,
    `RECLONE=yes git_clone ${remote} $DEST/a other`,
  ]);

  const subjects = output.split('\n').flatMap((line) => /^[0-9a-f]{7,} (.*)/.exec(line)?.[1] ?? []);
  expect(subjects).toEqual(['first', 'second', 'first', 'second', 'first', 'second']);
});

it('async_runfunc runs beside the shell, and async_wait says how it ended', async () => {
  const output = await script([
    'slow() { echo from slow; }',
    'broken() { return 4; }',
    'async_runfunc slow; async_runfunc broken',
    'async_wait slow',
  ]);
  expect(output).toBe('from slow\n');

  const waiting = script(['broken() { return 4; }', 'async_runfunc broken', 'async_wait broken']);
  await expect(waiting).rejects.toMatchObject({ code: 'HookFailed', message: expect.stringContaining('status 4') });
});

it('asks the openstack client, with the words that keystone needs and no password among them', async () => {
  site.write(
    'bin/openstack',
    '#!/bin/bash',
    `echo "$OS_USERNAME $OS_AUTH_URL $*" >> ${site.path('asked')}`,
    'case "$*" in',
    '  "service show"*) exit 1 ;;',
    '  "endpoint list"*) ;;',
    '  "token issue"*) echo token-of-the-test ;;',
    '  *) echo "id-of-$1" ;;',
    'esac',
  );
  site.write('bin/curl', '#!/bin/bash', `{ echo "$*"; cat; } > ${site.path('posted')}`);

  const output = await script(
    [
      `chmod +x ${site.path('bin')}/*; PATH=${site.path('bin')}:$PATH`,
      'echo $(get_or_create_project p Default) $(get_or_create_user u "se\\"cret" Default)',
      'echo $(get_or_create_service small small "Small service")',
      'get_or_create_endpoint small RegionOne http://h:1 http://h:2 http://h:3',
    ],
    'SERVICE_HOST=192.0.2.7\nADMIN_PASSWORD=sesame-open',
  );

  expect(output).toBe('id-of-project id-of-user\nid-of-service\nid-of-endpoint\n');
  const asked = readFileSync(site.path('asked'), 'utf8');
  expect(asked).toContain(
    'admin http://192.0.2.7:5000/v3 project create p --domain Default --or-show --format value --column id\n',
  );
  expect(asked).toContain('service create small --name small --description Small service --format value --column id\n');
  expect(asked).toContain('endpoint create small public http://h:1 --region RegionOne --format value --column id\n');
  expect(asked).toContain('endpoint create small internal http://h:3 --region RegionOne');
  expect(asked).not.toContain('cret');
  const posted = readFileSync(site.path('posted'), 'utf8');
  expect(posted.split('\n')[0]).not.toContain('cret');
  expect(posted).toContain('url = "http://192.0.2.7:5000/v3/users/id-of-user"');
  expect(posted).toContain(String.raw`data = "{\"user\": {\"password\": \"se\\\"cret\"}}"`);
});
