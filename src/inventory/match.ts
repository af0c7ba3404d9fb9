import { StackwrightError } from '../base/errors.js';
import type { Fact, Facts } from './facts.js';
import { NotApplicable, type Spec, type SpecElement, specText } from './specs.js';

export type MatchResult =
  | {
      matched: true;
      variables: Record<string, string>;
      /** Those written `$$name`: the CMDB entry must have them. */
      forced: Record<string, string>;
    }
  | { matched: false; miss: NearMiss };

/** Why the facts do not match: the spec that got furthest, and what the machine has instead. */
export interface NearMiss {
  spec: string;
  file: string;
  line: number;
  /** Facts of the same class and key, as `class instance key value`; at most 20. */
  seen: string[];
  why: string;
  /** How many specs of the profile were satisfied together at most, of how many. */
  satisfied: number;
  specs: number;
}

/** Facts looked at in the search before it is given up. */
const SEARCH_LIMIT = 2_000_000;

/**
 * Matches facts against the specs of one profile: every spec takes one fact line, a line is taken
 * once, a variable has one value. The first solution in the order of specs and facts is the result.
 * @throws StackwrightError `SpecNotApplicable` for a function that has no meaning for a value,
 *   `MatchTooDeep` when the search is given up
 */
export function matchSpecs(facts: Facts, specs: readonly Spec[]): MatchResult {
  const index = indexFacts(facts);
  const taken = takeEqualLines(facts, specs);
  const patterns: Pattern[] = [];
  for (const spec of specs) {
    if (taken.specs.has(spec)) continue;
    const candidates = candidatesOf(spec, index).filter((line) => !taken.lines.has(line.number));
    patterns.push({ spec, candidates, verdicts: new Map() });
  }
  const hopeless = findHopeless(patterns);
  const found = hopeless
    ? { pattern: hopeless.pattern, why: hopeless.why, satisfied: hopeless.satisfied, bound: new Map<string, string>() }
    : new Search(patterns).run();
  if ('variables' in found) return { matched: true, ...found };
  const { pattern, why, bound } = found;
  const satisfied = found.satisfied + taken.specs.size;
  return { matched: false, miss: { ...explain(pattern, why, index, bound), satisfied, specs: specs.length } };
}

interface Line {
  number: number;
  fact: Fact;
}

/** A spec with the lines that its words and functions allow, whatever the variables are. */
interface Pattern {
  spec: Spec;
  candidates: Line[];
  /** What the functions say to a line, asked once. */
  verdicts: Map<number, boolean>;
}

interface FactIndex {
  all: Line[];
  byKind: Map<string, Line[]>;
  byKindAndKey: Map<string, Line[]>;
}

function indexFacts(facts: Facts): FactIndex {
  const index: FactIndex = { all: [], byKind: new Map(), byKindAndKey: new Map() };
  for (const [number, fact] of facts.entries()) {
    const line = { number, fact };
    index.all.push(line);
    append(index.byKind, fact[0], line);
    append(index.byKindAndKey, `${fact[0]}\0${fact[2]}`, line);
  }
  return index;
}

function append(map: Map<string, Line[]>, key: string, line: Line): void {
  const lines = map.get(key);
  if (lines) lines.push(line);
  else map.set(key, [line]);
}

/** A spec that equals a line takes it before any pattern is tried, so these need no search. */
function takeEqualLines(facts: Facts, specs: readonly Spec[]): { specs: Set<Spec>; lines: Set<number> } {
  const free = new Map<string, number[]>();
  for (const [number, fact] of facts.entries()) {
    const text = fact.join('\0');
    free.set(text, [...(free.get(text) ?? []), number]);
  }
  const taken = { specs: new Set<Spec>(), lines: new Set<number>() };
  for (const spec of specs) {
    const line = free.get(spec.elements.map(({ text }) => text).join('\0'))?.shift();
    if (line === undefined) continue;
    taken.specs.add(spec);
    taken.lines.add(line);
  }
  return taken;
}

