import { StackwrightError } from '../base/errors.js';
import { readTextIfExists } from '../base/files.js';

/** One `[SECTION]` of `edeploy.conf`: a site and where its machines' files go. */
export interface EdeploySection {
  name: string;
  configDir: string;
  /** Where `.hw` files are saved; the configuration directory unless told. */
  hwDir: string;
  /** Where machines' logs are saved; the configuration directory unless told. */
  logDir: string;
  /** eDeploy's lock file; Stackwright locks in its database and only knows the setting. */
  lockFile?: string;
  metadataUrl?: string;
}

/**
 * Reads eDeploy's `edeploy.conf` (an INI file as Python's ConfigParser has it: keys in any case,
 * `=` or `:`, comments with `#` or `;`).
 * @throws StackwrightError `EdeployConfInvalid` with file, line, value
 */
export async function readEdeployConf(path: string): Promise<EdeploySection[]> {
  const text = await readTextIfExists(path);
  if (text === undefined) {
    throw new StackwrightError('EdeployConfInvalid', 'the file is missing', {
      file: path,
      value: path,
      hint: 'write [SERVER] and CONFIGDIR=/path/of/the/configuration',
    });
  }
  return parseEdeployConf(text, path);
}

export function parseEdeployConf(text: string, file: string): EdeploySection[] {
  const sections = new Map<string, { line: number; values: Map<string, string> }>();
  let current: Map<string, string> | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const [, section] = /^\[([^\]]+)\]$/.exec(line) ?? [];
    if (section !== undefined) {
      const known = sections.get(section) ?? { line: index + 1, values: new Map<string, string>() };
      sections.set(section, known);
      current = known.values;
      continue;
    }
    const [, key, value] = /^([^=:\s]+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined || !current) {
      throw invalid(current ? 'a line is not KEY=VALUE' : 'a line stands before any [SECTION]', file, index + 1, line);
    }
    current.set(key.toUpperCase(), value);
  }
  return [...sections].map(([name, { line, values }]) => {
    const configDir = values.get('CONFIGDIR');
    if (!configDir) throw invalid('a section has no CONFIGDIR', file, line, name);
    return {
      name,
      configDir,
      hwDir: values.get('HWDIR') || configDir,
      logDir: values.get('LOGDIR') || configDir,
      lockFile: values.get('LOCKFILE'),
      metadataUrl: values.get('METADATAURL'),
    };
  });
}

function invalid(message: string, file: string, line: number, value: string): StackwrightError {
  const hint = 'a section is [SERVER] followed by CONFIGDIR=/path';
  return new StackwrightError('EdeployConfInvalid', message, { file, line, value, hint });
}
