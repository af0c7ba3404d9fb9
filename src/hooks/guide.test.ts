import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listHooks } from './index.js';
import { type HookSite, hookSite } from './run.fixture.js';

const guide = readFileSync(new URL('../../docs/guides/hooks.md', import.meta.url), 'utf8');
const files = [...guide.matchAll(/^`([\w./-]+)`:\n\n```\w+\n([\s\S]*?)^```/gm)].map(([, name = '', text = '']) => ({
  name,
  text,
}));

let site: HookSite;

beforeEach(() => {
  site = hookSite();
  for (const { name, text } of files) site.write(name, text.trimEnd());
});

afterEach(() => site[Symbol.dispose]());

it('the example of the guide runs, and prints what the guide says', async () => {
  const conf = files.find(({ name }) => name === 'local.conf')?.text ?? '';
  const settings = conf.replace('[[local|localrc]]', `[[local|localrc]]\nDEST=${site.path('dest')}`);

  const { output, error, events } = await site.run(['source', 'stack install', 'stack post-config', 'stack extra'], {
    settings,
  });

  expect(error).toBeUndefined();
  const line = /prints `(greeter: [^`]*)`/.exec(guide)?.[1];
  expect(output.split('\n')).toContain(line);
  expect(events.map(({ message }) => message)).toContain('localhost runs Linux');
});

it('the list says which hook does something in which phase, and why', async () => {
  site.write('extras.d/10-off.sh', 'is_service_enabled nova || return 0', '[[ "$1" == "unstack" ]] || true');
  site.write('extras.d/90-all.sh', 'echo $1');

  const { hooks, notes, services } = await listHooks(site.root, ['key']);

  expect(services).toEqual(['key', 'greeter']);
  const rows = hooks.map(({ phase, order, script, enabled, why }) => [phase, order, script, enabled, why]);
  expect(rows.filter(([phase]) => phase === 'stack extra' || phase === 'unstack')).toEqual([
    ['stack extra', 1, '70-greeter.sh', true, 'it names the phase; greeter is enabled'],
    ['stack extra', 2, '75-check.ts', true, 'it exports extra'],
    ['stack extra', 3, '90-all.sh', true, 'it names no phase, so it may act in each'],
    ['unstack', 1, '10-off.sh', false, 'nova is not enabled'],
    ['unstack', 2, '90-all.sh', true, 'it names no phase, so it may act in each'],
  ]);
  expect(rows.filter(([phase]) => phase === 'stack post-config').map(([, , script]) => script)).toEqual([
    '90-all.sh',
    '$GREETER_CONF',
  ]);
  expect(notes).toEqual(['90-all.sh: the numbers 90 to 99 are reserved for the system; use 10 to 89']);
});
