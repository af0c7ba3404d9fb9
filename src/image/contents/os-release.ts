import { readInside } from '../inside.js';

/** What os-release(5) says of an image. */
export interface Distribution {
  /** `ID`, such as `debian`. */
  id: string;
  /** `PRETTY_NAME`. */
  name: string;
  /** `VERSION_ID`, such as `12`; undefined for one without versions. */
  version?: string;
  /** `VERSION_CODENAME`. */
  codename?: string;
}

export function readDistribution(root: string): Distribution | undefined {
  const text = readInside(root, '/etc/os-release') ?? readInside(root, '/usr/lib/os-release');
  if (text === undefined) return undefined;
  const values = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(/^([A-Z_]+)=(.*)$/gm)) values.set(name, unquoted(value.trim()));
  // The standard's value for a system that does not say.
  const id = values.get('ID') || 'linux';
  return {
    id,
    name: values.get('PRETTY_NAME') || id,
    version: values.get('VERSION_ID'),
    codename: values.get('VERSION_CODENAME'),
  };
}

/** A word as a shell reads it, which is all that os-release allows. */
function unquoted(value: string): string {
  const [, quote, text] = /^(["'])(.*)\1$/.exec(value) ?? [];
  return quote === undefined ? value : quote === '"' ? (text ?? '').replaceAll(/\\(["\\$`])/g, '$1') : (text ?? '');
}