function candidatesOf({ elements }: Spec, index: FactIndex): Line[] {
  return linesLike(elements, index).filter(({ fact }) =>
    elements.every((element, at) => element.literal === undefined || element.literal === fact[at]),
  );
}

function linesLike([kind, , key]: Spec['elements'], index: FactIndex): Line[] {
  if (kind.literal === undefined) return index.all;
  if (key.literal === undefined) return index.byKind.get(kind.literal) ?? [];
  return index.byKindAndKey.get(`${kind.literal}\0${key.literal}`) ?? [];
}

/** What the functions of a spec say to a line. @throws StackwrightError `SpecNotApplicable` */
function passes(pattern: Pattern, line: Line): boolean {
  const known = pattern.verdicts.get(line.number);
  if (known !== undefined) return known;
  const verdict = pattern.spec.elements.every((element, at) => holds(element, line.fact[at] ?? '', pattern.spec, line));
  pattern.verdicts.set(line.number, verdict);
  return verdict;
}

function holds(element: SpecElement, word: string, spec: Spec, line: Line): boolean {
  try {
    return element.test?.(word) ?? true;
  } catch (error) {
    if (!(error instanceof NotApplicable)) throw error;
    throw new StackwrightError(
      'SpecNotApplicable',
      `${element.text} cannot be applied: ${word || "''"} ${error.message}`,
      {
        file: spec.file,
        line: spec.line,
        value: line.fact.join(' '),
        hint: 'narrow the spec to lines whose value fits, or match the text with regexp(…)',
      },
    );
  }
}

/**
 * A spec that cannot have a line of its own, however the variables are bound: found by matching
 * specs to lines (augmenting paths). So a profile that wants 12 disks is refused on 11 at once,
 * where a search would try every permutation.
 */
function findHopeless(patterns: Pattern[]): { pattern: Pattern; why: string; satisfied: number } | undefined {
  const possible = patterns.map((pattern) => pattern.candidates.filter((line) => mayPass(pattern, line)));
  const owner = new Map<number, number>();
  const assign = (at: number, visited: Set<number>): boolean => {
    const lines = possible[at] ?? [];
    const free = lines.find((line) => !owner.has(line.number));
    if (free) {
      owner.set(free.number, at);
      return true;
    }
    for (const { number } of lines) {
      if (visited.has(number)) continue;
      visited.add(number);
      if (!assign(owner.get(number) ?? at, visited)) continue;
      owner.set(number, at);
      return true;
    }
    return false;
  };
  const left = patterns.filter((_, at) => !assign(at, new Set()));
  const satisfied = patterns.length - left.length;
  const empty = patterns.find((_, at) => possible[at]?.length === 0);
  if (empty) return { pattern: empty, why: 'no line matches', satisfied };
  const [first] = left;
  return first && { pattern: first, why: 'every line that matches is taken by another spec', satisfied };
}

/** A function that cannot be applied is an error only when the search comes to that line. */
function mayPass(pattern: Pattern, line: Line): boolean {
  try {
    return passes(pattern, line);
  } catch (error) {
    if (error instanceof StackwrightError) return true;
    throw error;
  }
}

interface Binding {
  value: string;
  /** Which pattern bound it first. */
  by: number;
}

/**
 * Backtracking in the order of specs and facts, with conflict-directed backjumping (Prosser 1993):
 * after a failure it returns to the latest spec that had a part in it, which changes no result and
 * skips the permutations of specs that had none.
 */
class Search {
  private readonly patterns: Pattern[];
  private readonly bindings = new Map<string, Binding>();
  /** Line number → which pattern has it. */
  private readonly used = new Map<number, number>();
  private looked = 0;
  private deepest = 0;
  private deepestBindings = new Map<string, string>();

  constructor(patterns: Pattern[]) {
    this.patterns = patterns;
  }

