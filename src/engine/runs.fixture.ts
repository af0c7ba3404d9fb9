// A process that executes a run, or joins one, and can be killed in its middle:
// runs.fixture.ts STATE RUN DIRECTORY [lead|join].
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StackwrightError } from '../base/errors.js';
import { silentReporter } from '../base/events.js';
import { stateDirectory } from '../base/state.js';
import { openDatabase } from './database.js';
import { joinRun } from './join-run.js';
import type { RunStep } from './run.js';
import { executeRun } from './runs.js';

const [root = '', id = '', directory = '', mode = 'lead'] = process.argv.slice(2);
const state = stateDirectory(root);
const db = await openDatabase(state);
const note = (text: string) => appendFileSync(join(directory, 'trace'), `${text}\n`);

/** Says that it has begun, waits for a file that lets it go, says that it has ended. */
function step(name: string, host: string): RunStep {
  return {
    id: `${name}@${host}`,
    title: name,
    host,
    async work({ interrupted, results }) {
      const state = `${interrupted ? ' interrupted' : ''}${results.has('one@a') ? ' after one@a' : ''}`;
      note(`begin ${name}@${host}${state}${mode === 'join' ? ' as worker' : ''}`);
      while (!existsSync(join(directory, `go.${name}@${host}`))) await delay(10);
      if (existsSync(join(directory, `fail.${name}@${host}`))) {
        throw new StackwrightError('CommandFailed', `${name} is broken`, { value: host, hint: 'mend it' });
      }
      note(`end ${name}@${host}`);
      return name;
    },
  };
}

const stages = [
  { title: 'one', steps: [step('one', 'a'), step('one', 'b')] },
  { title: 'two', anywhere: true, steps: [step('two', 'a'), step('too', 'a'), step('two', 'b')] },
  { title: 'three', steps: [step('three', 'a')] },
];
try {
  const run = { id, directory, plan: {}, stages };
  const outcome = await (mode === 'join' ? joinRun : executeRun)({ state, db, reporter: silentReporter, run });
  process.stdout.write(JSON.stringify(outcome));
} catch (error) {
  process.stdout.write(JSON.stringify(error));
}
await db.destroy();
