import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fact } from './facts.js';
import { matchSpecs } from './match.js';
import { parseSpecs } from './specs.js';

const facts: Fact[] = [
  ['disk', 'vda', 'size', '4'],
  ['disk', 'vdb', 'size', '20'],
  ['disk', 'vdb', 'vendor', '0x1af4'],
  ['disk', 'vdc', 'size', '20'],
  ['system', 'product', 'name', 'KVM (pc)'],
  ['memory', 'total', 'size', '1073741824'],
  ['network', 'eth0', 'serial', '52:54:00:00:00:01'],
  ['network', 'eth1', 'serial', '52:54:00:00:00:02'],
  ['network', 'eth1', 'ipv4', '192.168.122.9'],
];

function match(specs: string, machine: readonly Fact[] = facts) {
  return matchSpecs(machine, parseSpecs(specs, 'vm.specs'));
}

function variablesOf(specs: string, machine?: readonly Fact[]) {
  const result = match(specs, machine);
  return result.matched ? result.variables : undefined;
}

describe('matching', () => {
  it('binds the variables of the first lines that fit', () => {
    const result = match(`[
      ('disk', '$disk', 'size', 'gt(4)'),
      ('network', '$eth', 'ipv4', 'network(192.168.122.0/24)'),
      ('network', '$eth', 'serial', '$$mac'),
    ]`);

    expect(result).toEqual({
      matched: true,
      variables: { disk: 'vdb', eth: 'eth1', mac: '52:54:00:00:00:02' },
      forced: { mac: '52:54:00:00:00:02' },
    });
  });

  it('goes back over earlier choices in the order of the facts', () => {
    expect(variablesOf("[('network', '$eth', 'serial', '$mac'), ('network', '$eth', 'ipv4', '$ip')]")).toEqual({
      eth: 'eth1',
      mac: '52:54:00:00:00:02',
      ip: '192.168.122.9',
    });
  });

  it('uses a line once, and gives an equal line to the spec that equals it', () => {
    expect(variablesOf("[('disk', '$a', 'size', '$s'), ('disk', 'vda', 'size', '4')]")).toEqual({ a: 'vdb', s: '20' });
    expect(variablesOf("[('disk', 'vda', 'size', '4'), ('disk', 'vda', 'size', '4')]")).toBeUndefined();
    expect(variablesOf("[('disk', '$a', 'size', '20'), ('disk', '$b', 'size', '20')]")).toEqual({ a: 'vdb', b: 'vdc' });
  });

  it('keeps one value for a variable, also within a spec', () => {
    const machine: Fact[] = [
      ['a', 'x', 'k', 'y'],
      ['a', 'z', 'k', 'z'],
    ];

    expect(variablesOf("[('a', '$v', 'k', '$v')]", machine)).toEqual({ v: 'z' });
  });

  it.each([
    ['gt(4)', ['vdb']],
    ['ge(4)', ['vda']],
    ['lt(4.5)', ['vda']],
    ['le(3)', undefined],
    ['range(5, 20)', ['vdb']],
    ["in('3', '20')", ['vdb']],
    ['in(4,20)', ['vda']],
    ['regexp(^2.$)', ['vdb']],
    ["regexp('(?i)^[0-9]{1,1}$')", ['vda']],
    ['and(gt(3), lt(5))', ['vda']],
    ["or('lt(3)', 'gt(10)')", ['vdb']],
    ['not(in(4))', ['vdb']],
    ['and(not(regexp(\\\\))), or(range(19, 21), lt(1)))', ['vdb']],
    ['$size=not(lt(20))', ['vdb', '20']],
  ])('understands %s', (element, bound) => {
    const found = variablesOf(`[('disk', '$disk', 'size', "${element}")]`);

    expect(found && Object.values(found)).toEqual(bound);
  });

  it('takes a word with brackets as a word', () => {
    expect(variablesOf("[('system', '$p', 'name', 'KVM (pc)')]")).toEqual({ p: 'product' });
  });

  it('asks no function about a line that other words exclude, and none after the first that fits', () => {
    const machine: Fact[] = [
      ['disk', 'vda', 'size', '4'],
      ['disk', 'vdb', 'size', 'unknown'],
      ['disk', 'vdc', 'model', 'text'],
    ];

    expect(variablesOf("[('disk', '$disk', 'size', 'gt(3)')]", machine)).toEqual({ disk: 'vda' });
  });

  it('says which spec and which value a function cannot be applied to', () => {
    const machine: Fact[] = [['disk', 'vdb', 'size', 'unknown']];

    expect(() => match("[\n\n ('disk', '$disk', 'size', 'gt(4)')]", machine)).toThrow(
      expect.objectContaining({
        code: 'SpecNotApplicable',
        details: expect.objectContaining({ file: 'vm.specs', line: 3, value: 'disk vdb size unknown' }),
      }),
    );
    expect(() => match("[('disk', '$d', 'size', 'network(10.0.0.0/8)')]", machine)).toThrow('is not an IP address');
  });
});

