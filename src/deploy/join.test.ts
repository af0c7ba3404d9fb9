import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentReporter } from '../base/events.js';
import { type StateDirectory, stateDirectory } from '../base/state.js';
import { databaseUrl } from '../engine/cluster.js';
import { scratchState } from '../engine/scratch.fixture.js';
import { joinDeployment } from './join.js';
import { planRun } from './run.js';

const scratch = scratchState();
let other: StateDirectory;
let site: string;

/** In place of ssh: every host is this machine. */
const fakeSsh = `#!/bin/sh
case " $* " in *" -O "* | *" -N "*) exit 0;; esac
for last; do :; done
exec sh -c "$last"
`;

beforeEach(async () => {
  other = stateDirectory(mkdtempSync(join(tmpdir(), 'stackwright-')));
  site = join(other.root, 'site');
  mkdirSync(site);
  mkdirSync(other.path('programs'));
  writeFileSync(other.path('programs', 'ssh'), fakeSsh, { mode: 0o755 });
  vi.stubEnv('PATH', `${other.path('programs')}:${process.env.PATH}`);
  vi.stubEnv('DATABASE_URL', await databaseUrl(scratch.state));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(other.root, { recursive: true });
});

/** A run that was begun with the first state directory, and has ended there. */
async function begun(run: string): Promise<string> {
  const answerFile = join(site, 'answers.txt');
  const answers = ['[general]', 'CONFIG_KEYSTONE_INSTALL=n', 'CONFIG_CONTROLLER_HOST=ctl', 'CONFIG_SSH_KEY=', ''];
  writeFileSync(answerFile, answers.join('\n'), { mode: 0o600 });
  const { directory } = await planRun({ state: scratch.state, answerFile, reporter: silentReporter, runId: run });
  mkdirSync(join(directory, 'logs'));
  await scratch.db.insertInto('run').values({ id: run, state: 'done', directory, plan: '{}', error: null }).execute();
  return directory;
}

const joining = (run: string, from?: string) =>
  joinDeployment({ state: other, db: scratch.db, reporter: silentReporter, run, ...(from ? { from } : {}) });

it('says how a run comes to a machine that has not its answers', async () => {
  await begun('elsewhere');

  await expect(joining('elsewhere')).rejects.toMatchObject({
    code: 'RunElsewhere',
    details: { hint: expect.stringContaining('stackwright deploy worker --from HOST elsewhere') },
  });
  await expect(joining('nobody')).rejects.toMatchObject({ code: 'RunUnknown' });
});

it('fetches answers and manifests, kept as they are, and no logs', async () => {
  const directory = await begun('fetched');

  // It has ended, so there is nothing to help with.
  await expect(joining('fetched', 'ctl1')).rejects.toMatchObject({ code: 'RunNotUnderWay' });

  const fetched = other.path('runs', 'fetched');
  expect(readdirSync(fetched).sort()).toEqual(
    readdirSync(directory)
      .filter((name) => name !== 'logs')
      .sort(),
  );
  expect(statSync(fetched).mode & 0o777).toBe(0o700);
  expect(statSync(join(fetched, 'answers.txt')).mode & 0o777).toBe(0o600);
  expect(readdirSync(other.path('runs'))).toEqual(['fetched']);
});

it('refuses a run that this machine would plan otherwise, such as for a plugin that it does not have', async () => {
  await begun('other');
  await expect(joining('other', 'ctl1')).rejects.toMatchObject({ code: 'RunNotUnderWay' });
  const manifest = other.path('runs', 'other', 'hosts', 'ctl', 'manifests');
  writeFileSync(join(manifest, readdirSync(manifest)[0] ?? ''), '# another');

  await expect(joining('other')).rejects.toMatchObject({ code: 'RunPlanChanged' });
});
