import { existsSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { writeFileAtomic } from '../base/files.js';
import { formatPythonLiteral, type PythonNode, PythonTuple, pythonValue } from '../base/python-literal.js';
import { formatState, loadSite, parseState, type SiteFile } from './site.js';
import { formatYaml, isYaml, parseForm, type SiteFormat, yamlOfNode } from './yaml-form.js';

export type SiteForm = 'python' | 'yaml';

export interface ConvertedFile {
  from: string;
  to: string;
  /** Where the file as it was has been kept: comments are not carried over. */
  kept: string;
}

/**
 * Turns the files of a site into the other form, in place. What has that form already is left; a
 * `generate` stays one. Only a site without mistakes is touched.
 * @throws StackwrightError `SiteInvalid`
 */
export async function convertSite(directory: string, form: SiteForm): Promise<ConvertedFile[]> {
  const site = await loadSite(directory);
  const files: [SiteFile, SiteFormat][] = [[site.state, 'state']];
  for (const { specsFile, cmdb } of site.profiles) {
    files.push([specsFile, 'specs']);
    if (cmdb) files.push([cmdb.file, 'cmdb']);
  }
  const converted: ConvertedFile[] = [];
  for (const [{ path, text }, format] of files) {
    if (isYaml(path) === (form === 'yaml')) continue;
    const to = form === 'yaml' ? `${path}.yaml` : path.replace(/\.yaml$/, '');
    const content = convertText(text, path, format);
    const kept = unusedName(`${path}.orig`);
    const { mode } = await stat(path);
    await rename(path, kept);
    await writeFileAtomic(to, content, mode & 0o777);
    converted.push({ from: path, to, kept });
  }
  return converted;
}

/**
 * The text of a file in its other form.
 * @param file its name tells the form that it has
 */
export function convertText(text: string, file: string, format: SiteFormat): string {
  if (format === 'state') return formatState(parseState(text, file), isYaml(file) ? 'state' : 'state.yaml');
  const node = parseForm(text, file, format);
  return isYaml(file) ? `${pythonText(node, file, format)}\n` : formatYaml(yamlOfNode(node), format);
}

function pythonText(node: PythonNode, file: string, format: SiteFormat): string {
  if (node.kind === 'call') return `generate(${node.arguments.map((item) => pythonText(item, file, format))})`;
  if (node.kind === 'list' && node.items.some(({ kind }) => kind === 'call')) {
    return `[\n ${node.items.map((item) => pythonText(item, file, format)).join(',\n ')}\n]`;
  }
  const value = pythonValue(node, file);
  if (format !== 'specs' || !Array.isArray(value)) return formatPythonLiteral(value);
  return formatPythonLiteral(value.map((item) => (Array.isArray(item) ? new PythonTuple(item) : item)));
}

/** An `.orig` that is there already is that of a `generate`, or of an earlier conversion. */
function unusedName(path: string): string {
  let name = path;
  for (let number = 1; existsSync(name); number++) name = `${path}.${number}`;
  return name;
}
