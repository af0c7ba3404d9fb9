import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Selectable, sql } from 'kysely';
import { messageOf } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { readTextIfExists, writeFileAtomic } from '../base/files.js';
import { formatPythonLiteral } from '../base/python-literal.js';
import { type Database, type Db, storeEvent } from '../engine/index.js';
import { type CmdbEntry, formatCmdb } from './cmdb.js';
import type { InventoryEvent } from './events.js';
import { formatState, hashOf, loadSite, type Profile, parseState, type Site, type StateLine } from './site.js';

type RecordRow = Selectable<Database['record']>;

/**
 * Brings the database up to what people wrote in the site's files: read where a file's hash is not
 * the one that was last read or written. Counts are replaced, entries added and changed; an entry
 * that a machine has stays its own.
 * @throws StackwrightError `SiteInvalid`
 */
export async function readSite(db: Db, directory: string, reporter: Reporter): Promise<Site> {
  const site = await loadSite(directory);
  if ((await changedFiles(db, site)).length === 0) return site;
  return await db.connection().execute(async (connection) => {
    return await withSiteLock(connection, site.directory, async () => {
      // Between the first look and the lock another process may have read or written the files.
      const current = await loadSite(directory);
      await mergeChanges(connection, current, reporter);
      return current;
    });
  });
}

/**
 * Shows the claims of the database in `state` and the `.cmdb` files. Calls that come while one
 * writes are served together by the next one. A failure is reported and not thrown: the claims hold.
 */
export async function showClaims(db: Db, directory: string, reporter: Reporter): Promise<void> {
  const waiting = next.get(directory);
  if (waiting) return await waiting;
  const before = running.get(directory) ?? Promise.resolve();
  const mine = before.then(() => {
    next.delete(directory);
    running.set(directory, mine);
    return writeClaims(db, directory, reporter);
  });
  next.set(directory, mine);
  await mine;
  if (running.get(directory) === mine) running.delete(directory);
}

/** By site: the write that runs, and the one that waits for it. Each holds one connection at most. */
const running = new Map<string, Promise<void>>();
const next = new Map<string, Promise<void>>();

async function writeClaims(db: Db, directory: string, reporter: Reporter): Promise<void> {
  try {
    await db.connection().execute((connection) =>
      withSiteLock(connection, directory, async () => {
        // Again where a person saved a file between our reading and our writing.
        while (!(await tryWriteClaims(connection, directory, reporter)));
      }),
    );
  } catch (error) {
    const reason = messageOf(error);
    const message = `the claims could not be written into ${directory}: ${reason}`;
    const data = { site: directory, reason };
    const event: InventoryEvent = { code: 'inventory.site.unwritten', level: 'warn', message, data };
    reporter.report(event);
    // The database itself may be what failed.
    await storeEvent(db, event).catch(() => {});
  }
}

async function tryWriteClaims(connection: Db, directory: string, reporter: Reporter): Promise<boolean> {
  const site = await loadSite(directory);
  await mergeChanges(connection, site, reporter);
  if (!(await writeState(connection, site))) return false;
  for (const { name, cmdb } of site.profiles) {
    if (!(await writeCmdb(connection, site, name, cmdb))) return false;
  }
  return true;
}

/** One process at a time reads changes into the database or writes the files; ends with the connection. */
async function withSiteLock<T>(connection: Db, directory: string, work: () => Promise<T>): Promise<T> {
  const key = `stackwright site ${directory}`;
  await sql`SELECT pg_advisory_lock(hashtextextended(${key}, 0))`.execute(connection);
  try {
    return await work();
  } finally {
    await sql`SELECT pg_advisory_unlock(hashtextextended(${key}, 0))`.execute(connection);
  }
}

/**
 * Many claims of a site are under way at once, and none while a person's changes are merged. Until
 * the transaction ends.
 */
export async function lockSite(transaction: Db, directory: string, purpose: 'claim' | 'merge'): Promise<void> {
  const key = sql`hashtextextended(${`stackwright claims ${directory}`}, 0)`;
  await (purpose === 'claim'
    ? sql`SELECT pg_advisory_xact_lock_shared(${key})`
    : sql`SELECT pg_advisory_xact_lock(${key})`
  ).execute(transaction);
}

