import type { Migration } from 'kysely';
import * as first from './0001-first.js';
import * as heard from './0002-heard.js';
import * as hardware from './0003-hardware.js';
import * as cancel from './0004-cancel.js';
import * as workers from './0005-workers.js';

/** In order; a migration that has landed is never changed, only followed by another. */
export const migrations: Record<string, Migration> = {
  '0001-first': first,
  '0002-heard': heard,
  '0003-hardware': hardware,
  '0004-cancel': cancel,
  '0005-workers': workers,
};
