import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readAnswerFile } from '../base/ini.js';
import { type HookList, listHooks, servicesOf } from '../hooks/index.js';
import { resolveAnswers } from './answers.js';
import { loadPlugins } from './load-plugins.js';

/**
 * The hooks of a site with the services of an answer file; without one, of the site's `answers.txt` where it is there.
 * @throws StackwrightError `HooksMissing`, `LocalConfInvalid`, `AnswerFileMissing`, `AnswerFileInvalid`
 */
export async function listSiteHooks(site: string, answerFile?: string): Promise<HookList> {
  const file = answerFile ?? join(site, 'answers.txt');
  if (answerFile === undefined && !existsSync(file)) return await listHooks(site, []);
  const { configuration } = await resolveAnswers(await readAnswerFile(file), await loadPlugins(site), {
    mayCreate: false,
  });
  return await listHooks(site, servicesOf(configuration));
}
