// Hooks in a deployment on a host that boots in systemd-nspawn: a service of their own from install to clean, a
// setting for a deployed service before it starts, and a run that goes on after a hook was put right.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootHost, canBootHost, HOST_ADDRESS, type NspawnHost } from '../conformance/nspawn-host.js';

const library = (broken: string) => `# lib/small
SMALL_CONF_DIR=\${SMALL_CONF_DIR:-/etc/small}
SMALL_CONF=$SMALL_CONF_DIR/small.conf

function install_small {
    install_package socat
}

function configure_small {
    sudo install -d -o $STACK_USER $SMALL_CONF_DIR
    iniset $SMALL_CONF DEFAULT colour green
}

function init_small {
    ${broken}
    iniset $SMALL_CONF DEFAULT colour $SMALL_COLOUR
}

function start_small {
    run_process small "/usr/bin/socat TCP-LISTEN:4040,bind=$HOST_IP,fork,reuseaddr OPEN:$SMALL_CONF,rdonly"
}

function stop_small {
    stop_process small
}

function cleanup_small {
    uninstall_package socat
    sudo rm -rf $SMALL_CONF_DIR
}
`;

const extras = `# small.sh - extras script to install small
echo "$1 $2 memcached=$(systemctl is-active memcached)" >> /root/calls

if is_service_enabled small; then
    if [[ "$1" == "source" ]]; then
        # Initial source
        source $TOP_DIR/lib/small
    elif [[ "$1" == "stack" && "$2" == "install" ]]; then
        echo_summary "Installing small"
        install_small
        configure_small
    elif [[ "$1" == "stack" && "$2" == "post-config" ]]; then
        init_small
        echo "the password is $SMALL_PASSWORD"
    elif [[ "$1" == "stack" && "$2" == "extra" ]]; then
        start_small
    fi

    if [[ "$1" == "unstack" ]]; then
        stop_small
    fi

    if [[ "$1" == "clean" ]]; then
        cleanup_small
    fi
fi
`;

const setting = `if [[ "$1 $2" == "stack post-config" ]]; then
    is_service_enabled memcached
    sed -i 's/^-m .*/-m 77/' /etc/memcached.conf
fi
`;

const localConf = `[[local|localrc]]
enable_service small
SMALL_COLOUR=blue
SMALL_PASSWORD=sesame-open

[[post-config|$SMALL_CONF]]
[late]
merged = yes
`;

const typescript = `export async function extra({ controller, run, say }) {
  const { stdout } = await run(controller, ['cat', '/etc/small/small.conf']);
  say('small has ' + stdout.trim().split('\\n').length + ' lines');
}
`;

interface StepRow {
  title: string;
  logFile: string;
  state: string;
  starts: number;
}

