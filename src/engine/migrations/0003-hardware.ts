import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('hardware')
    .addColumn('machine_id', 'uuid', (c) => c.primaryKey().references('machine.id').onDelete('cascade'))
    .addColumn('bundle', 'bytea', (c) => c.notNull())
    .addColumn('time', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .execute();
}
