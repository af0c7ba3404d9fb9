import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const now = sql`now()`;
  await db.schema
    .createTable('machine')
    .addColumn('id', 'uuid', (c) => c.primaryKey().defaultTo(sql`gen_random_uuid()`))
    .addColumn('identity', 'text', (c) => c.notNull().unique())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('profile', 'text')
    .addColumn('site', 'text')
    .addColumn('role', 'text')
    .addColumn('role_version', 'text')
    .addColumn('host_name', 'text')
    .addColumn('address', 'text')
    .addColumn('facts', 'jsonb', (c) => c.notNull().defaultTo('[]'))
    .addColumn('variables', 'jsonb', (c) => c.notNull().defaultTo('{}'))
    .addColumn('host_keys', 'jsonb', (c) => c.notNull().defaultTo('[]'))
    .addColumn('token_hash', 'text')
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(now))
    .addColumn('updated_at', 'timestamptz', (c) => c.notNull().defaultTo(now))
    .execute();
  await db.schema
    .createTable('profile')
    .addColumn('site', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('remaining', 'integer')
    .addPrimaryKeyConstraint('profile_key', ['site', 'name'])
    .execute();
  await db.schema
    .createTable('record')
    .addColumn('id', 'bigserial', (c) => c.primaryKey())
    .addColumn('site', 'text', (c) => c.notNull())
    .addColumn('profile', 'text', (c) => c.notNull())
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('entry', 'jsonb', (c) => c.notNull())
    .addColumn('machine_id', 'uuid', (c) => c.references('machine.id').onDelete('set null').unique())
    .addColumn('used', 'boolean', (c) => c.notNull())
    .addColumn('added', 'jsonb', (c) => c.notNull().defaultTo('[]'))
    .addUniqueConstraint('record_place', ['site', 'profile', 'position'])
    .execute();
  await db.schema
    .createTable('site_file')
    .addColumn('site', 'text', (c) => c.notNull())
    .addColumn('file', 'text', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('writing_hash', 'text')
    .addPrimaryKeyConstraint('site_file_key', ['site', 'file'])
    .execute();
  await db.schema
    .createTable('run')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('directory', 'text', (c) => c.notNull())
    .addColumn('plan', 'jsonb', (c) => c.notNull())
    .addColumn('error', 'text')
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(now))
    .addColumn('finished_at', 'timestamptz')
    .execute();
  await db.schema
    .createTable('run_step')
    .addColumn('run_id', 'text', (c) => c.notNull().references('run.id').onDelete('cascade'))
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('title', 'text', (c) => c.notNull())
    .addColumn('host', 'text')
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('starts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('seconds', 'double precision')
    .addColumn('log_file', 'text')
    .addColumn('error', 'jsonb')
    .addPrimaryKeyConstraint('run_step_key', ['run_id', 'position'])
    .execute();
  await db.schema
    .createTable('event')
    .addColumn('id', 'bigserial', (c) => c.primaryKey())
    .addColumn('time', 'timestamptz', (c) => c.notNull().defaultTo(now))
    .addColumn('code', 'text', (c) => c.notNull())
    .addColumn('level', 'text', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('data', 'jsonb', (c) => c.notNull().defaultTo('{}'))
    .addColumn('machine_id', 'uuid', (c) => c.references('machine.id').onDelete('cascade'))
    .addColumn('run_id', 'text', (c) => c.references('run.id').onDelete('cascade'))
    .execute();
  await db.schema.createIndex('event_machine').on('event').column('machine_id').execute();
}
