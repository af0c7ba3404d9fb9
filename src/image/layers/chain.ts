import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Reporter } from '../../base/events.js';
import { reportImage } from '../events.js';
import { applyHookChanges, type HookChange, type HooksView, hookChanges, readHooks } from '../hooks-view.js';
import {
  type InputContext,
  type LayerChange,
  type LayerInput,
  type Step,
  stateIdentity,
  stepInputs,
} from './inputs.js';
import { changesName, type Overlay } from './overlay.js';
import { indexReader, packageIndexes } from './package-index.js';
import { sourceInputs } from './sources.js';
import type { LayerRecord, LayerStore } from './store.js';

/** The kernel takes one page of mount options, which names every layer. */
const mostLayers = 120;

export interface ChainOptions {
  store: LayerStore;
  overlay: Overlay;
  reporter: Reporter;
  context: InputContext;
  /** What counts for every state, and so is that of the first one. */
  first: LayerInput[];
  elements: string[];
  arch: string;
  /** The hooks directory before any script has run. */
  base: string;
  /** Hooks directory and root of the image, as we see them while they are mounted. */
  hooks: string;
  root: string;
  /** The environment of phases outside, after environment.d: elements' lists of sources are expanded in it. */
  environment: Record<string, string>;
  /** Starts from nothing; what is made is kept all the same. */
  fresh: boolean;
  /** Mounts in the root what scripts expect there. */
  onMount(): Promise<void>;
  /** Takes out of a directory of changes what is not to be kept. */
  onCut(changes: string): Promise<void>;
}

/** Why a state is not kept: the first one of a build that has to be made. */
export interface Miss {
  phase: string;
  step: string;
  /** Empty where no build was there before. */
  changes: LayerChange[];
}

/** The states of one build in their order. */
export interface LayerChain {
  /** The name of the state so far. */
  readonly id: string;
  readonly hooks: HooksView;
  /** How many steps held. */
  readonly held: number;
  readonly miss: Miss | undefined;
  /**
   * Goes on to the state after a step. True where it is kept: the step need not run.
   * Else the state before it is mounted, the step is to run, and then `keep` to be called.
   */
  next(step: Step): Promise<boolean>;
  /** Mounts the state so far, unless it is mounted; from now on steps run. */
  begin(): Promise<void>;
  /** From now on steps run somewhere else, and no states are kept. */
  end(): void;
  /** Keeps the state after the step that has run. */
  keep(seconds: number): Promise<void>;
  /** The name of a state to come, whose steps are not kept one by one; none where states before it are not kept. */
  foresee(steps: Step[]): Promise<string | undefined>;
}

