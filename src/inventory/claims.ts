import { type RawBuilder, sql } from 'kysely';
import pLimit from 'p-limit';
import { hasCode, StackwrightError } from '../base/errors.js';
import type { Json, Reporter } from '../base/events.js';
import { type Db, storeEvent } from '../engine/index.js';
import { type CmdbEntry, chooseEntry, mergeEntry, unmergeEntry } from './cmdb.js';
import type { InventoryEvent } from './events.js';
import { type Facts, identityOf, machineName, saveFacts, traitsOf } from './facts.js';
import { keepHardware } from './hardware-store.js';
import {
  changeState,
  isCounted,
  type Machine,
  mayInstall,
  releaseRecord,
  returnCount,
  setMachineState,
  upsertMachine,
} from './machines.js';
import { matchSpecs } from './match.js';
import { type Explanation, explainText, type Profile, type Site } from './site.js';
import { lockSite, readSite, showClaims } from './site-files.js';
import { takeToken } from './tokens.js';

export type Registration =
  /** The machine has the profile and its CMDB entry; `variables` go into its configure script. */
  | { outcome: 'matched'; machine: Machine; profile: Profile; variables: Record<string, Json> }
  | { outcome: 'no-match'; machine: Machine; explanations: Explanation[]; text: string }
  | { outcome: 'out-of-records'; machine: Machine; profile: string; text: string }
  /** It is installed or up: its state must be set to `discovered` before it is installed again. */
  | { outcome: 'already-installed'; machine: Machine; text: string }
  /** It is failed, held or retired: not installed until a person lets it go. */
  | { outcome: 'held'; machine: Machine; text: string };

export interface RegistrationOptions {
  /** The one-time token of the machine's ramdisk: its machine is the one that registers. */
  token?: string;
  /** The bundle of which the facts were made: it is kept, so that they can be made anew. */
  hardware?: string;
  /** Where the facts are saved as `NAME.hw`; not saved without it. */
  hwDirectory?: string;
}

/**
 * Fewer at once than the database has connections: hundreds wait here, and not for a connection, which
 * they give up in the end. They do not wait for the site's files, which are written for many together.
 */
const claiming = pLimit(8);

/**
 * A machine posts its facts: finds its profile, claims its CMDB entry and decrements the count, in
 * one transaction, and shows it in the site's files. A machine that comes again gets the same.
 * @param directory the site
 * @throws StackwrightError `SiteInvalid`, `MachineUnidentified`, `TokenInvalid`, `MachineAlive`, `SpecNotApplicable`, `MatchTooDeep`
 */
export async function registerMachine(
  db: Db,
  directory: string,
  facts: Facts,
  reporter: Reporter,
  options: RegistrationOptions = {},
): Promise<Registration> {
  const { registration, events, changedSites } = await keepingFacts(facts, options.hwDirectory, () =>
    claiming(async () => {
      const site = await readSite(db, directory, reporter);
      return await tryingAgain(() =>
        db.transaction().execute((transaction) => new Claim(transaction, site, facts).register(options)),
      );
    }),
  );
  for (const event of events) reporter.report(event);
  for (const changed of changedSites) await showClaims(db, changed, reporter);
  return registration;
}

/**
 * An installation failed: the machine is `failed`, its profile's count is given back once, and its
 * CMDB entry stays its own. Where only the profile is known, its count is given back.
 * @throws StackwrightError `MachineStateInvalid`, `MachineUnknown`, `ProfileUnknown`
 */
export async function reportFailure(
  db: Db,
  directory: string,
  who: { machineId: string } | { profile: string },
  reason: string,
  reporter: Reporter,
): Promise<void> {
  if ('machineId' in who) {
    await setMachineState(db, who.machineId, 'failed', reason, reporter, 'machine');
    return;
  }
  const site = await readSite(db, directory, reporter);
  if (!site.profiles.some(({ name }) => name === who.profile)) {
    throw new StackwrightError('ProfileUnknown', `the site has no profile ${who.profile}`, {
      file: site.state.path,
      value: who.profile,
      hint: `its profiles are ${site.profiles.map(({ name }) => name).join(', ')}`,
    });
  }
  await returnCount(db, { site: site.directory, profile: who.profile });
  await showClaims(db, site.directory, reporter);
}

