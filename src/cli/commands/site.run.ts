import { StackwrightError } from '../../base/errors.js';
import { checkSite, convertSite, type Site } from '../../inventory/index.js';
import { type CliContext, command } from '../context.js';
import { renderFailure } from '../failure.js';
import type { CheckFlags, ConvertFlags } from './site.js';

export async function checkSiteCommand(this: CliContext, flags: CheckFlags, directory: string): Promise<void> {
  await command(this, flags.json, async () => {
    const { site, problems } = await checkSite(directory);
    if (flags.json) this.printJson({ profiles: site ? summary(site) : [], problems });
    else {
      for (const problem of problems) this.print(renderFailure(problem));
      if (site) for (const line of summary(site)) this.print(describe(line));
    }
    if (problems.length > 0) {
      throw new StackwrightError(
        'SiteInvalid',
        problems.length === 1 ? 'the site has a problem' : `the site has ${problems.length} problems`,
        {
          file: problems[0]?.details.file,
          line: problems[0]?.details.line,
          value: directory,
          hint: 'they are listed above, each with what to do',
        },
      );
    }
  });
}

export async function convertSiteCommand(this: CliContext, flags: ConvertFlags, directory: string): Promise<void> {
  await command(this, flags.json, async () => {
    const converted = await convertSite(directory, flags.to);
    if (flags.json) this.printJson(converted);
    else if (converted.length === 0) this.print(`every file of ${directory} has that form already`);
    else for (const { from, to, kept } of converted) this.print(`${from} → ${to}, as it was in ${kept}`);
  });
}

interface ProfileSummary {
  name: string;
  /** null is without limit. */
  remaining: number | null;
  specs: number;
  entries: number;
  free: number;
}

function summary({ profiles }: Site): ProfileSummary[] {
  return profiles.map(({ name, remaining, specs, cmdb }) => ({
    name,
    remaining,
    specs: specs.length,
    entries: cmdb?.entries.length ?? 0,
    free: cmdb?.entries.filter((entry) => !('used' in entry)).length ?? 0,
  }));
}

function describe({ name, remaining, specs, entries, free }: ProfileSummary): string {
  const records = entries === 0 ? 'no CMDB' : `${free} of ${entries} CMDB entries free`;
  return `${name}: ${specs} specs, ${remaining ?? 'any number'} may be installed, ${records}`;
}
