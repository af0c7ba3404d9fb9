import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type HooksTree, isEnvironmentName, isScriptName, sortHooks } from './hooks.js';

/** A file of the hooks tree, or a link in it. */
export interface HookFile {
  /** Of content and mode, or of the link's target. */
  digest: string;
  executable: boolean;
  /** Where its content can be read. */
  file: string;
  /** Of a link that was made by a script; elements' own links are files here. */
  target?: string;
}

/** What a script has done to one path of the hooks tree. A missing side: the path was not, or is no more. */
export interface HookChange {
  path: string;
  before?: string;
  after?: Omit<HookFile, 'file'>;
}

/** The hooks tree as it is at some state of a build, without being mounted: paths below it and their files. */
export type HooksView = Map<string, HookFile>;

/** Reads a hooks tree. Some hundred small files, so all at once. */
export function readHooks(directory: string): HooksView {
  const view: HooksView = new Map();
  const add = (path: string) => {
    const file = join(directory, path);
    const found = lstatSync(file);
    if (found.isDirectory()) for (const name of readdirSync(file).sort()) add(posix.join(path, name));
    else if (found.isSymbolicLink()) {
      const target = readlinkSync(file);
      view.set(path, { digest: sha256(`link ${target}`), executable: isExecutable(file), file, target });
    } else if (found.isFile()) {
      const executable = (found.mode & 0o111) !== 0;
      view.set(path, { digest: sha256(executable ? 'x' : '-', readFileSync(file)), executable, file });
    }
  };
  for (const name of readdirSync(directory).sort()) add(name);
  return view;
}

function isExecutable(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o111) !== 0;
}

/** The names of the scripts that a phase runs, in their order. */
export function phaseScripts(view: HooksView, phase: string): string[] {
  return sortHooks(directlyIn(view, phase).filter((name) => isScriptName(name) && runs(view, posix.join(phase, name))));
}

/** The names of the files that are sourced before every phase, in their order. */
export function environmentFiles(view: HooksView): string[] {
  return sortHooks(directlyIn(view, 'environment.d').filter(isEnvironmentName));
}

/** Scripts of phases, and what is sourced before them. Other directories, such as `init.d`, are read by scripts. */
export const phaseFile =
  /^(root|extra-data|pre-install|install|post-install|post-root|block-device|pre-finalise|finalise|cleanup|environment)\.d\/[^/]+$/;

/** Everything that is neither a script of a phase nor sourced: programs, data, what scripts link into phases. */
export function helperFiles(view: HooksView): string[] {
  return [...view.keys()].filter((path) => !phaseFile.test(path)).sort();
}

/**
 * The element that a script comes from; none for a generated one. A link that was made in the tree,
 * as install-types does, belongs to the element of its target.
 */
export function scriptOwner({ owners }: HooksTree, view: HooksView, path: string): string | undefined {
  return owners.get(path) ?? owners.get(followLinks(view, path));
}

/** The file that a path means, through links within the tree. */
export function resolveHook(view: HooksView, path: string): HookFile | undefined {
  return view.get(followLinks(view, path));
}

function followLinks(view: HooksView, path: string): string {
  let at = path;
  for (let links = 0; links < 10; links++) {
    const target = view.get(at)?.target;
    if (target === undefined || target.startsWith('/')) return at;
    at = posix.normalize(posix.join(posix.dirname(at), target));
  }
  return at;
}

/** What changed from one view to the other. */
export function hookChanges(before: HooksView, after: HooksView): HookChange[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path) => {
    const [old, now] = [before.get(path), after.get(path)];
    if (old?.digest === now?.digest) return [];
    const { file: _file, ...kept } = now ?? { file: '' };
    return [{ path, ...(old ? { before: old.digest } : {}), ...(now ? { after: kept as HookChange['after'] } : {}) }];
  });
}

/**
 * Applies what a script did when its state was made.
 * @param layer the hooks directory of its layer
 * @returns the first path that was something else then; the view is then unchanged
 */
export function applyHookChanges(view: HooksView, changes: HookChange[], layer: string): string | undefined {
  const differs = changes.find(({ path, before }) => view.get(path)?.digest !== before);
  if (differs) return differs.path;
  for (const { path, after } of changes) {
    if (after) view.set(path, { ...after, file: join(layer, path) });
    else view.delete(path);
  }
  return undefined;
}

function directlyIn(view: HooksView, directory: string): string[] {
  const prefix = `${directory}/`;
  return [...view.keys()]
    .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
    .map((path) => path.slice(prefix.length));
}

function runs(view: HooksView, path: string): boolean {
  return resolveHook(view, path)?.executable === true;
}

function sha256(...parts: (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}