/**
 * Saves the facts also where the registration fails, so that a person can try the specs with them;
 * not those of somebody without a token, and not over those of a machine that is installed or set aside.
 */
async function keepingFacts(
  facts: Facts,
  directory: string | undefined,
  register: () => Promise<ClaimResult>,
): Promise<ClaimResult> {
  const save = () => (directory === undefined ? undefined : saveFacts(directory, facts));
  let result: ClaimResult;
  try {
    result = await register();
  } catch (error) {
    const isRefused = error instanceof StackwrightError && ['TokenInvalid', 'MachineAlive'].includes(error.code);
    if (!isRefused) await save();
    throw error;
  }
  if (!['held', 'already-installed'].includes(result.registration.outcome)) await save();
  return result;
}

/** Another claim took the last one of a profile's count between our look and our claim. */
class CountGone extends Error {}

/**
 * Machines that change their profiles crosswise may wait for each other; PostgreSQL ends one, which
 * tries again. So does a machine that came too late for its profile: it sees that now, and goes on.
 */
async function tryingAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(hasCode(error, '40P01') || error instanceof CountGone) || attempt === 10) throw error;
    }
  }
}

interface ClaimResult {
  registration: Registration;
  events: InventoryEvent[];
  /** Sites whose files no longer show what is claimed. */
  changedSites: Set<string>;
}

/**
 * One registration, inside its transaction. Rows are locked in the order machine, record, profile. A
 * record is locked where it is found and skipped by others; the count comes last, because all claims
 * of a profile wait there until the one before is committed.
 */
class Claim {
  private readonly db: Db;
  private readonly site: Site;
  private readonly facts: Facts;
  private readonly events: InventoryEvent[] = [];
  private readonly changedSites = new Set<string>();
  /** The profile whose count is to be taken at the end. */
  private counts: string | undefined;

  constructor(db: Db, site: Site, facts: Facts) {
    this.db = db;
    this.site = site;
    this.facts = facts;
  }

  async register({ token, hardware }: RegistrationOptions): Promise<ClaimResult> {
    const machine = await this.saveMachine(token);
    if (hardware !== undefined && mayInstall(machine)) await keepHardware(this.db, machine.id, hardware);
    await lockSite(this.db, this.site.directory, 'claim');
    const registration = await this.decide(machine);
    for (const event of this.events) await storeEvent(this.db, event, { machineId: machine.id });
    if (this.counts !== undefined) await this.takeCount(this.counts);
    return { registration, events: this.events, changedSites: this.changedSites };
  }

  private async decide(machine: Machine): Promise<Registration> {
    if (machine.state === 'installed' || machine.state === 'up') {
      const text = `${machine.name} is already installed (${machine.state}); "stackwright node reinstall" lets it be installed again`;
      return { outcome: 'already-installed', machine, text };
    }
    if (!mayInstall(machine)) {
      const text = `${machine.name} is ${machine.state}: ${machine.reason ?? ''}; "stackwright node release" lets it go`;
      return { outcome: 'held', machine, text };
    }
    const explanations: Explanation[] = [];
    for (const profile of this.inOrder(machine)) {
      const taken = await this.tryProfile(machine, profile, explanations);
      if (taken) return taken;
    }
    return await this.refuse(machine, explanations);
  }

  /** The profile that the machine had comes first: a machine that comes again gets the same. */
  private inOrder(machine: Machine): Profile[] {
    const own = machine.site === this.site.directory ? machine.profile : null;
    return [...this.site.profiles].sort((a, b) => Number(b.name === own) - Number(a.name === own));
  }

  private async tryProfile(
    machine: Machine,
    profile: Profile,
    explanations: Explanation[],
  ): Promise<Registration | undefined> {
    const holds = isCounted(machine) && machine.profile === profile.name && machine.site === this.site.directory;
    if (!holds && (await this.remaining(profile.name)) === 0) {
      explanations.push({ profile: profile.name, reason: 'exhausted' });
      return undefined;
    }
    const result = matchSpecs(this.facts, profile.specs);
    if (!result.matched) {
      explanations.push({ profile: profile.name, reason: 'mismatch', ...result.miss });
      return undefined;
    }
    const variables = await this.claimRecord(machine, profile.name, result.variables, result.forced);
    if (variables === undefined) {
      // Those who have the last entries have the last of the count too.
      if (!holds && (await this.remaining(profile.name)) === 0) throw new CountGone();
      return await this.outOfRecords(machine, profile, result.forced);
    }
    if (!holds) {
      await this.dropClaim(machine, profile.name);
      this.counts = profile.name;
    }
    return await this.matched(machine, profile, variables);
  }

