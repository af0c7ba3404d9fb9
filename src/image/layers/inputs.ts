import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { environmentFiles, type HooksView, helperFiles, resolveHook } from '../hooks-view.js';

/** Something on which the state of a build depends. */
export interface LayerInput {
  kind: InputKind;
  name: string;
  /** Of its value; two states with equal digests of all inputs are the same. */
  digest: string;
}

/** Why a kind of input counts. */
export const inputReasons = {
  builder: 'another builder may make another tree',
  architecture: 'packages and kernel differ',
  bundle: 'all packages and files are those that it holds',
  'host program': 'it makes the root of the image',
  variable: 'scripts, and the programs that they run, see the environment of the caller',
  'environment.d': 'it sets variables that the script sees',
  script: 'it makes the change',
  'helper file': 'a script can run or copy it',
  'element file': 'a script finds it through the directories of the elements',
  'element input': 'the element takes it from elsewhere',
  packages: 'they are installed',
  'package index': 'the archive has other versions of packages under the same names',
  'hooks file': 'a script has changed it',
  source: 'the repository has another commit, the server another file',
  'block devices': 'they are made for the tree, and filled with it',
  options: 'they decide on the size and the form of the file systems',
  order: 'a step sees what those before it have done',
  'fresh build': 'it was asked for',
} as const;

export type InputKind = keyof typeof inputReasons;

export const inputKinds = Object.keys(inputReasons) as [InputKind, ...InputKind[]];

/** What is not as it was when a state was made. */
export interface LayerChange {
  kind: InputKind;
  name: string;
  change: 'changed' | 'new' | 'gone';
}

/** What counts for the steps of one build. */
export interface InputContext {
  /** Of the build, before environment.d. */
  environment: Record<string, string>;
  /** Files of elements that are not in the hooks tree, such as package lists: name and digest. */
  elementFiles: { name: string; digest: string }[];
  /** By element: files elsewhere that it takes. */
  elementInputs: Map<string, { name: string; digest: string }[]>;
  digest(text: string | Buffer): string;
}

/**
 * Variables of one CI job, or that only tell of the build: no program knows them, so they count
 * only for scripts in whose reach they are named. The same for everything called `DIB_…`.
 */
const namedOnly =
  /^(DIB_.*|_?LIB|IMAGE_(NAME|TYPE|ELEMENT|ELEMENT_YAML)|OUT_IMAGE_PATH|COMPRESS_IMAGE|FS_TYPE|SKIP_BASE|TMP_.*|CI|CI_.*|GITHUB_.*|GITLAB_.*|RUNNER_.*|JENKINS_.*|BUILDKITE.*|BUILD_(NUMBER|ID|URL|TAG)|JOB_.*|ZUUL.*|WORKSPACE|EXECUTOR_NUMBER)$/;

/** Of those, what only tells of the build: nobody makes up these names. */
const describesBuild =
  /^(DIB_(ENV|ARGS|CHECKSUM|MOUNTPOINTS|MANIFEST_SAVE_DIR|IMAGE_SIZE|ROOT_LABEL|ROOT_FSTYPE|BOOT_LABEL)|IMAGE_.*|COMPRESS_IMAGE|FS_TYPE|SKIP_BASE)$/;