describe.skipIf(!canBootHost)('hooks of a deployment', () => {
  let host: NspawnHost;

  beforeAll(async () => {
    host = await bootHost(['memcached', 'puppet-module-saz-memcached', 'socat']);
    write('extras.d/70-small.sh', extras);
    write('extras.d/75-memcached.sh', setting);
    write('extras.d/80-look.ts', typescript);
    write('lib/small', library('cat /nowhere'));
    write('local.conf', localConf);
  });

  afterAll(async () => await host.stop());

  it('a failing hook ends the run; put right, the run goes on at its phase and starts services after it', async () => {
    const failed = JSON.parse(await host.outputOf(deploy(), [1]));

    expect(failed).toMatchObject({ state: 'failed' });
    const [failure] = failed.failures;
    expect(failure).toMatchObject({ step: 'hooks.stack.post-config@ctl', code: 'HookFailed', value: 'cat /nowhere' });
    expect(failure.message).toBe('70-small.sh in the phase stack post-config failed: cat /nowhere ended with status 1');
    expect(failure.hint).toContain('extras.d/70-small.sh:13');
    expect(failure.hint).toContain('cat: /nowhere: No such file or directory');
    expect(await host.onHost(['systemctl', 'is-active', 'memcached'], [0, 3])).toBe('inactive\n');

    write('lib/small', library('true'));
    const outcome = JSON.parse(await host.outputOf(['deploy', 'resume', '--json']));

    expect(outcome).toMatchObject({ run: failed.run, state: 'done' });
    const rows = outcome.steps.map((step: StepRow) => [step.title, step.starts]);
    expect(rows.filter(([title]: [string]) => /hooks|manifest memcached/.test(title))).toEqual([
      ['run the hooks override_defaults', 1],
      ['run the hooks source', 1],
      ['run the hooks stack pre-install', 1],
      ['apply the manifest memcached, starting nothing', 1],
      ['run the hooks stack install', 1],
      ['run the hooks stack post-config', 2],
      ['start the services of the manifest memcached', 1],
      ['run the hooks stack extra', 1],
      ['run the hooks stack test-config', 1],
    ]);
    const calls = (await host.onHost(['cat', '/root/calls'])).trim().split('\n');
    expect(calls).toEqual([
      'override_defaults  memcached=inactive',
      'source  memcached=inactive',
      'stack pre-install memcached=inactive',
      'stack install memcached=inactive',
      'stack post-config memcached=inactive',
      'stack post-config memcached=inactive',
      'stack extra memcached=active',
      'stack test-config memcached=active',
    ]);
  });

  it('the service of the hooks answers with its configuration, and memcached runs with the setting', async () => {
    expect(await answer()).toBe('[DEFAULT]\ncolour = blue\n\n[late]\nmerged = yes\n');
    expect(await host.onHost(['pgrep', '--list-full', 'memcached'])).toContain(' -m 77 ');
  });

  it('masks secrets of local.conf in the log', async () => {
    const [run] = JSON.parse(await host.outputOf(['deploy', 'list', '--json']));
    const { report } = JSON.parse(await host.outputOf(['deploy', 'show', run.run, '--json']));
    const step = report.find(({ title }: StepRow) => title === 'run the hooks stack post-config');

    expect(readFileSync(step.logFile, 'utf8')).toContain('the password is ********');
  });

  it('unstack stops what runs, clean removes what was installed, and neither does it twice', async () => {
    const stopped = JSON.parse(await host.outputOf(['unstack', '--json']));

    expect(stopped).toMatchObject({ state: 'done' });
    const units = ['devstack@small', 'memcached'];
    expect(await host.onHost(['systemctl', 'is-active', ...units], [0, 3, 4])).toBe('inactive\ninactive\n');
    expect(await host.onHost(['cat', '/etc/small/small.conf'])).toContain('blue');

    const cleaned = JSON.parse(await host.outputOf(['clean', '--json']));

    expect(cleaned).toMatchObject({ state: 'done' });
    const wanted = ['memcached', 'puppet-module-saz-memcached', 'socat', 'puppet-agent'];
    const query = ['dpkg-query', '--show', '--showformat', '${db:Status-Status} ${Package}\n', ...wanted];
    const left = (await host.onHost(query, [0, 1])).split('\n').filter((line) => line.startsWith('installed'));
    // Puppet was there before.
    expect(left).toEqual(['installed puppet-agent']);
    expect(await host.onHost(['ls', '/etc/small', '/var/tmp/stackwright'], [0, 2])).not.toContain('2026');
    const calls = (await host.onHost(['cat', '/root/calls'])).trim().split('\n').slice(8);
    expect(calls.map((call) => call.split(' ')[0])).toEqual([
      ...['override_defaults', 'source', 'unstack'],
      ...['override_defaults', 'source', 'unstack', 'clean'],
    ]);
  });

  function deploy(): string[] {
    return ['deploy', '--answer-file', host.answers, '--ssh-config', host.sshConfig, '--json'];
  }

  /** What the service of the hooks says. */
  async function answer(): Promise<string> {
    return await host.onHost(['bash', '-c', `cat < /dev/tcp/${HOST_ADDRESS}/4040`]);
  }

  function write(name: string, text: string): void {
    const path = join(dirname(host.answers), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
});