  /** How many more may be installed; null is without limit. Others may take it until we have. */
  private async remaining(profile: string): Promise<number | null> {
    const row = await this.db
      .selectFrom('profile')
      .select('remaining')
      .where('site', '=', this.site.directory)
      .where('name', '=', profile)
      .executeTakeFirst();
    // Taken out of the state file between the reading and now.
    return row ? row.remaining : 0;
  }

  /** @throws CountGone */
  private async takeCount(profile: string): Promise<void> {
    const { numUpdatedRows } = await this.db
      .updateTable('profile')
      .set((row) => ({ remaining: row('remaining', '-', 1) }))
      .where('site', '=', this.site.directory)
      .where('name', '=', profile)
      .where('remaining', '>', 0)
      .executeTakeFirst();
    if (numUpdatedRows === 0n && (await this.remaining(profile)) !== null) throw new CountGone();
    this.changedSites.add(this.site.directory);
  }

  /** What another profile, or this one before, gave the machine goes back, except its entry of this profile. */
  private async dropClaim(machine: Machine, profile: string): Promise<void> {
    if (machine.site !== null) this.changedSites.add(machine.site);
    if (isCounted(machine)) await returnCount(this.db, machine);
    const other = await this.db
      .selectFrom('record')
      .select('id')
      .where('machine_id', '=', machine.id)
      .where((where) => where.or([where('site', '!=', this.site.directory), where('profile', '!=', profile)]))
      .executeTakeFirst();
    if (other) await releaseRecord(this.db, machine.id);
  }

  /** The variables with the machine's CMDB entry; undefined when the profile is out of entries. */
  private async claimRecord(
    machine: Machine,
    profile: string,
    variables: Record<string, string>,
    forced: Record<string, string>,
  ): Promise<Record<string, Json> | undefined> {
    const own = await this.ownRecord(machine, profile, forced);
    const chosen = own ?? (await this.freeRecord(profile, variables, forced));
    if (chosen === 'no-cmdb') return variables;
    if (chosen === undefined) return undefined;
    if (!own) await releaseRecord(this.db, machine.id);
    const base: CmdbEntry = own ? unmergeEntry(own.entry, own.added) : chosen.entry;
    const { entry, added } = mergeEntry(base, variables);
    await this.db
      .updateTable('record')
      .set({ entry: JSON.stringify(entry), added: JSON.stringify(added), used: true, machine_id: machine.id })
      .where('id', '=', chosen.id)
      .execute();
    this.changedSites.add(this.site.directory);
    return entry;
  }

  private async ownRecord(machine: Machine, profile: string, forced: Record<string, string>) {
    return await this.db
      .selectFrom('record')
      .select(['id', 'entry', 'added'])
      .where('machine_id', '=', machine.id)
      .where('site', '=', this.site.directory)
      .where('profile', '=', profile)
      .where(sql<boolean>`entry @> ${JSON.stringify(forced)}::jsonb`)
      .executeTakeFirst();
  }

  private async freeRecord(profile: string, variables: Record<string, string>, forced: Record<string, string>) {
    const wanted = Object.keys(forced).length > 0 ? forced : variables;
    // Only the entries that chooseEntry can choose: those that have the variables, and the first free one.
    for (const waits of [false, true]) {
      const having = await this.lockRecord(profile, sql<boolean>`entry @> ${JSON.stringify(wanted)}::jsonb`, waits);
      const first = chosen(having, variables, forced);
      if (first) return first;
      const second = chosen(await this.lockRecord(profile, sql<boolean>`not used`, waits), variables, forced);
      if (second) return second;
      // What is locked by other claims may come free again: before we refuse, we wait for them.
    }
    const some = await this.records(profile).limit(1).executeTakeFirst();
    return some ? undefined : ('no-cmdb' as const);
  }