describe('a near miss', () => {
  it('names the spec that no line can match, and what the machine has instead', () => {
    const result = match("[('disk', '$disk', 'size', 'gt(4)'),\n ('network', '$eth', 'ipv4', 'network(10.0.0.0/8)')]");

    expect(result).toEqual({
      matched: false,
      miss: {
        spec: "('network', '$eth', 'ipv4', 'network(10.0.0.0/8)')",
        file: 'vm.specs',
        line: 2,
        seen: ['network eth1 ipv4 192.168.122.9'],
        why: 'no line matches',
        satisfied: 1,
        specs: 2,
      },
    });
  });

  it('names the spec reached deepest with what was bound', () => {
    const result = match("[('disk', '$d', 'size', '4'), ('disk', '$d', 'vendor', '$v')]");

    expect(result).toMatchObject({
      miss: {
        line: 1,
        why: 'no line matches with what is bound, $d is vda',
        seen: ['disk vdb vendor 0x1af4'],
        satisfied: 1,
        specs: 2,
      },
    });
  });

  it('is found at once where there are fewer lines than specs', () => {
    const machine = Array.from({ length: 14 }, (_, at): Fact => ['disk', `sd${at}`, 'size', '100']);
    const specs = Array.from({ length: 15 }, (_, at) => `('disk', '$d${at}', 'size', 'gt(1)')`).join(',');

    expect(match(`[${specs}]`, machine)).toMatchObject({
      miss: { why: 'every line that matches is taken by another spec', satisfied: 14, specs: 15 },
    });
  });

  it('is found at once where earlier specs have no part in it', () => {
    const disks = Array.from({ length: 14 }, (_, at): Fact => ['disk', `sd${at}`, 'size', '100']);
    const machine: Fact[] = [...disks, ['network', 'eth0', 'link', 'yes'], ['network', 'eth1', 'ipv4', '10.0.0.1']];
    const specs = disks.map((_, at) => `('disk', '$d${at}', 'size', 'gt(1)')`).join(',');

    const result = match(`[${specs}, ('network', '$e', 'link', 'yes'), ('network', '$e', 'ipv4', '$ip')]`, machine);

    expect(result).toMatchObject({ matched: false });
  });
});

it('gives up a search without end, and says in which file', () => {
  const machine = Array.from({ length: 12 }, (_, at): Fact[] => [
    ['disk', `sd${at}`, 'size', '100'],
    ['disk', `sd${at === 0 ? 'x' : at}`, 'vendor', 'hp'],
  ]).flat();
  const specs = Array.from({ length: 12 }, (_, at) => `('disk', '$d${at}', 'size', '100')`);
  const joined = Array.from({ length: 12 }, (_, at) => `('disk', '$d${at}', 'vendor', 'hp')`);

  expect(() => match(`[${[...specs, ...joined].join(',')}]`, machine)).toThrow(
    expect.objectContaining({ code: 'MatchTooDeep', details: expect.objectContaining({ file: 'vm.specs' }) }),
  );
});