/** Text that makes up names of variables, or searches them: such as that of the install type of an element. */
const makesUpNames = /\$\{!|\benv\s*\|\s*grep\b/;

/** Text that may read all variables. */
const readsAll =
  /\bcompgen -[Aev]|\bprintenv\b|\b(declare|typeset) -\w*[xp]|\bexport -p\b|(^|[;&|(\s])(\/usr\/bin\/)?env(\s+-0)?\s*($|[>)]|\|(?!\s*grep\b))/m;

/** Variables that always count, sorted. */
export function alwaysCounted(environment: [name: string, value: string][]): [string, string][] {
  return environment.filter(([name]) => !namedOnly.test(name));
}

/** A step of a build: a script, or something that the builder does itself. */
export interface Step {
  phase: string;
  inside: boolean;
  /** Name of the script, or what is done. */
  name: string;
  /** The element that the script comes from. */
  element?: string;
  /** Of what the builder does itself. */
  inputs?: LayerInput[];
}

/** Everything that one step can depend on besides the state before it and what counts always. */
export function stepInputs(step: Step, view: HooksView, context: InputContext): LayerInput[] {
  if (step.inputs) return step.inputs;
  const path = `${step.phase}/${step.name}`;
  const script = resolveHook(view, path);
  const text = script ? textOf(script) : '';
  const helpers = helperFiles(view).filter((name) => !isPart(name) || mayRead(text, dirname(name)));
  const reaches = /TMP_HOOKS_PATH|BASH_SOURCE|in_target|\$\{?0\b|\b_LIB\b|__file__|sys\.argv\[0\]/.test(text);
  const inputs: LayerInput[] = [{ kind: 'script', name: path, digest: script?.digest ?? 'missing' }];
  if (reaches) {
    for (const name of helpers) inputs.push({ kind: 'helper file', name, digest: view.get(name)?.digest ?? '' });
  }
  if (/IMAGE_ELEMENT_YAML|get_image_element_array|ELEMENTS_PATH/.test(text)) {
    for (const { name, digest } of context.elementFiles) inputs.push({ kind: 'element file', name, digest });
  }
  for (const { name, digest } of context.elementInputs.get(step.element ?? '') ?? []) {
    inputs.push({ kind: 'element input', name, digest });
  }
  // In the image the elements' programs are installed, and every script may call them.
  const reached = step.inside || reaches ? helpers : [];
  const texts = [text, ...reached.map((name) => textOf(view.get(name)))];
  inputs.push(...variableInputs(texts, view, context));
  return inputs;
}

/** A file that elements give to another element's script, such as `init.d/50-mine` for a ramdisk. */
function isPart(name: string): boolean {
  return /^[^/]+\.d\/[^/]+$/.test(name);
}

/** A script that looks beside itself, as for `../bin`, or into `$TMP_HOOKS_PATH/NAME.d`, reads what it names. */
function mayRead(script: string, directory: string): boolean {
  const others = script.replaceAll(/(TMP_HOOKS_PATH\}?|in_target\.d)"?\/[\w-]+\.d\b/g, '');
  return script.includes(directory) || /TMP_HOOKS_PATH|in_target|\b_LIB\b/.test(others);
}

/** The files of environment.d that set what texts name, and the variables that these or the texts name. */
function variableInputs(texts: string[], view: HooksView, { environment, digest }: InputContext): LayerInput[] {
  const all = texts.some((text) => readsAll.test(text));
  const madeUp = texts.some((text) => makesUpNames.test(text));
  const words = new Set(texts.flatMap(wordsOf));
  // Names are made up from beginnings that are in the text.
  const beginnings = madeUp ? [...words].filter((word) => word.length > 2 && word.endsWith('_')) : [];
  const mayBeMadeUp = (name: string) =>
    madeUp && (!describesBuild.test(name) || beginnings.some((beginning) => name.startsWith(beginning)));
  const counts = (name: string) => all || words.has(name) || !namedOnly.test(name) || mayBeMadeUp(name);
  const files = environmentFiles(view)
    .map((name) => `environment.d/${name}`)
    .filter((path) => {
      const text = textOf(view.get(path));
      return hasCommands(text) || assignedIn(text).some(counts);
    });
  for (const path of files) for (const word of wordsOf(textOf(view.get(path)))) words.add(word);
  const variables = Object.keys(environment).filter((name) => namedOnly.test(name) && !describesPlace.test(name));
  return [
    ...files.map((name) => ({ kind: 'environment.d' as const, name, digest: view.get(name)?.digest ?? '' })),
    ...variables
      .filter(counts)
      .sort()
      .map((name) => ({ kind: 'variable' as const, name, digest: digest(environment[name] ?? '') })),
  ];
}

/** They say where and how to build, and not what. */
const describesPlace =
  /^(TMP_.*|_LIB|DIB_IMAGE_CACHE|DIB_LOCKFILES|DIB_NO_TMPFS|DIB_MIN_TMPFS|DIB_DEBUG_TRACE|DIB_OFFLINE|DIB_SHOW_IMAGE_USAGE|DIB_BLOCK_DEVICE_PARAMS_YAML|OUT_IMAGE_PATH)$/;

function assignedIn(text: string): string[] {
  return [...text.matchAll(/\b([A-Za-z_][A-Za-z0-9_]*)\+?=/g)].map(([, name = '']) => name);
}

/** Sourcing, or a variable that is set under a name that is not in the text. */
function hasCommands(text: string): boolean {
  return /(^|[;&\s])(source|\.|eval|declare|typeset|read|printf|mapfile|local)\s/m.test(text);
}

function wordsOf(text: string): string[] {
  return text.match(/[A-Za-z_][A-Za-z0-9_]*/g) ?? [];
}

const texts = new Map<string, string>();

/** The text of a file; none of a program or of data. */
function textOf(file: { digest: string; file: string } | undefined): string {
  if (!file) return '';
  const known = texts.get(file.digest);
  if (known !== undefined) return known;
  const content = readFileSync(file.file);
  const text = content.length > 1_000_000 || content.includes(0) ? '' : content.toString('utf8');
  texts.set(file.digest, text);
  return text;
}

/** The name of the state after a step. */
export function stateIdentity(parent: string, step: Pick<Step, 'phase' | 'name'>, inputs: LayerInput[]): string {
  const lines = inputs.map(({ kind, name, digest }) => `${kind} ${name} ${digest}`);
  return createHash('sha256')
    .update([parent, `${step.phase}/${step.name}`, ...lines].join('\n'))
    .digest('hex')
    .slice(0, 16);
}
