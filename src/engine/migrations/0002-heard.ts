import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('machine').addColumn('heard_at', 'timestamptz').execute();
  await db.schema.alterTable('machine').addColumn('next_token_hash', 'text').execute();
  // Each request of a ramdisk finds its machine by this.
  await db.schema.createIndex('machine_token').on('machine').column('token_hash').execute();
  await db.schema.createIndex('machine_next_token').on('machine').column('next_token_hash').execute();
}