it('matches a thousand facts with fifty specs in milliseconds', () => {
  const machine = Array.from({ length: 1000 }, (_, at): Fact => ['disk', `sd${at}`, `key${at % 20}`, String(at)]);
  const specs = Array.from({ length: 50 }, (_, at) => `('disk', '$d${at}', 'key${at % 20}', 'gt(500)')`).join(',');
  const parsed = parseSpecs(`[${specs}]`, 'big.specs');
  const started = performance.now();

  const result = matchSpecs(machine, parsed);

  expect(result.matched).toBe(true);
  // Ten times what it takes on a busy machine.
  expect(performance.now() - started).toBeLessThan(200);
});

it.each([
  ["('disk', 'vda')", 1, 'a spec is not a tuple'],
  ["{'disk': 'vda'}", 1, 'specs are not a list'],
  ["[('disk', 'vda')]", 1, 'a spec does not have 4 elements'],
  ["[\n('disk', 'vda', 'size', 4)]", 2, 'an element is not a string'],
  ["[('disk', '$d', 'size', 'gte(4)')]", 1, 'there is no function gte'],
  ["[('disk', '$d', 'size', 'gt(big)')]", 1, 'big is not a number'],
  ["[('disk', '$d', 'size', 'range(1)')]", 1, '2 arguments are wanted and 1 are there'],
  ["[('disk', '$d', 'size', 'network(10.0.0.0)')]", 1, '10.0.0.0 is not a network'],
  ["[('disk', '$d', 'size', 'regexp(()')]", 1, 'the regular expression is wrong'],
  ["[('disk', '$d', 'size', '$x=kvm')]", 1, 'kvm is not a function'],
  ["[('disk', '$', 'size', '1')]", 1, 'a variable has no proper name'],
])('refuses %s when it is read', (text, line, message) => {
  const read = () => parseSpecs(text, 'bad.specs');

  expect(read).toThrow(expect.objectContaining({ code: 'SpecInvalid', details: expect.objectContaining({ line }) }));
  expect(read).toThrow(message);
});

it('finds the solution that trying everything in order finds', () => {
  const word = fc.constantFrom('a', 'b', 'c');
  const element = fc.constantFrom('a', 'b', '$x', '$y', '$$z', 'in(a, b)', '$x=not(in(a))');
  const machines = fc.array(fc.tuple(word, word, word, word), { maxLength: 7 });
  const specs = fc.array(fc.tuple(element, element, element, element), { minLength: 1, maxLength: 4 });

  fc.assert(
    fc.property(machines, specs, (machine, elements) => {
      const text = `[${elements.map((four) => `(${four.map((one) => `'${one}'`).join(', ')})`).join(',')}]`;

      const found = match(text, machine);

      expect(found.matched ? found.variables : undefined).toEqual(tryEverything(machine, elements));
    }),
    { numRuns: 2000 },
  );
});

/** The definition, written down: equal lines first, then every line for every spec in order. */
function tryEverything(machine: Fact[], specs: string[][]): Record<string, string> | undefined {
  let lines = machine.map((fact, at) => ({ fact, at }));
  const patterns = specs.filter((spec) => {
    const equal = lines.find(({ fact }) => fact.join() === spec.join());
    lines = lines.filter((line) => line !== equal);
    return !equal;
  });
  const solve = (at: number, used: number[], bound: Record<string, string>): Record<string, string> | undefined => {
    const spec = patterns[at];
    if (!spec) return bound;
    for (const line of lines) {
      if (used.includes(line.at)) continue;
      const next = unify(spec, line.fact, bound);
      const solution = next && solve(at + 1, [...used, line.at], next);
      if (solution) return solution;
    }
    return undefined;
  };
  return solve(0, [], {});
}

function unify(spec: string[], fact: Fact, bound: Record<string, string>): Record<string, string> | undefined {
  const next = { ...bound };
  for (const [at, element] of spec.entries()) {
    const word = fact[at] ?? '';
    const [, variable, test] = /^(?:\$+(\w+)=?)?(.*)$/.exec(element) ?? [];
    if (test === 'in(a, b)' && word === 'c') return undefined;
    if (test === 'not(in(a))' && word === 'a') return undefined;
    if (!variable && !test?.includes('(') && element !== word) return undefined;
    if (variable && (next[variable] ?? word) !== word) return undefined;
    if (variable) next[variable] = word;
  }
  return next;
}
