import { type ChangePlan, inventoryMachines, planChanges } from '../../deploy/index.js';
import { firstContact, parseSetting } from '../answer-source.js';
import { outputColors } from '../colors.js';
import { type CliContext, command } from '../context.js';
import { lazyDatabase } from '../lazy-database.js';
import type { PlanFlags } from './deploy.js';

export async function planDeployment(this: CliContext, flags: PlanFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const { answerFile, timeout, sshConfig, hostKeys, excludeServers } = flags;
    const overrides = new Map((flags.set ?? []).map(parseSetting));
    if (excludeServers !== undefined) overrides.set('EXCLUDE_SERVERS', excludeServers);
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    await using database = lazyDatabase(async () => state);
    const findMachines = inventoryMachines(database.open);
    const ssh = sshConfig === undefined ? {} : { sshConfigFile: sshConfig };
    const wanted = { state, reporter, answerFile, timeout, overrides, findMachines, ...ssh };
    const plan = await planChanges({ ...wanted, firstContact: firstContact(this, hostKeys) });
    if (flags.json) this.printJson(plan);
    else for (const line of planLines(plan)) this.print(line);
  });
}

function* planLines({ hosts }: ChangePlan): Generator<string> {
  for (const { host, packages, manifests } of hosts) {
    yield outputColors.bold(host);
    if (packages.length > 0) yield `  ${outputColors.yellow('would first install')} ${packages.join(' ')}`;
    for (const { manifest, state, changes, unknown } of manifests) {
      const count = changes.length === 0 ? '' : `: ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}`;
      yield `  ${manifest}${state === 'same' ? ': nothing changes' : count}`;
      for (const { resource, property, what } of changes) {
        yield `    ${outputColors.green('~')} ${resource}${property === null ? '' : ` ${property}`}: ${what}`;
      }
      for (const { resource, why } of unknown) {
        yield `    ${outputColors.yellow('?')} ${resource === null ? '' : `${resource}: `}${why}`;
      }
    }
  }
}