export async function openChain(options: ChainOptions): Promise<LayerChain> {
  const { store, overlay, reporter, context } = options;
  const hooks = readHooks(options.base);
  const indexOf = indexReader(options.arch);
  const layers: string[] = [];
  let id = stateIdentity('', { phase: 'build', name: 'start' }, options.first);
  let held = 0;
  let restoring = true;
  let keeping = true;
  let miss: Miss | undefined;
  let begun = false;
  let ended = false;
  let pending: { step: Step; inputs: LayerInput[]; parent: string } | undefined;
  // What a fresh build makes is another state, also where all that is known of it is the same.
  const generation = options.fresh ? randomUUID() : '';

  const startChanges = await noteStart();

  /** The first state changes nothing: it is kept so that its inputs can be compared. */
  async function noteStart(): Promise<LayerChange[]> {
    if (store.use(id)) return [];
    const last = store.children(undefined)[0];
    await store.add({ ...emptyRecord(), id, phase: 'build', step: 'start', inputs: options.first });
    return last ? differences(last.inputs, options.first) : [];
  }

  function emptyRecord() {
    const { elements } = options;
    return { changed: false, packageIndexes: {}, hooks: [], seconds: 0, elements };
  }

  async function inputsOf(step: Step): Promise<LayerInput[]> {
    const inputs = stepInputs(step, hooks, context);
    const fetches = inputs.some(({ kind, name }) => kind === 'script' && /source-repositories$/.test(name));
    return fetches ? [...inputs, ...(await sourceInputs(hooks, options.environment))] : inputs;
  }

  /** What differs now of that which was seen when the state was made. */
  async function outdated(record: LayerRecord): Promise<LayerChange[]> {
    if (context.environment.DIB_OFFLINE) return [];
    const now = await Promise.all(
      Object.entries(record.packageIndexes).map(async ([url, digest]) => ({ url, digest, now: await indexOf(url) })),
    );
    for (const { url } of now.filter((index) => index.now === undefined)) {
      reportImage(reporter, {
        code: 'image.index.unknown',
        level: 'warn',
        message: `${url} does not answer: what was built from it before is used`,
        data: { url },
      });
    }
    const changed = now.filter((index) => index.now !== undefined && index.now !== index.digest);
    return changed.map(({ url }) => ({ kind: 'package index', name: url, change: 'changed' }));
  }

  function missed(step: Step, changes: LayerChange[]): void {
    restoring = false;
    miss = { phase: step.phase, step: step.name, changes: changes.length > 0 ? changes : startChanges };
  }

  async function begin(): Promise<void> {
    if (begun) return;
    begun = true;
    restoring = false;
    reportStart();
    await overlay.mount(layers);
    await options.onMount();
  }

  function reportStart(): void {
    const { phase = '', step = '', changes = [] } = miss ?? {};
    const reasons = changes.map(
      ({ kind, name, change }) => `${kind} ${name} ${change === 'changed' ? '' : 'is '}${change}`,
    );
    const why = reasons.length > 0 ? `: ${reasons.slice(0, 3).join(', ')}` : '';
    const from = miss ? `; the build starts at ${phase}/${step}${why}` : '';
    reportImage(reporter, {
      code: 'image.layers.held',
      level: 'info',
      message: `${held} steps are kept from earlier builds${from}`,
      data: { held, phase, step, reasons },
    });
  }

  async function next(step: Step): Promise<boolean> {
    if (ended) return false;
    const inputs = await inputsOf(step);
    const parent = id;
    id = stateIdentity(parent, step, inputs);
    pending = { step, inputs, parent };
    if (!restoring) return false;
    const candidates = options.fresh ? [] : store.find(id);
    const reasons: LayerChange[][] = [];
    for (const record of candidates) {
      const changes = await outdated(record);
      const layer = join(store.file(record.id, changesName), 'hooks');
      const hook = changes.length > 0 ? undefined : applyHookChanges(hooks, record.hooks, layer);
      if (hook !== undefined) changes.push({ kind: 'hooks file', name: hook, change: 'changed' });
      reasons.push(changes);
      if (changes.length > 0) continue;
      id = record.id;
      store.use(id);
      if (record.changed) layers.push(id);
      held++;
      return true;
    }
    const fresh: LayerChange = { kind: 'fresh build', name: 'of everything', change: 'new' };
    missed(step, options.fresh ? [fresh] : (reasons[0] ?? explain(store, parent, step, inputs)));
    return false;
  }

  async function keep(seconds: number): Promise<void> {
    if (!pending || !keeping || ended) return;
    const { step, inputs, parent } = pending;
    pending = undefined;
    const known = { ...emptyRecord(), parent, phase: step.phase, step: step.name, inputs, seconds };
    if (!(await overlay.hasChanges())) {
      id = variant(id, generation, {});
      return await store.add({ ...known, id });
    }
    if (layers.length >= mostLayers) return stopKeeping(step, `there are ${mostLayers} layers below`);
    const after: { hooks: HookChange[]; packageIndexes: Record<string, string> } = {
      hooks: overlay.touches('hooks') ? hookChanges(hooks, readHooks(options.hooks)) : [],
      packageIndexes: overlay.touches('mnt/var/lib/apt/lists') ? packageIndexes(options.root, options.arch) : {},
    };
    const changes = await overlay.cut();
    if (changes === undefined) {
      await options.onMount();
      return stopKeeping(step, 'a process that a script has started is still in it');
    }
    await options.onCut(changes);
    id = variant(id, generation, after);
    await store.add({ ...known, ...after, id, changed: true }, { [changesName]: changes });
    layers.push(id);
    applyHookChanges(hooks, after.hooks, join(store.file(id, changesName), 'hooks'));
    await overlay.mount(layers);
    await options.onMount();
  }

  function stopKeeping(step: Step, reason: string): void {
    keeping = false;
    reportImage(reporter, {
      code: 'image.layers.ended',
      level: 'warn',
      message: `no state is kept from ${step.phase}/${step.name} on: ${reason}`,
      data: { phase: step.phase, step: step.name, reason },
    });
  }

  return {
    get id() {
      return id;
    },
    get held() {
      return held;
    },
    get miss() {
      return miss;
    },
    hooks,
    next,
    begin,
    keep,
    end: () => {
      ended = true;
    },
    async foresee(steps) {
      if (!keeping) return undefined;
      let at = id;
      for (const step of steps) at = stateIdentity(at, step, await inputsOf(step));
      return at;
    },
  };
}

/**
 * The name of a state among those that began with the same inputs. What decides on a step only
 * while it runs belongs to the name too, so that nothing that another build uses is ever replaced.
 */
function variant(id: string, generation: string, seen: Partial<Pick<LayerRecord, 'hooks' | 'packageIndexes'>>): string {
  const indexes = Object.entries(seen.packageIndexes ?? {}).sort();
  if (generation === '' && indexes.length === 0 && !seen.hooks?.length) return id;
  const text = JSON.stringify([generation, indexes, seen.hooks]);
  return `${id}-${createHash('sha256').update(text).digest('hex').slice(0, 6)}`;
}

/** Compares a step with what was made from the same state before. */
function explain(store: LayerStore, parent: string, step: Step, inputs: LayerInput[]): LayerChange[] {
  const children = store.children(parent);
  const same = children.find((record) => record.phase === step.phase && record.step === step.name);
  if (same) return differences(same.inputs, inputs);
  const other = children[0];
  if (!other) return [];
  const name = `${step.phase}/${step.name} comes here, where it was ${other.phase}/${other.step}`;
  return [{ kind: 'order', name, change: 'changed' }];
}

/** Names what differs between the inputs of two states. */
export function differences(before: LayerInput[], now: LayerInput[]): LayerChange[] {
  const key = ({ kind, name }: LayerInput) => `${kind} ${name}`;
  const old = new Map(before.map((input) => [key(input), input.digest]));
  const seen = new Set(now.map(key));
  const found = now.filter((input) => old.get(key(input)) !== input.digest);
  const gone = before.filter((input) => !seen.has(key(input)));
  return [
    ...found.map((input) => ({ input, change: old.has(key(input)) ? ('changed' as const) : ('new' as const) })),
    ...gone.map((input) => ({ input, change: 'gone' as const })),
  ].map(({ input: { kind, name }, change }) => ({ kind, name, change }));
}