/** The state file and the CMDB files whose content is not ours; a file that is gone has an empty hash. */
async function changedFiles(db: Db, site: Site): Promise<{ name: string; hash: string }[]> {
  const known = await db.selectFrom('site_file').selectAll().where('site', '=', site.directory).execute();
  const files = new Map(known.map(({ file }) => [file, '']));
  for (const { path, hash } of [site.state, ...site.profiles.flatMap(({ cmdb }) => cmdb?.file ?? [])]) {
    files.set(basename(path), hash);
  }
  return [...files]
    .map(([name, hash]) => ({ name, hash }))
    .filter(({ name, hash }) => {
      const row = known.find(({ file }) => file === name);
      return row?.hash !== hash && row?.writing_hash !== hash;
    });
}

async function mergeChanges(connection: Db, site: Site, reporter: Reporter): Promise<void> {
  const changed = await changedFiles(connection, site);
  if (changed.length === 0) return;
  const directory = site.directory;
  const events = await connection.transaction().execute(async (transaction) => {
    await lockSite(transaction, directory, 'merge');
    const rows = await transaction
      .selectFrom('profile')
      .select('name')
      .where('site', '=', directory)
      .orderBy('position')
      .forUpdate()
      .execute();
    const found: InventoryEvent[] = [];
    for (const { name } of changed) {
      if (/^state(\.yaml)?$/.test(name)) await mergeState(transaction, site, rows);
      else found.push(...(await mergeRecords(transaction, site, name)));
    }
    for (const { name, hash } of changed) await saveHash(transaction, directory, name, hash);
    const files = changed.map(({ name }) => name);
    const message = `read ${files.join(', ')} of ${directory}`;
    found.push({ code: 'inventory.site.read', level: 'info', message, data: { site: directory, files } });
    for (const event of found) await storeEvent(transaction, event);
    return found;
  });
  for (const event of events) reporter.report(event);
}

async function mergeState(db: Db, site: Site, rows: { name: string }[]): Promise<void> {
  const names = site.profiles.map(({ name }) => name);
  for (const { name } of rows) {
    if (names.includes(name)) continue;
    await db.deleteFrom('profile').where('site', '=', site.directory).where('name', '=', name).execute();
  }
  for (const [position, { name, remaining }] of site.profiles.entries()) {
    await db
      .insertInto('profile')
      .values({ site: site.directory, name, position, remaining })
      .onConflict((conflict) => conflict.columns(['site', 'name']).doUpdateSet({ position, remaining }))
      .execute();
  }
}

async function mergeRecords(db: Db, site: Site, file: string): Promise<InventoryEvent[]> {
  const profile = file.replace(/\.cmdb(\.yaml)?$/, '');
  const written = site.profiles.find(({ name }) => name === profile)?.cmdb?.entries ?? [];
  const rows = await db
    .selectFrom('record')
    .selectAll()
    .where('site', '=', site.directory)
    .where('profile', '=', profile)
    .orderBy('position')
    .execute();
  const { places, conflicts } = mergeEntries(rows, written);
  const kept = new Set(places.map(({ row }) => row?.id));
  const gone = rows.filter(({ id }) => !kept.has(id)).map(({ id }) => id);
  if (gone.length > 0) await db.deleteFrom('record').where('id', 'in', gone).execute();
  // Out of the way of the places that are given now: a place is unique at every moment.
  await db
    .updateTable('record')
    .set({ position: sql`-1 - position` })
    .where('site', '=', site.directory)
    .where('profile', '=', profile)
    .execute();
  const fresh = [];
  for (const [position, { row, entry, used }] of places.entries()) {
    const values = { position, entry: JSON.stringify(entry), used };
    if (row) await db.updateTable('record').set(values).where('id', '=', row.id).execute();
    else fresh.push({ ...values, site: site.directory, profile, added: '[]' });
  }
  for (let at = 0; at < fresh.length; at += 1000) {
    await db
      .insertInto('record')
      .values(fresh.slice(at, at + 1000))
      .execute();
  }
  return conflicts.map((row) => conflictEvent(site.directory, file, row));
}

function conflictEvent(site: string, file: string, row: RecordRow): InventoryEvent {
  const entry = formatPythonLiteral(row.entry);
  return {
    code: 'inventory.site.conflict',
    level: 'warn',
    message: `${file} no longer shows an entry that a machine has; it is kept: ${entry}`,
    data: { site, file, entry, machine: row.machine_id ?? '' },
  };
}

interface Place {
  row?: RecordRow;
  entry: CmdbEntry;
  used: boolean;
}

/**
 * What a person's file makes of the records. Entries that are equal are the same; a claimed one that
 * is not there is the same as an entry with which alone it shares a value (its ip, its mac); one
 * that is found nowhere, or freed, is a conflict and is kept.
 */
