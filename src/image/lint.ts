import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { StackwrightError } from '../base/errors.js';

/** Something in an element that is against the rules of diskimage-builder's dib-lint. */
export interface LintFinding {
  /** Relative to the directory of the elements. */
  file: string;
  line?: number;
  /** The word that switches the rule off in a file: `# dib-lint: disable=RULE…`. */
  rule: 'readme' | 'executable' | 'bash' | 'sete' | 'setu' | 'setpipefail' | 'depsorder' | 'indent' | 'exportsub';
  message: string;
}

/** Directories of an element that hold no text of its own. */
const skipped = new Set(['__pycache__', 'node_modules', 'tests', 'test-elements']);

/** Scripts of a phase: its own, and those of an install type. Other files may lie beside them. */
const scriptPlace = /^[^/]+\/(?!environment\.d)[^/]+\.d\/([^/]+-install\/)?[0-9A-Za-z_-]+$/;

/**
 * Checks every element in a directory of elements. Changes nothing.
 * @throws StackwrightError `ElementsPathMissing`
 */
export function lintElements(directory: string): LintFinding[] {
  if (!isDirectory(directory)) {
    throw new StackwrightError('ElementsPathMissing', 'there is no directory of elements to check', {
      value: directory,
      hint: 'name one: stackwright image lint DIRECTORY',
      exitStatus: 2,
    });
  }
  const names = readdirSync(directory).sort();
  const elements = names.filter((name) => !/^[._]/.test(name) && isDirectory(join(directory, name)));
  return elements.flatMap((name) => {
    const element = join(directory, name);
    const found = filesOf(element).flatMap((file) => lintFile(directory, file));
    if (existsSync(join(element, 'README.rst'))) return found;
    return [{ file: name, rule: 'readme', message: 'the element has no README.rst' }, ...found];
  });
}

function lintFile(directory: string, path: string): LintFinding[] {
  const text = readFileSync(path, 'utf8');
  // Anything that is no text, such as a font or a compiled program.
  if (text.includes('\0')) return [];
  const lines = text.split('\n');
  const file = relative(directory, path);
  const hook = file.split('/')[1] ?? '';
  const off = new Set(
    [...text.matchAll(/^# *dib-lint: *disable=(.*)$/gm)].flatMap(([, words = '']) => words.split(/[\s,]+/)),
  );
  const findings: LintFinding[] = [];
  const find = (rule: LintFinding['rule'], message: string, line?: number) => {
    if (!off.has(rule)) findings.push({ file, ...(line ? { line } : {}), rule, message });
  };

  if (file.endsWith('/element-deps')) {
    const deps = lines.filter(Boolean);
    if (deps.join('\n') !== [...deps].sort().join('\n')) find('depsorder', 'the lines are not sorted', 1);
  }
  const interpreter = /^#!\s*(?:\/usr\/bin\/env\s+)?(\S+)/.exec(text)?.[1];
  const isScript = hook === 'bin' || scriptPlace.test(file);
  if (isScript) {
    const executable = (statSync(path).mode & 0o111) !== 0;
    if (interpreter && !executable) find('executable', 'has an interpreter and no run bit', 1);
    if (!interpreter && executable) find('executable', 'has a run bit and no interpreter', 1);
    if (/^(.*\/)?(sh|dash)$/.test(interpreter ?? '')) find('bash', 'is a script of sh; elements use bash', 1);
  }
  const isShell = /^(.*\/)?(ba|da)?sh$/.test(interpreter ?? '') || hook === 'environment.d';
  if (isShell && isScript && /^(.*\/)?bash$/.test(interpreter ?? '')) {
    for (const [rule, option] of Object.entries(options) as ['sete' | 'setu' | 'setpipefail', RegExp][]) {
      if (!option.test(text)) find(rule, `does not set ${names[rule]}`);
    }
  }
  lines.forEach((line, index) => {
    if (isShell && /^ *\t/.test(line)) find('indent', 'is indented with a tab', index + 1);
    // The status of the command in it is lost.
    if (isShell && /^\s*export\s+\w+=["']?(\$\(|`)/.test(line)) {
      find('exportsub', 'exports the output of a command, whose failure is not seen', index + 1);
    }
  });
  return findings;
}

const names = { sete: '-e', setu: '-u', setpipefail: '-o pipefail' };
const options = {
  sete: /^\s*set\s+-[a-z]*e/m,
  setu: /^\s*set\s+-([a-z]*u|.*\s-[a-z]*u)/m,
  setpipefail: /^\s*set\s.*-[a-z]*o\s+pipefail/m,
};

function filesOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesOf(path);
    return entry.isFile() ? [path] : [];
  });
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
