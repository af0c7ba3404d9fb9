import type { Migration } from 'kysely';
import * as first from './0001-first.js';

/** In order; a migration that has landed is never changed, only followed by another. */
export const migrations: Record<string, Migration> = {
  '0001-first': first,
};
