import { readFile } from 'node:fs/promises';
import { hasCode, StackwrightError } from '../../base/errors.js';
import { explainText, loadSite, matchSite, nearestFirst, parseFacts, previewScript } from '../../inventory/index.js';
import { type CliContext, command } from '../context.js';
import type { MatchFlags } from './profile.js';

export async function matchProfile(this: CliContext, flags: MatchFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const { profile, variables } = (await requireMatch(flags)).match;
    if (flags.json) this.printJson({ profile, variables });
    else for (const line of [profile, ...Object.entries(variables).map(([k, v]) => `  ${k} = ${v}`)]) this.print(line);
  });
}

export async function printScript(this: CliContext, flags: MatchFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const { site, match, facts } = await requireMatch(flags);
    const script = previewScript(site, match, facts);
    if (flags.json) this.printJson({ profile: match.profile, script });
    else this.print(script.trimEnd());
  });
}

/** @throws StackwrightError `NoProfileMatches` */
async function requireMatch(flags: MatchFlags) {
  const facts = parseFacts(await readText(flags.facts), flags.facts);
  const site = await loadSite(flags.configDir);
  const match = matchSite(site.profiles, facts);
  if (match.profile !== undefined) return { site, facts, match };
  const [nearest] = nearestFirst(match.explanations).flatMap((one) => (one.reason === 'mismatch' ? [one] : []));
  throw new StackwrightError('NoProfileMatches', 'no profile matches', {
    file: nearest?.file ?? site.state.path,
    line: nearest?.line,
    value: explainText(match.explanations),
    hint: 'change the specs, or add a profile for this machine',
  });
}

/** @throws StackwrightError `FileUnreadable` */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!['ENOENT', 'EISDIR', 'EACCES', 'ENOTDIR'].some((code) => hasCode(error, code))) throw error;
    throw new StackwrightError('FileUnreadable', `${path} cannot be read`, {
      value: path,
      hint: 'give the path of a file that you may read',
      cause: error,
    });
  }
}
