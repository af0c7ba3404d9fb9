import { join } from 'node:path';
import { sql } from 'kysely';
import { StackwrightError } from '../base/errors.js';
import type { Db } from '../engine/index.js';
import { type DeployOptions, type DeployOutcome, deployRun } from './run.js';
import { readSavedRun, runDirectory } from './run-directory.js';

/**
 * Stops what a deployment has started, and with `clean` removes what it has installed: its hooks first, then its
 * manifests in reverse. A durable run as a deployment, with the answers, hosts and hooks of that.
 * @throws StackwrightError `RunUnknown`, `NothingDeployed`, and those of `deployRun`
 */
export async function undeployRun(
  options: Pick<DeployOptions, 'state' | 'db' | 'reporter' | 'runId'> & { kind: 'unstack' | 'clean' },
): Promise<DeployOutcome> {
  const { state, db, reporter, kind } = options;
  const deployed = options.runId ?? (await latestDeployment(db));
  const directory = runDirectory(state, deployed);
  const saved = await readSavedRun(directory, deployed);
  return await deployRun({
    state,
    db,
    reporter,
    kind,
    answerFile: join(directory, 'answers.txt'),
    ...(saved.hasSshConfig ? { sshConfigFile: join(directory, 'ssh_config') } : {}),
    timeout: saved.timeout,
    site: saved.site,
    hookTimeout: saved.hookTimeout,
  });
}

async function latestDeployment(db: Db): Promise<string> {
  const found = await db
    .selectFrom('run')
    .select('id')
    .where(sql<boolean>`plan ->> 'kind' = 'deploy'`)
    .orderBy('created_at', 'desc')
    .executeTakeFirst();
  if (found) return found.id;
  throw new StackwrightError('NothingDeployed', 'nothing was deployed from this state directory', {
    hint: 'stackwright deploy list shows all runs',
  });
}
