// What runs manifests on a host in copies of a puppet that stays loaded, beside `puppet` itself: the same status and words
// for the same manifest, and an end whenever its caller ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/command.js';
import { packageRoot } from '../../src/base/package-root.js';
import { until } from './nspawn-host.js';

const work = mkdtempSync(join(tmpdir(), 'sw-loaded-'));
const socket = join(work, 'puppet');
const loaded = ['ruby', '--disable-gems', join(packageRoot(), 'puppet/files/loaded.rb'), socket];

describe.skipIf(!existsSync('/usr/bin/puppet'))('a puppet that stays loaded', () => {
  afterAll(() => rmSync(work, { recursive: true }));

  it.each([
    ['nothing', '# Nothing.', 0],
    ['a change', 'exec { "/bin/echo it is done": logoutput => true }', 2],
    ['a failure', 'exec { "/bin/false": }', 4],
    ['what does not compile', 'fail("no")', 1],
    ['where and as whom it runs', 'notice(generate("/bin/sh", "-c", "pwd; umask; echo \\$WORD"))', 0],
  ])('does what puppet does: %s', async (_, manifest, status) => {
    const [theirs, ours] = [await apply(['puppet'], manifest), await apply(loaded, manifest)];

    expect(ours).toEqual(theirs);
    expect(ours.status).toBe(status);
  });

  it('is loaded once', async () => {
    const parent = 'notice(generate("/bin/sh", "-c", "ps -o ppid= -p \\$PPID"))';

    const [one, other] = [await apply(loaded, parent), await apply(loaded, parent)];

    expect(one.lines).toEqual(other.lines);
    expect(one.lines[0]).toMatch(/Scope\(Class\[main\]\): +\d+$/);
  });

  it('is ended by a signal to its caller as puppet is', async () => {
    const { caller, puppet } = await begin();

    caller.kill('SIGTERM');

    expect(await statusOf(caller)).toBe(1);
    await until(() => !existsSync(`/proc/${puppet}`));
  });

  it('ends when its caller is killed, and serves the next', async () => {
    const { caller, puppet } = await begin();

    caller.kill('SIGKILL');

    await until(() => !existsSync(`/proc/${puppet}`));
    expect(await apply(loaded, '# Nothing.')).toMatchObject({ status: 0 });
  });

  it('takes what it runs with it when it is killed, and is started again', async () => {
    const { caller, puppet } = await begin();

    process.kill(await listener(), 'SIGKILL');

    expect(await statusOf(caller)).toBe(137);
    await until(() => !existsSync(`/proc/${puppet}`));
    expect(await apply(loaded, '# Nothing.')).toMatchObject({ status: 0 });
  });

  it('ends when its socket is removed', async () => {
    const pid = await listener();

    rmSync(socket);

    await until(() => !existsSync(`/proc/${pid}`));
  });

  async function apply(program: string[], manifest: string): Promise<{ status: number; lines: string[] }> {
    writeFileSync(join(work, 'site.pp'), `${manifest}\n`);
    const words = [...program, 'apply', '--detailed-exitcodes', '--color=false', '--confdir', work, '--vardir', work];
    const line = `cd ${work} && umask 027 && WORD='a b' exec "$@" site.pp 2>&1`;
    const { status, stdout } = await run('sh', ['-c', line, 'sh', ...words], { okStatuses: [0, 1, 2, 4] });
    const lines = stdout.trim().split('\n');
    // What facter may not see on this machine is no matter here.
    const own = lines.filter((text) => !text.startsWith('Error: Facter: '));
    return { status, lines: own.map((text) => text.replace(/[\d.]+ seconds/, 'N seconds')) };
  }

  /** A run that goes on until it is ended. */
  async function begin(): Promise<{ caller: ChildProcess; puppet: number }> {
    const note = join(work, 'pid');
    rmSync(note, { force: true });
    const manifest = `exec { "/bin/sh -c 'cut -d\\  -f4 /proc/\\$PPID/stat > ${note}.new; mv ${note}.new ${note}; exec sleep 60'": timeout => 0 }`;
    const [program = '', ...words] = [...loaded, 'apply', '--confdir', work, '--vardir', work, '-e', manifest];
    const caller = spawn(program, words, { stdio: 'ignore' });
    await until(() => existsSync(note));
    return { caller, puppet: Number(readFileSync(note, 'utf8')) };
  }

  async function listener(): Promise<number> {
    return Number((await run('pgrep', ['--full', `^ruby .*--listen ${socket}$`])).stdout);
  }
});

async function statusOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  return await new Promise((resolve) => child.once('close', (status) => resolve(status)));
}
