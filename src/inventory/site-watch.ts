import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { type Db, storeEvent } from '../engine/index.js';
import type { InventoryEvent } from './events.js';
import { readSite, showClaims } from './site-files.js';

/** An editor writes a file in several steps; what it does within this time is one change. */
const SETTLE_MS = 300;

/**
 * Reads a site whenever a person changes it, so that a conflict or a mistake is named at once and
 * not when the next machine comes. Where the file system tells of no changes (NFS) each claim still
 * reads them.
 * @returns ends it
 */
export function followSite(db: Db, directory: string, reporter: Reporter): AsyncDisposable {
  let timer: NodeJS.Timeout | undefined;
  let reading: Promise<void> = Promise.resolve();
  let lastMistake = '';

  async function read(): Promise<void> {
    try {
      await readSite(db, directory, reporter);
      lastMistake = '';
      // A claim that the edit has taken away stands in the file again.
      await showClaims(db, directory, reporter);
    } catch (error) {
      const reason = [messageOf(error), error instanceof StackwrightError && error.place].filter(Boolean).join(', ');
      if (reason === lastMistake) return;
      lastMistake = reason;
      const message = `${directory} was changed and is wrong: ${reason}`;
      const data = { site: directory, reason };
      const event: InventoryEvent = { code: 'inventory.site.wrong', level: 'error', message, data };
      reporter.report(event);
      // The database itself may be what failed.
      await storeEvent(db, event).catch(() => {});
    }
  }

  function changed(name: string | null): void {
    // Our own writing begins with a hidden file beside the other; the .orig files are nobody's.
    if (name !== null && !isOfSite(basename(name))) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      reading = reading.then(read);
    }, SETTLE_MS);
  }

  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(directory, { persistent: false }, (_event, name) => changed(name));
    // The directory went away: the next claim says so.
    watcher.on('error', () => watcher?.close());
  } catch {
    // Too many watches on this host: each claim still reads the files.
  }
  return {
    async [Symbol.asyncDispose]() {
      watcher?.close();
      clearTimeout(timer);
      await reading;
    },
  };
}

function isOfSite(name: string): boolean {
  return /^state(\.yaml)?$|\.(specs|cmdb)(\.yaml)?$|\.configure$|\.layout\.yaml$/.test(name) && !name.startsWith('.');
}
