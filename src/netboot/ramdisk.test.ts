import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../base/package-root.js';
import { parseFacts } from '../inventory/index.js';
import { parseModuleDependencies } from './ramdisk.js';

const scripts = join(packageRoot(), 'src', 'netboot', 'ramdisk');

it('reads which modules a module needs', () => {
  const text = 'kernel/a.ko: kernel/b.ko kernel/c.ko\nkernel/b.ko:\n';

  expect(parseModuleDependencies(text)).toEqual(
    new Map([
      ['kernel/a.ko', ['kernel/b.ko', 'kernel/c.ko']],
      ['kernel/b.ko', []],
    ]),
  );
});

it.each(readdirSync(scripts))('%s is a script that a POSIX shell can read', (name) => {
  execFileSync('sh', ['-n', join(scripts, name)]);
});

it('collects what this machine is, of which the server makes facts', () => {
  const text = execFileSync('sh', [join(scripts, 'facts.sh')], { encoding: 'utf8', stdio: 'pipe' });

  const facts = parseFacts(text, 'facts.hw');

  expect(facts).toContainEqual(['system', 'kernel', 'arch', 'x86_64']);
  expect(facts).toContainEqual(['cpu', 'logical', 'number', expect.stringMatching(/^[1-9]\d*$/)]);
  expect(facts).toContainEqual(['memory', 'total', 'size', expect.stringMatching(/^[1-9]\d*$/)]);
  expect(facts).toContainEqual(['disk', 'logical', 'count', expect.stringMatching(/^\d+$/)]);
});

describe('the kernel line', () => {
  /** Runs functions of the installation on this host; what would change it is printed instead. */
  function installation(line: string, commands: string): string {
    const stand = [
      `. ${join(scripts, 'network.sh')}`,
      `. ${join(scripts, 'install.sh')}`,
      'cat() { if [ "$1" = /proc/cmdline ]; then echo "$LINE"; else command cat "$@"; fi; }',
      'mkdir() { :; }',
      'keep_token() { :; }',
      'ip() { case "$*" in *show*) echo "2: eth0 inet 10.0.0.7/24 scope global" ;; *) echo "ip $*" ;; esac; }',
      'udhcpc() { echo "udhcpc $2"; }',
      'fail() { echo "FAILED: $*"; exit 1; }',
      'read_kernel_line',
      commands,
    ].join('\n');
    const { stdout } = spawnSync('sh', ['-c', stand], { encoding: 'utf8', env: { ...process.env, LINE: line } });
    return stdout;
  }

  it('says where the server is, what to do, and what the installed system gets', () => {
    const line =
      'BOOT_IMAGE=/vmlinuz console=ttyS0 quiet SERV=10.0.0.1 HTTP_PORT=8080 TOKEN=a-b_c ONSUCCESS=kexec SECTION=LAB ' +
      'HSERV=10.0.0.3 HPATH=/roles "|console=ttyS1 nomodeset|"';

    const said = installation(
      line,
      'echo "$SERVER $TOKEN $ONSUCCESS $ONFAILURE $SECTION $HSERV:$HSERV_PORT$HPATH [$RSERV] [$TARGET_KERNEL_LINE]"',
    );

    expect(said).toBe('http://10.0.0.1:8080 a-b_c kexec console LAB 10.0.0.3:80/roles [] [console=ttyS1 nomodeset]\n');
  });

  it.each([
    ['HTTP_PATH=cgi-bin RPATH=install HPATH=roles/', '/cgi-bin/ /install /roles'],
    ['HTTP_PATH=/cgi-bin/ RPATH=/ HPATH=/a/b', '/cgi-bin/  /a/b'],
  ])('has paths with and without slashes: %s', (line, paths) => {
    expect(installation(line, 'echo "$HTTP_PATH $RPATH $HPATH"')).toBe(`${paths}\n`);
  });

  it.each(['vda', '/dev/vda'])('finds the disk that a script calls %s', (disk) => {
    expect(installation('', `device_path ${disk}`)).toBe('/dev/vda\n');
  });

  it.each([
    ['', '3\n'],
    ['LLDP=30', '30\n'],
    ['LLDP=08', 'stackwright: LLDP=08 is no number of seconds, taking 3\n3\n'],
    ['LLDP=long', 'stackwright: LLDP=long is no number of seconds, taking 3\n3\n'],
  ])('says how long switches are listened to: %s', (line, said) => {
    expect(installation(line, 'echo "$LLDP"')).toBe(said);
  });

  it('is never evaluated, and odd words are passed over', () => {
    const said = installation(
      'SERV=10.0.0.1 SECTION=$(id) RSERV=`id` ONSUCCESS=sleep PATH=/tmp',
      'echo "[$SECTION] [$RSERV] $ONSUCCESS ${PATH%%:*}"',
    );

    expect(said).toContain('stackwright: ignoring odd value of SECTION\n');
    expect(said).toContain('stackwright: ONSUCCESS=sleep means nothing, taking reboot\n');
    expect(said.trim().split('\n').at(-1)).toMatch(/^\[\] \[\] reboot (?!\/tmp$)/);
  });

  it('gives static addresses', () => {
    const said = installation('IP=lo:10.0.0.7/24:10.0.0.254', 'start_network');

    expect(said).toContain('ip address add 10.0.0.7/24 dev lo\nip route add default via 10.0.0.254\n');
    expect(said).toContain('stackwright: eth0 has ');
  });

  it.each([
    ['IP=eth7:dhcp', /FAILED: IP=eth7:dhcp names an interface that this machine has not/],
    ['IP=all:10.0.0.7/24', /FAILED: .* gives one address to all interfaces/],
    ['IP=lo:static', /FAILED: IP=lo:static is not IF:dhcp/],
  ])('refuses %s', (line, reason) => {
    expect(installation(line, 'start_network')).toMatch(reason);
  });
});
