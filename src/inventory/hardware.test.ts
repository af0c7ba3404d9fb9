import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StackwrightError } from '../base/errors.js';
import { formatPythonLiteral, PythonTuple } from '../base/python-literal.js';
import { scratchState } from '../engine/scratch.fixture.js';
import { parseFacts } from './facts.js';
import { deriveFacts, keepHardware } from './hardware-store.js';

const golden = (name: string) => new URL(`golden/${name}`, import.meta.url);
const proliant = readFileSync(golden('proliant.hardware'), 'utf8');

it('makes facts of what a machine sent, in the words of eDeploy', async () => {
  const facts = parseFacts(proliant, 'proliant.hardware');

  const text = `${formatPythonLiteral(facts.map((fact) => new PythonTuple(fact)))}\n`;
  await expect(text).toMatchFileSnapshot(golden('proliant.hw').pathname);
});

it('makes no facts of what is missing, and says nothing wrong of what it does not understand', () => {
  const lines = ['@files', '/sys/block/sda/size\tbig', '@links', 'x -> y', '@cpuinfo', 'processor', '@numa', '@end'];

  const facts = parseFacts(`stackwright-hardware 1\n${lines.join('\n')}`, 'x');

  expect(facts).toEqual([
    ['system', 'machine', 'virtual', 'no'],
    ['firmware', 'boot', 'type', 'bios'],
    ['disk', 'logical', 'count', '0'],
    ['cpu', 'physical', 'number', '0'],
    ['cpu', 'logical', 'number', '0'],
  ]);
});

it('reads any bundle as facts that can be stored, or refuses it', () => {
  const words = proliant.split('\n');
  const line = fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary', maxLength: 40 }), fc.lorem());

  fc.assert(
    fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
      try {
        const facts = parseFacts(`stackwright-hardware 1\n${lines.join('\n')}`, 'x');
        expect(facts.flat().every((word) => word.length <= 4096 && !word.includes('\0'))).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(StackwrightError);
      }
    }),
  );
});

it.each([
  ['processors', '@cpuinfo', (at: number) => `processor : ${at}`],
  ['disks', '@files', (at: number) => `/sys/block/d${at}/size\t1`],
  [
    'addresses of interfaces',
    '@files',
    (at: number) =>
      at < 60_000 ? `/sys/class/net/e${at}/address\tx` : at === 60_000 ? '@addresses' : '1: e1 inet 10.0.0.1/8',
  ],
])('takes a bundle of a hundred thousand %s without harm', (_what, section, lineAt) => {
  const lines = Array.from({ length: 100_000 }, (_, at) => lineAt(at));

  // A reader that is quadratic does not come to its end here.
  expect(parseFacts(`stackwright-hardware 1\n${section}\n${lines.join('\n')}`, 'x').length).toBeLessThan(20_000);
});

const scratch = scratchState();

it('makes facts anew from what is kept, where a better reader finds others', async () => {
  const { db } = scratch;
  const events: string[] = [];
  const reporter = { report: ({ code }: { code: string }) => void events.push(code) };
  const old = JSON.stringify([['system', 'product', 'name', 'old']]);
  const { id } = await db
    .insertInto('machine')
    .values({ identity: 'a', name: 'a', state: 'up', facts: old, variables: '{}', host_keys: '[]' })
    .returning('id')
    .executeTakeFirstOrThrow();

  const nothingKept = await deriveFacts(db, id, reporter);
  await keepHardware(db, id, proliant);
  const first = await deriveFacts(db, id, reporter);
  const again = await deriveFacts(db, id, reporter);

  expect([nothingKept, first, again]).toEqual([false, true, false]);
  const { facts, state } = await db.selectFrom('machine').select(['facts', 'state']).executeTakeFirstOrThrow();
  expect(facts).toContainEqual(['memory', 'total', 'size', String(16 * 2 ** 30)]);
  expect([state, events]).toEqual(['up', ['inventory.machine.derived']]);
});