  /** The variables, or the pattern that got furthest. */
  run() {
    if (this.solve(0) === 'solved') return this.variables();
    const pattern = this.patterns[this.deepest];
    if (!pattern) throw new Error('a search without patterns cannot fail');
    const why = 'no line matches with what is bound';
    return { pattern, why, satisfied: this.deepest, bound: this.deepestBindings };
  }

  /** Solved, or the earlier patterns that are to blame. */
  private solve(at: number): 'solved' | Set<number> {
    const pattern = this.patterns[at];
    if (!pattern) return 'solved';
    if (at > this.deepest || this.deepestBindings.size === 0) this.noteDeepest(at);
    const blamed = new Set<number>();
    for (const line of pattern.candidates) {
      this.countLook(pattern.spec);
      const user = this.used.get(line.number);
      if (user !== undefined) {
        blamed.add(user);
        continue;
      }
      const bound = this.bind(at, pattern, line, blamed);
      if (!bound) continue;
      this.used.set(line.number, at);
      const result = this.solve(at + 1);
      if (result === 'solved') return result;
      this.used.delete(line.number);
      for (const name of bound) this.bindings.delete(name);
      // This pattern had no part in the failure: another line for it would not help.
      if (!result.delete(at)) return result;
      for (const other of result) blamed.add(other);
    }
    return blamed;
  }

  /** The names that this line binds anew, or undefined where it does not fit. */
  private bind(at: number, pattern: Pattern, line: Line, blamed: Set<number>): string[] | undefined {
    const fresh = new Map<string, string>();
    for (const [position, { variable }] of pattern.spec.elements.entries()) {
      if (variable === undefined) continue;
      const word = line.fact[position] ?? '';
      const known = this.bindings.get(variable);
      if (known && known.value !== word) {
        blamed.add(known.by);
        return undefined;
      }
      const own = fresh.get(variable);
      if (own !== undefined && own !== word) return undefined;
      if (!known) fresh.set(variable, word);
    }
    if (!passes(pattern, line)) return undefined;
    for (const [name, value] of fresh) this.bindings.set(name, { value, by: at });
    return [...fresh.keys()];
  }

  private countLook(spec: Spec): void {
    this.looked++;
    if (this.looked <= SEARCH_LIMIT) return;
    throw new StackwrightError(
      'MatchTooDeep',
      `the specs match in too many ways: given up after ${SEARCH_LIMIT} lines`,
      {
        file: spec.file,
        line: spec.line,
        value: specText(spec),
        hint: 'bind variables by a distinctive line first, so that fewer combinations are left',
      },
    );
  }

  private noteDeepest(at: number): void {
    this.deepest = at;
    this.deepestBindings = new Map([...this.bindings].map(([name, { value }]) => [name, value]));
  }

  private variables(): { variables: Record<string, string>; forced: Record<string, string> } {
    const forced = new Set<string>();
    for (const { spec } of this.patterns) {
      for (const element of spec.elements) if (element.variable && element.forced) forced.add(element.variable);
    }
    const all = [...this.bindings].map(([name, { value }]) => [name, value] as const);
    return {
      variables: Object.fromEntries(all),
      forced: Object.fromEntries(all.filter(([name]) => forced.has(name))),
    };
  }
}

function explain(
  { spec }: Pattern,
  why: string,
  index: FactIndex,
  bound: Map<string, string>,
): Omit<NearMiss, 'satisfied' | 'specs'> {
  const bindings = spec.elements.flatMap(({ variable }) => {
    const value = variable === undefined ? undefined : bound.get(variable);
    return value === undefined ? [] : [`$${variable} is ${value}`];
  });
  return {
    spec: specText(spec),
    file: spec.file,
    line: spec.line,
    seen: linesLike(spec.elements, index)
      .slice(0, 20)
      .map(({ fact }) => fact.join(' ')),
    why: [why, ...bindings].join(', '),
  };
}
