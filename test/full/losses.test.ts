// A deployment that loses what it works with: its own process, ten times at random moments, and the network of its host.
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootHost, canBootHost, type NspawnHost } from '../conformance/nspawn-host.js';
import { json, start, until } from '../e2e/rig.js';
import { changesOf, type Outcome } from './cloud.js';

const MINUTES = 60_000;
const KILLS = 10;

describe.skipIf(!canBootHost)('a deployment', () => {
  let host: NspawnHost;
  let state: string;
  let deploy: string[];

  beforeAll(async () => {
    host = await bootHost([
      ...['memcached', 'mariadb-server', 'rabbitmq-server'],
      ...['puppet-module-saz-memcached', 'puppet-module-puppetlabs-mysql', 'puppet-module-puppetlabs-rabbitmq'],
    ]);
    state = host.state.root;
    const answers = readFileSync(host.answers, 'utf8');
    writeFileSync(host.answers, `${answers}CONFIG_MARIADB_INSTALL=y\nCONFIG_AMQP_INSTALL=y\n`, { mode: 0o600 });
    deploy = ['deploy', '--answer-file', host.answers, '--ssh-config', host.sshConfig];
  }, 10 * MINUTES);

  afterAll(async () => await host.stop());

  it('that is killed ten times at random moments ends as one that is not', { timeout: 30 * MINUTES }, async () => {
    const moments: number[] = [];
    let words = deploy;
    for (let killed = 0; killed < KILLS; ) {
      const process = start(state, [...words, '--json']);
      const moment = randomInt(300, 9000);
      await Promise.race([process.ended, delay(moment)]);
      const ended = process.child.exitCode !== null;
      if (!ended) {
        process.child.kill('SIGKILL');
        moments.push(moment);
        killed++;
      }
      await process.ended;
      // One that was killed before it had a run leaves nothing to resume, and one that is done begins anew.
      const [latest] = await json<{ state: string }[]>(state, 'deploy', 'list');
      const unfinished = latest !== undefined && latest.state !== 'done';
      words = unfinished ? ['deploy', 'resume'] : [...deploy, '--reapply'];
    }

    const outcome = await json<Outcome>(state, ...words);

    expect(outcome, `killed after ${moments} ms`).toMatchObject({ state: 'done', failures: [] });
    for (const unit of ['mariadb', 'rabbitmq-server', 'memcached']) {
      expect(await host.onHost(['systemctl', 'is-active', unit])).toBe('active\n');
    }
    expect(await host.onHost(['ls', '/run/stackwright', '/usr/sbin'])).not.toMatch(/apply|policy-rc\.d/);
    const again = await json<Outcome>(state, ...deploy, '--reapply');
    expect(changesOf(state, again.run)).toEqual([]);
  });

  it('waits for a host that loses its network while puppet works', { timeout: 30 * MINUTES }, async () => {
    const running = start(state, [...deploy, '--reapply', '--set', 'CONFIG_MEMCACHED_MAX_MEMORY=99', '--json']);
    const isApplied = () => running.events.some(({ data }) => data.title === 'apply the manifest rabbitmq');
    await until(() => isApplied() || running.child.exitCode !== null);
    await host.setNetwork('down');
    // Longer than ssh waits for an answer.
    await delay(90_000);
    await host.setNetwork('up');

    const { status, stdout } = await running.ended;

    const outcome: Outcome = JSON.parse(stdout);
    expect([status, outcome.state, outcome.failures]).toEqual([0, 'done', []]);
    expect(outcome.steps.filter(({ starts }) => starts > 1)).toEqual([]);
    expect(await host.onHost(['cat', '/etc/memcached.conf'])).toContain('-m 99');
  });
});
