import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { packageRoot } from '../base/package-root.js';
import type { Db } from './database.js';
import { isRunIdle } from './run-lock.js';
import { scratchState } from './scratch.fixture.js';

/** A run a test, worked on by processes of its own that can be killed (`runs.fixture.ts`). */
export interface RunProcesses {
  id: string;
  directory: string;
  db: Db;
  start(mode?: 'lead' | 'join'): ChildProcess;
  resultOf(child: ChildProcess): Promise<unknown>;
  /** With -9. */
  kill(child: ChildProcess): Promise<void>;
  /** Steps wait until they are let go. */
  letGo(...steps: string[]): void;
  trace(): string[];
  /** Whether a line of the trace begins so. */
  traced(start: string): boolean;
  /** Whether the step's outcome is a checkpoint of the first attempt. */
  isKept(step: string): Promise<boolean>;
  runRow(): Promise<{ state: string; cancelled_by: string | null } | undefined>;
  /** Title, host, state and starts of every step. */
  rows(): Promise<unknown[][]>;
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  /** The next calls are about another run. */
  next(id: string): void;
}

export function runProcesses(): RunProcesses {
  const scratch = scratchState();
  const children: ChildProcess[] = [];
  // Below the package, so that it finds its libraries.
  const program = join(packageRoot(), 'node_modules', '.cache', `runs.fixture.${process.pid}.mjs`);
  let count = 0;

  beforeAll(async () => {
    await build({
      entryPoints: [join(packageRoot(), 'src/engine/runs.fixture.ts')],
      outfile: program,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      logLevel: 'error',
    });
  });
  beforeEach(() => processes.next(`run-${++count}`));
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => rmSync(program, { force: true }));

  const processes: RunProcesses = {
    id: '',
    directory: '',
    get db() {
      return scratch.db;
    },
    start(mode = 'lead') {
      const args = [program, scratch.state.root, processes.id, processes.directory, mode];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      return child;
    },
    async resultOf(child) {
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await new Promise((resolve) => child.once('close', resolve));
      return JSON.parse(text);
    },
    async kill(child) {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
    },
    letGo(...steps) {
      for (const step of steps) writeFileSync(join(processes.directory, `go.${step}`), '');
    },
    trace() {
      const file = join(processes.directory, 'trace');
      return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    },
    traced: (start) => processes.trace().some((line) => line.startsWith(start)),
    async isKept(step) {
      const kept = await sql`SELECT 1 FROM dbos.operation_outputs
        WHERE (workflow_uuid = ${`${processes.id}/1`} OR workflow_uuid LIKE ${`${processes.id}/1/%`})
          AND function_name = ${step} AND output IS NOT NULL`.execute(scratch.db);
      return kept.rows.length === 1;
    },
    async runRow() {
      return await scratch.db.selectFrom('run').selectAll().where('id', '=', processes.id).executeTakeFirst();
    },
    async rows() {
      const found = await scratch.db
        .selectFrom('run_step')
        .selectAll()
        .where('run_id', '=', processes.id)
        .orderBy('position')
        .execute();
      return found.map((row) => [row.title, row.host, row.state, row.starts]);
    },
    async until(condition) {
      const deadline = Date.now() + 30_000;
      while (!(await condition())) {
        if (Date.now() > deadline) throw new Error('the condition did not come');
        await delay(20);
      }
    },
    next(id) {
      processes.id = id;
      processes.directory = scratch.state.path('runs', id);
      mkdirSync(processes.directory, { recursive: true });
    },
  };
  return processes;
}

/** Where nobody leads a run any more, it can be taken up. */
export async function killLeader(processes: RunProcesses, child: ChildProcess): Promise<void> {
  await processes.kill(child);
  await processes.until(() => isRunIdle(processes.db, processes.id));
}
