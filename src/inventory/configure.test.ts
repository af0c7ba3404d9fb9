import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderConfigureScript, renderRefusal } from './configure.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stackwright-'));
});

afterEach(() => rmSync(root, { recursive: true }));

/** Values that would do harm where they are not quoted. */
const variables = {
  disk: 'vda',
  ip: "10.0.0.1'; touch /tmp/stackwright-harm; '",
  nested: { a: [1, true, null] },
  'back`tick`': '$(touch /tmp/stackwright-harm)\nsecond "line"\\',
  used: 1,
};

function execute(interpreter: string, configureText: string) {
  const script = join(root, 'configure');
  writeFileSync(script, renderConfigureScript({ profile: 'vm', configureText, variables }));
  const result = spawnSync(interpreter, [script], {
    encoding: 'utf8',
    env: { ...process.env, STACKWRIGHT_ROOT: root },
  });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

function sourced(name: string): string {
  return execFileSync('sh', ['-c', `. ${root}/vars; printf %s "$${name}"`], { encoding: 'utf8' });
}

const golden = (name: string) => join(import.meta.dirname, 'golden', name);

it('writes these programs', async () => {
  const small = { disk: 'vda', ip: "it's" };
  const python = renderConfigureScript({ profile: 'vm', configureText: "run('true')\n", variables: small });
  const shell = renderConfigureScript({ profile: 'vm', configureText: '#!/bin/sh\nrun true\n', variables: small });

  await expect(python).toMatchFileSnapshot(golden('configure.py.golden'));
  await expect(shell).toMatchFileSnapshot(golden('configure.sh.golden'));
});

describe('a Python configure script', () => {
  it('has the variables, the profile and the functions of eDeploy', () => {
    const result = execute(
      'python3',
      `#!/usr/bin/env python
disk = '/dev/' + var['disk']
assert var['edeploy-profile'] == 'vm' and var['used'] == 1 and var['nested'] == {'a': [1, True, None]}
assert var['back\`tick\`'] == '$(touch /tmp/stackwright-harm)\\nsecond "line"\\\\'
run('echo shown; echo also >&2')
set_role("my'sql", 'D7-F.1.0.0', disk)
with config('/etc/motd', fmod=0o600) as f:
    f.write('hello')
config('etc/motd', 'a').write(' again')
grub_options('console=ttyS0')
grub_options('quiet splash')
inject_facts(var)
`,
    );

    expect(result).toMatchObject({ status: 0, stderr: 'also\n', stdout: '+ echo shown; echo also >&2\nshown\n' });
    expect([sourced('ROLE'), sourced('VERS'), sourced('DISK')]).toEqual(["my'sql", 'D7-F.1.0.0', '/dev/vda']);
    expect(sourced('GRUB_OPTIONS')).toBe('console=ttyS0 quiet splash');
    expect(readFileSync(join(root, 'post_rsync/etc/motd'), 'utf8')).toBe('hello again');
    expect(readFileSync(join(root, 'post_rsync/etc/facter/facts.d/hw.txt'), 'utf8')).toContain(
      'hw_disk=vda\nhw_edeploy-profile=vm\n',
    );
  });

  it('ends with the status of a command that fails', () => {
    const result = execute('python3', "run('exit 7')\nprint('not reached')\n");

    expect(result.status).toBe(7);
    expect(result.stdout).toBe("+ exit 7\nCommand 'exit 7' failed with status 7\n");
  });
});

describe('a shell configure script', () => {
  it('has the same', () => {
    const result = execute(
      'sh',
      `#!/bin/sh
set -eu
test "$var_edeploy_profile" = vm
test "$var_nested" = "{'a': [1, True, None]}"
run 'echo shown; echo also >&2'
printf '%s|' "$var_ip" "$var_back_tick_"
set_role "my'sql" D7-F.1.0.0 "/dev/$var_disk"
echo hello | config /etc/motd w /post_rsync 600
echo again | config etc/motd a
grub_options console=ttyS0
grub_options 'quiet splash'
inject_facts
`,
    );

    expect(result).toEqual({
      status: 0,
      stderr: 'also\n',
      stdout: `+ echo shown; echo also >&2\nshown\n${variables.ip}|${variables['back`tick`']}|`,
    });
    expect([sourced('ROLE'), sourced('VERS'), sourced('DISK')]).toEqual(["my'sql", 'D7-F.1.0.0', '/dev/vda']);
    expect(sourced('GRUB_OPTIONS')).toBe('console=ttyS0 quiet splash');
    expect(readFileSync(join(root, 'post_rsync/etc/motd'), 'utf8')).toBe('hello\nagain\n');
    expect(statSync(join(root, 'post_rsync/etc/motd')).mode & 0o777).toBe(0o644);
    expect(readFileSync(join(root, 'post_rsync/etc/facter/facts.d/hw.txt'), 'utf8')).toContain(
      'hw_disk=vda\nhw_edeploy-profile=vm\n',
    );
  });

  it('ends with the status of a command that fails, under set -e too', () => {
    const result = execute('sh', "#!/bin/sh\nset -e\nrun 'exit 7'\necho not reached\n");

    expect(result.status).toBe(7);
    expect(result.stdout).toBe("+ exit 7\nCommand 'exit 7' failed with status 7\n");
  });
});

it('refuses a configure script in another language', () => {
  const render = () => renderConfigureScript({ profile: 'vm', configureText: '#!/usr/bin/perl\n', variables: {} });

  expect(render).toThrow(expect.objectContaining({ code: 'ConfigureInvalid' }));
});

it('prints a refusal as it is and exits with 1', () => {
  const script = join(root, 'refusal');
  const lines = ["it's $(touch /tmp/x) `id`", 'EOF', '-n', '\x1b[2Jcleared', 'two\nlines', '%s'];
  writeFileSync(script, renderRefusal(lines));

  const result = spawnSync('sh', [script], { encoding: 'utf8' });

  expect(result.status).toBe(1);
  expect(result.stdout).toBe("it's $(touch /tmp/x) `id`\nEOF\n-n\n?[2Jcleared\ntwo\nlines\n%s\n");
});