function mergeEntries(
  rows: readonly RecordRow[],
  written: readonly CmdbEntry[],
): { places: Place[]; conflicts: RecordRow[] } {
  const left = new Map<string, RecordRow[]>();
  for (const row of rows) {
    const key = canonical(row.entry);
    left.set(key, [...(left.get(key) ?? []), row]);
  }
  const places: Place[] = written.map((entry) => {
    return { row: left.get(canonical(entry))?.shift(), entry, used: 'used' in entry };
  });
  const missing = [...left.values()].flat().filter(({ machine_id }) => machine_id !== null);
  const conflicts: RecordRow[] = [];
  for (const row of missing.sort((a, b) => a.position - b.position)) {
    const place = findChanged(row, missing, places);
    if (!place?.used) conflicts.push(row);
    if (place) {
      const added = Object.fromEntries(row.added.map((key) => [key, row.entry[key] ?? null]));
      place.entry = place.used ? place.entry : { ...added, ...place.entry, used: 1 };
      place.used = true;
      place.row = row;
    } else {
      places.push({ row, entry: row.entry, used: true });
    }
  }
  return { places, conflicts };
}

function findChanged(row: RecordRow, missing: readonly RecordRow[], places: readonly Place[]): Place | undefined {
  const free = places.filter((place) => !place.row);
  for (const [key, value] of Object.entries(row.entry)) {
    const has = (entry: CmdbEntry) => Object.hasOwn(entry, key) && isDeepStrictEqual(entry[key], value);
    const sharing = free.filter(({ entry }) => has(entry));
    const [only] = sharing;
    if (key !== 'used' && sharing.length === 1 && missing.filter(({ entry }) => has(entry)).length === 1) {
      // A value that other entries have too (a netmask) says nothing.
      if (places.filter(({ entry }) => has(entry)).length === 1) return only;
    }
  }
  return undefined;
}

function canonical(entry: CmdbEntry): string {
  return JSON.stringify(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function writeState(connection: Db, site: Site): Promise<boolean> {
  const rows: StateLine[] = await connection
    .selectFrom('profile')
    .select(['name', 'remaining'])
    .where('site', '=', site.directory)
    .orderBy('position')
    .execute();
  // What says the same is left as a person wrote it, comments included.
  if (isDeepStrictEqual(rows, parseState(site.state.text, site.state.path))) return true;
  const { path, hash } = site.state;
  return await writeOwn(connection, site.directory, basename(path), hash, formatState(rows, path));
}

async function writeCmdb(connection: Db, site: Site, profile: string, shown: Profile['cmdb']): Promise<boolean> {
  const rows = await connection
    .selectFrom('record')
    .select('entry')
    .where('site', '=', site.directory)
    .where('profile', '=', profile)
    .orderBy('position')
    .execute();
  const entries = rows.map(({ entry }) => entry);
  const path = shown?.file.path ?? join(site.directory, `${profile}.cmdb`);
  const same = isDeepStrictEqual(entries.map(canonical), (shown?.entries ?? []).map(canonical));
  if (same && !shown?.generated) return true;
  if (shown?.generated) await writeFileAtomic(`${path}.orig`, shown.file.text, await modeOf(path));
  return await writeOwn(connection, site.directory, basename(path), shown?.file.hash ?? '', formatCmdb(entries, path));
}

/**
 * Writes a file where its content is still what was read; false where it is not. While it changes,
 * its old and its new content are both known as ours: a crash leaves one of them.
 */
async function writeOwn(connection: Db, site: string, file: string, readHash: string, text: string): Promise<boolean> {
  const path = join(site, file);
  const present = await readTextIfExists(path);
  if ((present === undefined ? '' : hashOf(present)) !== readHash) return false;
  const hashes = { hash: readHash, writing_hash: hashOf(text) };
  await connection
    .insertInto('site_file')
    .values({ site, file, ...hashes })
    .onConflict((conflict) => conflict.columns(['site', 'file']).doUpdateSet(hashes))
    .execute();
  await writeFileAtomic(path, text, await modeOf(path));
  await saveHash(connection, site, file, hashOf(text));
  return true;
}

async function saveHash(db: Db, site: string, file: string, hash: string): Promise<void> {
  await db
    .insertInto('site_file')
    .values({ site, file, hash, writing_hash: null })
    .onConflict((conflict) => conflict.columns(['site', 'file']).doUpdateSet({ hash, writing_hash: null }))
    .execute();
}

async function modeOf(path: string): Promise<number> {
  return existsSync(path) ? (await stat(path)).mode & 0o777 : 0o644;
}