  private async lockRecord(profile: string, condition: RawBuilder<boolean>, waits: boolean) {
    const first = this.records(profile).where('machine_id', 'is', null).where(condition).orderBy('position').limit(1);
    const locked = first.forUpdate();
    return await (waits ? locked : locked.skipLocked()).executeTakeFirst();
  }

  private records(profile: string) {
    return this.db
      .selectFrom('record')
      .select(['id', 'entry'])
      .where('site', '=', this.site.directory)
      .where('profile', '=', profile);
  }

  private async matched(machine: Machine, profile: Profile, variables: Record<string, Json>): Promise<Registration> {
    const saved = await this.db
      .updateTable('machine')
      .set({
        state: machine.state === 'installing' ? 'installing' : 'matched',
        reason: null,
        profile: profile.name,
        site: this.site.directory,
        variables: JSON.stringify(variables),
        updated_at: new Date(),
      })
      .where('id', '=', machine.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    this.events.push({
      code: 'inventory.machine.matched',
      level: 'info',
      message: `${machine.name} is a ${profile.name}`,
      data: { machine: machine.id, profile: profile.name, site: this.site.directory },
    });
    return { outcome: 'matched', machine: saved, profile, variables };
  }

  private async outOfRecords(
    machine: Machine,
    { name: profile, cmdb }: Profile,
    forced: Record<string, string>,
  ): Promise<Registration> {
    const wanted = Object.entries(forced).map(([key, value]) => `${key} ${value}`);
    const file = cmdb?.file.path ?? `the records of ${profile}`;
    const text =
      wanted.length > 0
        ? `${machine.name} is a ${profile}, but no free entry of ${file} has ${wanted.join(', ')}`
        : `${machine.name} is a ${profile}, but every entry of ${file} is used`;
    const data = { machine: machine.id, profile, site: this.site.directory };
    this.events.push({ code: 'inventory.machine.out-of-records', level: 'error', message: text, data });
    return { outcome: 'out-of-records', machine: await this.setAside(machine, text), profile, text };
  }

  private async refuse(machine: Machine, explanations: Explanation[]): Promise<Registration> {
    const text = explainText(explanations);
    const message = `${machine.name} matches no profile: ${text.replaceAll(/\n */g, '; ')}`;
    const data = { machine: machine.id, site: this.site.directory, reason: text };
    this.events.push({ code: 'inventory.machine.unmatched', level: 'warn', message, data });
    return { outcome: 'no-match', machine: await this.setAside(machine, text), explanations, text };
  }

  /** Without a profile now: a machine that counted before gives its count back. */
  private async setAside(machine: Machine, reason: string): Promise<Machine> {
    if (isCounted(machine)) {
      const changed = await changeState(this.db, machine.id, 'failed', reason, 'server');
      if (changed.claimChanged && machine.site) this.changedSites.add(machine.site);
      return changed.machine;
    }
    return await this.db
      .updateTable('machine')
      .set({ reason, updated_at: new Date() })
      .where('id', '=', machine.id)
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** The machine's row, locked, with its facts; those of a machine that is set aside or installed are kept. */
  private async saveMachine(token: string | undefined): Promise<Machine> {
    const identity = identityOf(traitsOf(this.facts));
    const { machine, isNew } =
      token === undefined
        ? await upsertMachine(this.db, identity)
        : { machine: await takeToken(this.db, token, identity), isNew: false };
    if (!mayInstall(machine)) return machine;
    const saved = await this.db
      .updateTable('machine')
      .set({ name: machineName(this.facts), facts: JSON.stringify(this.facts), updated_at: new Date() })
      .where('id', '=', machine.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    if (isNew) {
      const { id, name } = saved;
      const data = { machine: id, name, identity };
      this.events.push({ code: 'inventory.machine.discovered', level: 'info', message: `${name} is new`, data });
    }
    return saved;
  }
}

function chosen<R extends { entry: CmdbEntry }>(
  record: R | undefined,
  variables: Record<string, string>,
  forced: Record<string, string>,
): R | undefined {
  return record && chooseEntry([record.entry], variables, forced) === 0 ? record : undefined;
}
